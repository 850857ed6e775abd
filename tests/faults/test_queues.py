"""What a slow provider delays, and how soon an outage of the queue is made up for: measured with
every process that `worker.py all` runs, on real servers. It takes ten minutes: bin/drill only."""

import time
from collections.abc import Iterator
from uuid import UUID

import pytest

from app.catalog.rules import TRADABLE, PaymentMethod
from app.funding.withdrawals import service as withdrawals
from app.kit import clock
from app.kit.db import Database
from app.kit.money import Amount
from app.outbox import service as outbox
from app.providers.models import ProviderCall
from sandbox.faults import FaultMode
from tests import sanctions
from tests.faults.conftest import JobBench, RedisServer, WorkerProcesses, wait_until
from tests.mailbox import RecordingSmtpServer
from tests.messages.test_service import VALUES
from tests.paying_customer import BANK_ACCOUNT, verify_without_evidence
from tests.people import People, set_prices, verify_phone
from tests.provider_sandbox import Sandbox
from tests.rows import delete_rows

CALL_SECONDS = 10
TURNS = 30
SLOW_PAYOUTS = 20
OUTAGE_SECONDS, MAIL_EVERY = 360, 3
SEALED_WITHIN, MAILED_WITHIN, PAID_WITHIN, DRAINED_WITHIN = 5, 10, 5, 10

_SEAL_SECONDS = """
SELECT max(extract(epoch FROM coalesce(s.sealed_at, now()) - r.recorded_at))::float8, count(*)
FROM audit_records r LEFT JOIN audit_seals s ON s.record_id = r.id
WHERE r.recorded_at >= %s
"""
_JOB_SECONDS = """
SELECT coalesce(max(extract(epoch FROM coalesce(done_at, now()) - staged_at)), 0)::float8, count(*)
FROM outbox WHERE task = %s AND provider = %s AND staged_at >= %s
"""
_CALLS = """
SELECT began_at, coalesce(ended_at, now()) FROM provider_calls
WHERE provider = 'bank' AND operation IN ('payouts.send', 'payouts.find')
"""
_UNFINISHED = """
SELECT task, tries FROM outbox WHERE staged_at <= %s AND done_at IS NULL
"""


class Business:
    """Customers who are paid out and get emails while the processes run."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._people = People(database)
        self._phones = 254_712_000_000
        sanctions.import_sample_list(database)
        set_prices(database, AU="4000", PAXG="4000")

    def pay_out(self, method: PaymentMethod) -> None:
        """Have a new customer paid out by bank or mobile money."""
        actor = self._people.customer(USD="500")
        verify_without_evidence(self.database, actor.user_id)
        self._phones += 1
        phone = f"+{self._phones}"
        destination = BANK_ACCOUNT if method is PaymentMethod.BANK else {"phone": phone}
        with self.database.transaction() as session:
            verify_phone(session, actor.user_id, phone)
        with self.database.transaction() as session:
            withdrawals.request(
                session, actor, method=method, amount=Amount.parse(TRADABLE["USD"], "20.00"),
                destination=destination,
            )  # fmt: skip

    def send_email(self) -> None:
        """Have an email sent to a new customer."""
        person = self._people.customer()
        args = {
            "user_id": str(person.user_id),
            "event_key": f"trade_confirmed:{person.user_id}",
            "kind": "trade_confirmed",
            "values": VALUES,
        }
        with self.database.transaction() as session:
            outbox.stage(session, "messages.send_mail", args)

    def measure(self, statement: str, *values: object) -> tuple[float, int]:
        """Return the longest time in seconds, and of how many."""
        with self.database.reading() as session:
            [(seconds, count)] = session.rows(statement, values)
        # A duration, no amount.
        return float(seconds), int(count)

    def calls_in_flight(self) -> int:
        """Return how many calls to providers are in flight."""
        with self.database.reading() as session:
            return len(session.rows("SELECT FROM provider_calls WHERE outcome = 'pending'"))

    def most_calls_at_once(self) -> int:
        """Return how many payouts were being ordered from the bank at most."""
        with self.database.reading() as session:
            calls = session.rows(_CALLS, ())
        counts = [sum(began <= moment < ended for began, ended in calls) for moment, _ in calls]
        return max(counts, default=0)


@pytest.fixture
def processes(
    job_bench: JobBench, redis_server: RedisServer, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WorkerProcesses]:
    """The processes under test, with the product's own waits and an SMTP server."""
    smtp = RecordingSmtpServer(enable_SMTPUTF8=True)
    monkeypatch.setenv("PBCEX_SMTP_URL", smtp.url)
    monkeypatch.setenv("PBCEX_PROVIDER_TIMEOUT_SECONDS", str(CALL_SECONDS + 5))
    with job_bench.database.transaction() as session:
        delete_rows(session, ProviderCall)
    processes = WorkerProcesses(
        job_bench.database, redis_server.url, tmp_path / "log", retry_seconds=3
    )
    yield processes
    processes.end()
    smtp.stop()


@pytest.mark.drill(name="queues")
@pytest.mark.parametrize("limit", [2, 100], ids=["limited", "control"])
def test_slow_provider_delays_only_its_own_jobs(
    job_bench: JobBench, processes: WorkerProcesses, sandbox: Sandbox, limit: int,
    record_property,
) -> None:  # fmt: skip
    processes.environ["PBCEX_PROVIDER_JOBS_MAX"] = str(limit)
    business = Business(job_bench.database)
    sandbox.schedule_fault("bank", "*", FaultMode.SLOW, times=10_000, seconds=CALL_SECONDS)
    processes.start("all")
    try:
        for _ in range(SLOW_PAYOUTS):
            business.pay_out(PaymentMethod.BANK)
        wait_until(lambda: business.most_calls_at_once() >= 2)
        since, began = clock.now(), time.monotonic()
        for turn in range(TURNS):
            business.pay_out(PaymentMethod.MOBILE_MONEY)
            business.send_email()
            time.sleep(max(0.0, began + turn + 1 - time.monotonic()))
        time.sleep(1)
        seconds = time.monotonic() - began
        sealed, records = business.measure(_SEAL_SECONDS, since)
        mailed, mails = business.measure(_JOB_SECONDS, "messages.send_mail", "email", since)
        paid, payouts = business.measure(_JOB_SECONDS, "funding.send_withdrawal", "daraja", since)
        at_once = business.most_calls_at_once()
    finally:
        sandbox.faults.clear()
        wait_until(lambda: not business.calls_in_flight())
        processes.end()
    assert mails >= TURNS
    assert payouts >= TURNS
    if limit > 2:
        assert paid > PAID_WITHIN, "the control was not caught"
        record_property(
            "evidence",
            f"Control: without the limit {at_once} payouts are ordered from the bank at once, and"
            f" a payout job of another provider waited {paid:.1f} s.",
        )
        return
    assert at_once == limit
    assert sealed <= SEALED_WITHIN
    assert mailed <= MAILED_WITHIN
    assert paid <= PAID_WITHIN
    record_property(
        "evidence",
        f"A bank that takes {CALL_SECONDS} s a call, and {SLOW_PAYOUTS} payouts that wait for it,"
        f" for {seconds:.0f} s: at most {at_once} of them are ordered at once. Meanwhile {records}"
        f" audit records were sealed within {sealed:.1f} s, {mails} emails sent within"
        f" {mailed:.1f} s, and {payouts} payout jobs of another provider done within {paid:.1f} s"
        " of their staging.",
    )


@pytest.mark.drill(name="queues")
def test_refused_writes_are_made_up_for_within_seconds(
    job_bench: JobBench, processes: WorkerProcesses, sandbox: Sandbox, record_property
) -> None:
    business = Business(job_bench.database)
    processes.start("all")
    wait_until(lambda: job_bench.redis.scard("rq:workers") >= 12)
    job_bench.redis.config_set("min-replicas-to-write", 1)
    try:
        began = time.monotonic()
        users: list[UUID] = []
        while time.monotonic() < began + OUTAGE_SECONDS:
            users.append(job_bench.stage())
            if len(users) % MAIL_EVERY == 1:
                business.send_email()
            time.sleep(1)
    finally:
        job_bench.redis.config_set("min-replicas-to-write", 0)
    ended = time.monotonic()
    with job_bench.database.reading() as session:
        [(now,)] = session.rows("SELECT now()")
        [(waiting, tried)] = session.rows(
            "SELECT count(*), coalesce(max(tries), 0) FROM outbox WHERE done_at IS NULL"
        )
    assert waiting > len(users)

    def is_drained() -> bool:
        with job_bench.database.reading() as session:
            return not session.rows(_UNFINISHED, (now,))

    wait_until(is_drained)
    drained = time.monotonic() - ended
    with job_bench.database.reading() as session:
        rows = session.rows("SELECT tries FROM outbox WHERE staged_at <= %s", (now,))
    assert drained <= DRAINED_WITHIN
    assert [job_bench.effects(user_id) for user_id in users] == [1] * len(users)
    assert {tries for (tries,) in rows} == {1}
    record_property(
        "evidence",
        f"Redis refused every write for {OUTAGE_SECONDS} s: {waiting} jobs waited, none with more"
        f" than {tried} tries; all were done {drained:.1f} s after the outage, at the first try.",
    )
