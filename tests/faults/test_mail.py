"""Mail while workers are killed and the server is away: real processes, a real SMTP server."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.outbox import service as outbox
from tests.drill import choose_size
from tests.faults.conftest import JobBench, WorkerProcesses, wait_until
from tests.mailbox import RecordingSmtpServer
from tests.messages.test_service import VALUES
from tests.people import People

MAILS = choose_size(20, 200)


class SlowServer(RecordingSmtpServer):
    """Takes its time before it says that it took a mail, when it is asked to."""

    slow_seconds = 0.0

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        if self.slow_seconds:
            await asyncio.sleep(self.slow_seconds)
        return answer


@pytest.fixture
def smtp(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowServer]:
    made = SlowServer(enable_SMTPUTF8=True)
    monkeypatch.setenv("PBCEX_SMTP_URL", made.url)
    yield made
    made.stop()


@pytest.fixture
def crew(
    smtp: SlowServer, database, redis_server, tmp_path: Path, desk: JobBench
) -> Iterator[WorkerProcesses]:
    """Processes that mail through that server."""
    made = WorkerProcesses(database, redis_server.url, tmp_path / "log")
    yield made
    made.end()


def stage(desk: JobBench, people: People, count: int = 1, *, times: int = 1) -> list[str]:
    """So many mails to fresh people, each staged so many times; answers their addresses."""
    told = [people.customer() for _ in range(count)]
    with desk.database.transaction() as session:
        for person in told:
            for _ in range(times):
                args = {
                    "user_id": str(person.user_id),
                    "event_key": f"trade_confirmed:{person.user_id}",
                    "kind": "trade_confirmed",
                    "values": VALUES,
                }
                outbox.stage(session, "messages.send_mail", args)
    return [person.email for person in told]


def received(smtp: RecordingSmtpServer) -> Counter[str]:
    return Counter(str(mail["To"]) for mail in list(smtp.mails))


def states(desk: JobBench) -> Counter[str]:
    with desk.database.reading() as session:
        return Counter(dict(session.rows("SELECT state, count(*) FROM mails GROUP BY state")))


@pytest.fixture(autouse=True)
def no_mails(desk: JobBench) -> None:
    with desk.database.transaction() as session:
        session.send("DELETE FROM mails")


def test_every_mail_goes_out_once_however_often_it_is_staged(desk, crew, smtp, people) -> None:
    emails = stage(desk, people, MAILS, times=3)
    for role in ("relay", "work", "work"):
        crew.start(role)
    wait_until(desk.settled)
    assert received(smtp) == Counter(emails)
    assert states(desk) == {"sent": MAILS}


def test_a_server_that_is_down_delays_mail_and_loses_none(desk, crew, smtp, people) -> None:
    smtp.stop()
    emails = stage(desk, people, 5)
    for role in ("relay", "work"):
        crew.start(role)
    wait_until(lambda: states(desk)["waiting"] == 5)
    time.sleep(1)
    smtp.start_again()
    try:
        wait_until(desk.settled)
    finally:
        assert received(smtp) == Counter(emails)
    assert states(desk) == {"sent": 5}
    with desk.database.reading() as session:
        assert session.rows("SELECT count(*) FROM outbox WHERE dead_at IS NOT NULL") == [(0,)]


def test_a_worker_killed_before_the_call_costs_no_second_mail(desk, crew, smtp, people) -> None:
    """Killed at random moments among quick mails: only those in hand can come twice, and each
    that does carries the same Message-ID and is counted."""
    emails = stage(desk, people, MAILS)
    crew.start("relay")
    kills = 0
    for _ in range(choose_size(3, 15)):
        worker = crew.start("work")
        before = len(smtp.mails)
        wait_until(lambda before=before: len(smtp.mails) > before or desk.settled())
        worker.kill()
        worker.join()
        kills += 1
        expire_claims(desk)
    crew.start("work")
    wait_until(lambda: expire_claims(desk) or desk.settled())
    seen = received(smtp)
    assert set(seen) == set(emails)
    assert seen.total() <= MAILS + kills
    check_repeats(desk, smtp)


def test_a_worker_killed_during_the_call_repeats_the_same_mail(desk, crew, smtp, people) -> None:
    [email] = stage(desk, people)
    smtp.slow_seconds = 30
    crew.start("relay")
    worker = crew.start("work")
    wait_until(lambda: received(smtp)[email] == 1)
    worker.kill()
    worker.join()
    smtp.slow_seconds = 0
    crew.start("work")
    # While the claim lasts nobody tries again, although the job is sent again and again.
    time.sleep(2)
    assert received(smtp)[email] == 1
    assert states(desk) == {"sending": 1}
    expire_claims(desk)
    wait_until(desk.settled)
    assert received(smtp)[email] == 2
    check_repeats(desk, smtp)
    with desk.database.reading() as session:
        assert session.rows("SELECT state, uncertain FROM mails") == [("sent", 1)]


def expire_claims(desk: JobBench) -> None:
    """As if the minute were over: nobody who held a claim is alive."""
    with desk.database.transaction() as session:
        session.send(
            "UPDATE mails SET claimed_until = claimed_until - %s WHERE state = 'sending'",
            (timedelta(minutes=2),),
        )


def check_repeats(desk: JobBench, smtp: RecordingSmtpServer) -> None:
    """Whoever got two got the same twice, and the row says that the outcome was unknown."""
    ids: dict[str, set[str]] = {}
    for mail in smtp.mails:
        ids.setdefault(str(mail["To"]), set()).add(str(mail["Message-ID"]))
    assert all(len(each) == 1 for each in ids.values())
    repeated = sum(count - 1 for count in received(smtp).values())
    with desk.database.reading() as session:
        [(uncertain,)] = session.rows("SELECT coalesce(sum(uncertain), 0) FROM mails")
    assert repeated <= uncertain


def test_a_refused_address_is_given_up_at_once(desk, crew, smtp, people) -> None:
    smtp.rcpt_answers = ["550 nobody here"]
    stage(desk, people)
    for role in ("relay", "work"):
        crew.start(role)
    wait_until(desk.settled)
    assert smtp.mails == []
    assert states(desk) == {"refused": 1}
