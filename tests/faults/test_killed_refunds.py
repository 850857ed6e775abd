"""SIGKILL of a worker that has asked the processor for a refund to a card and stored nothing since:
the refund is made once."""

from uuid import UUID

import pytest
from flask import Flask

from app.funding.card_refunds import queries
from app.funding.card_refunds import service as card_refunds
from app.funding.models import CardRefundRow
from app.kit import ids
from app.kit.ids import PublicId
from app.ledger.verification import find_violations
from sandbox.faults import FaultMode
from tests import sanctions
from tests.faults.conftest import JobBench, WorkerProcesses, wait_until
from tests.faults.test_killed_payments import MOVES, NO_ANSWER_SECONDS, Payments
from tests.paying_customer import usd, verify_without_evidence
from tests.people import People, set_prices
from tests.provider_sandbox import Sandbox
from tests.rows import read_values

_CHARGE = MOVES[3]
_ACT = PublicId("rfd_01J")


@pytest.fixture
def payments(
    app: Flask,
    job_bench: JobBench,
    worker_processes: WorkerProcesses,
    sandbox: Sandbox,
    people: People,
) -> Payments:
    sanctions.import_sample_list(job_bench.database)
    set_prices(job_bench.database, AU="4000", PAXG="4000")
    actor = people.customer(USD="500")
    verify_without_evidence(job_bench.database, actor.user_id)
    return Payments(app, job_bench, worker_processes, sandbox, people, actor)


def request(payments: Payments, deposit_id: UUID) -> PublicId:
    with payments.database.transaction() as session:
        refund_id = card_refunds.request(
            session, deposit_id, payments.actor.user_id, usd("20"), because_of=_ACT
        )
    return ids.encode(queries.PREFIX, refund_id)


def count_made(payments: Payments, refund: PublicId) -> int:
    """Return how often the processor has made the refund."""
    made = payments.sandbox.store.find("stripe", "refund")
    return sum(refund in str(each["metadata"]) for each in made)


def status(payments: Payments, refund: PublicId) -> str:
    with payments.database.reading() as session:
        refund_id = ids.decode(queries.PREFIX, refund)
        [found] = read_values(session, CardRefundRow.status, CardRefundRow.id == refund_id)
    return str(found)


@pytest.mark.parametrize("mode", [FaultMode.TIMEOUT_BEFORE, FaultMode.TIMEOUT_AFTER])
def test_refund_to_a_card_whose_worker_is_killed_is_made_once(
    payments: Payments, mode: FaultMode
) -> None:
    payments.worker_processes.start("relay")
    worker = payments.worker_processes.start("work")
    deposit_id = payments.begin(_CHARGE)

    def is_credited() -> bool:
        payments.let_claims_expire()
        return payments.status(_CHARGE, deposit_id) == "credited"

    wait_until(is_credited, 30)
    before = usd(payments.people.balances(payments.actor)["USD"])
    payments.sandbox.schedule_fault("stripe", "refunds.create", mode, seconds=NO_ANSWER_SECONDS)
    refund = request(payments, deposit_id)
    wait_until(payments.is_taken)
    was_done = int(mode is FaultMode.TIMEOUT_AFTER)
    wait_until(lambda: count_made(payments, refund) == was_done)
    worker.kill()
    worker.join()
    assert status(payments, refund) == "requested"
    payments.worker_processes.start("work")

    def is_refunded() -> bool:
        with payments.database.transaction() as session:
            session.send("UPDATE card_refunds SET looked_at = looked_at - interval '6 minutes'")
        payments.let_claims_expire()
        return status(payments, refund) == "refunded"

    wait_until(is_refunded, 30)
    assert count_made(payments, refund) == 1
    assert payments.people.balances(payments.actor) == {"USD": str(before - usd("20"))}
    with payments.database.reading() as session:
        assert find_violations(session) == []
