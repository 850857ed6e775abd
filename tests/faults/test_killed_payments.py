"""SIGKILL of a worker that has called a provider and has not stored the response.

A real worker, with a job from the outbox through Redis, calls the sandbox over HTTP. The sandbox
executes the call or ignores it, and does not answer; then the worker is killed and another one
takes over.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from app.access import Actor
from app.catalog.rules import TRADABLE, PaymentMethod
from app.custody.models import CustodySend
from app.funding.deposits import service as deposits
from app.funding.poll import poll_payments
from app.funding.withdrawals import service as withdrawals
from app.kit import ids
from app.kit.db import Database
from app.kit.money import Amount
from app.ledger.verification import find_violations
from sandbox.faults import FaultMode
from tests import sanctions
from tests.faults.conftest import JobBench, WorkerProcesses, wait_until
from tests.paying_customer import BANK_ACCOUNT, verify_without_evidence
from tests.people import People, set_prices, verify_phone
from tests.provider_sandbox import Sandbox
from tests.rows import change_rows

NO_ANSWER_SECONDS = 30
PHONE = "+254712345677"
ADDRESS = "0x" + "b2" * 20


@dataclass(frozen=True)
class Move:
    """A call that moves value: its provider, and where in the sandbox its effect is found."""

    method: PaymentMethod
    asset: str
    amount: str
    provider: str
    operation: str
    kind: str
    #: How the public id of the payment is found in the effect.
    has: Callable[[dict[str, object], str], bool]
    destination: dict[str, str]

    @property
    def is_deposit(self) -> bool:
        return self.method is PaymentMethod.CARD


def _by_reference(document: dict[str, object], public_id: str) -> bool:
    return document["reference"] == public_id


def _by_metadata(document: dict[str, object], public_id: str) -> bool:
    return public_id in str(document["metadata"])


def _captured(document: dict[str, object], public_id: str) -> bool:
    return _by_metadata(document, public_id) and document["status"] == "succeeded"


MOVES = [
    Move(PaymentMethod.BANK, "USD", "40.00", "bank", "payouts.create", "payout",
         _by_reference, BANK_ACCOUNT),
    Move(PaymentMethod.MOBILE_MONEY, "USD", "5.00", "daraja", "payouts.create", "payout",
         _by_reference, {"phone": PHONE}),
    Move(PaymentMethod.CRYPTO, "PAXG", "0.25", "paxos", "withdrawals.create", "transfer",
         _by_reference, {"network": "ETHEREUM", "address": ADDRESS}),
    Move(PaymentMethod.CARD, "USD", "60.00", "stripe", "payments.create", "payment_intent",
         _by_metadata, {}),
    Move(PaymentMethod.CARD, "USD", "60.00", "stripe", "payments.capture", "payment_intent",
         _captured, {}),
]  # fmt: skip


@dataclass
class Payments:
    """A customer with money, the sandbox, and the worker processes."""

    app: Flask
    job_bench: JobBench
    worker_processes: WorkerProcesses
    sandbox: Sandbox
    people: People
    actor: Actor

    @property
    def database(self) -> Database:
        return self.job_bench.database

    def begin(self, move: Move) -> UUID:
        """Request the payment as the customer."""
        amount = Amount.parse(TRADABLE[move.asset], move.amount)
        with self.database.transaction() as session:
            if move.is_deposit:
                return deposits.request(
                    session, self.actor, method=move.method, amount=amount, source="pm_card_visa"
                ).id
            withdrawal = withdrawals.request(
                session, self.actor, method=move.method, amount=amount, destination=move.destination
            )
        return withdrawal.id

    def effects(self, move: Move, identifier: UUID) -> int:
        """Return how often the provider has made the payment."""
        public_id = ids.encode("dep" if move.is_deposit else "wdr", identifier)
        stored = self.sandbox.store.find(move.provider, move.kind)
        return sum(move.has(document, public_id) for document in stored)

    def status(self, move: Move, identifier: UUID) -> str:
        table = "deposits" if move.is_deposit else "withdrawals"
        with self.database.reading() as session:
            return str(
                session.rows(f"SELECT status FROM {table} WHERE id = %s", (identifier,))[0][0]
            )

    def is_taken(self) -> bool:
        """Return whether the unanswered call has reached the provider."""
        return not self.sandbox.faults.pending()

    def let_claims_expire(self) -> None:
        """Let minutes pass: claims of dead processes expire, webhooks arrive, and the poll runs."""
        with self.database.transaction() as session:
            change_rows(
                session, CustodySend, CustodySend.claim_id.is_not(None), claimed_until=sa.func.now()
            )
            session.send("UPDATE provider_calls SET began_at = began_at - interval '3 minutes'")
            for table in ("deposits", "withdrawals"):
                session.send(f"UPDATE {table} SET looked_at = looked_at - interval '1 minute'")
            poll_payments(session)
        self.sandbox.deliver_webhooks(self.app.test_client())
        # The worker has started, and its call is in flight.
        time.sleep(0.5)


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
    actor = people.customer(USD="500", PAXG="2")
    verify_without_evidence(job_bench.database, actor.user_id)
    with job_bench.database.transaction() as session:
        verify_phone(session, actor.user_id, PHONE)
    return Payments(app, job_bench, worker_processes, sandbox, people, actor)


@pytest.mark.parametrize("mode", [FaultMode.TIMEOUT_BEFORE, FaultMode.TIMEOUT_AFTER])
@pytest.mark.parametrize("move", MOVES, ids=lambda move: f"{move.provider}-{move.operation}")
def test_payment_whose_worker_is_killed_is_made_once(
    payments: Payments, move: Move, mode: FaultMode
) -> None:
    payments.sandbox.schedule_fault(move.provider, move.operation, mode, seconds=NO_ANSWER_SECONDS)
    payments.worker_processes.start("relay")
    worker = payments.worker_processes.start("work")
    identifier = payments.begin(move)
    wait_until(payments.is_taken)
    was_done = int(mode is FaultMode.TIMEOUT_AFTER)
    wait_until(lambda: payments.effects(move, identifier) == was_done)
    worker.kill()
    worker.join()
    # Nothing is marked as done or refunded, and the money has not moved.
    assert payments.status(move, identifier) in {"requested", "sending"}
    assert payments.people.balances(payments.actor) == {"USD": "500.00", "PAXG": "2.00000000"}

    payments.worker_processes.start("work")
    if was_done and move.provider == "daraja":
        # This provider only reports how a payout ended.
        public_id = ids.encode(withdrawals.PREFIX, identifier)
        payments.sandbox.call_control("daraja", f"/payouts/{public_id}/end", result_code=0)
    done = {"credited"} if move.is_deposit else {"sent", "completed"}

    def is_done() -> bool:
        payments.let_claims_expire()
        return payments.status(move, identifier) in done

    wait_until(is_done, 30)
    assert payments.effects(move, identifier) == 1
    with payments.database.reading() as session:
        assert find_violations(session) == []
