"""A harness that sends and receives through the custodians of the provider sandbox."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from app.catalog.rules import TRADABLE
from app.custody import addresses, incoming_tokens
from app.custody import service as custody
from app.custody.models import CustodyBalance, CustodySend
from app.custody.ports import Custodian, Custodians
from app.custody.queries import SendStatus
from app.integrations import registry
from app.jobs.dispatch import execute_job
from app.kit.db import Database
from app.kit.money import Amount
from app.kit.ports import provide
from app.outbox.rules import Backoff
from app.providers.models import ProviderCall
from app.providers.ports import WebhookVerifiers
from tests.provider_sandbox import Sandbox
from tests.rows import change_rows, delete_rows

NAMES = ("paxos", "anchorage", "primetrust")
OPENING_BALANCES = {"paxos": "100", "anchorage": "50", "primetrust": "50"}
#: The operation of each custodian's protocol that sends.
SEND_OPERATIONS = {
    "paxos": "withdrawals.create",
    "anchorage": "transfers.create",
    "primetrust": "disbursements.create",
}
ADDRESS = "0x" + "a1" * 20


class CustodyHarness:
    """Sends and receives tokens, and reads what each sandbox custodian recorded."""

    def __init__(self, app: Flask, sandbox: Sandbox) -> None:
        self.app, self.sandbox = app, sandbox
        self.database: Database = app.extensions["database"]
        self.reference = f"wdr_{uuid4().hex}"
        self.configure()

    def configure(self, *names: str, **settings: object) -> dict[str, Custodian]:
        """Configure these custodians only (all unless named), as in a new process."""
        sections = [section.load(**settings) for section in registry.SECTIONS]
        adapters = registry.connect(self.app.extensions["settings"], sections, self.database)
        for name in set(adapters.custodians) - set(names or adapters.custodians):
            del adapters.custodians[name]
        provide(Custodians, adapters.custodians)
        provide(WebhookVerifiers, adapters.webhooks)
        return adapters.custodians

    def send(self, amount: str = "0.5", code: str = "PAXG") -> SendStatus:
        asset = TRADABLE[code]
        return custody.send(
            self.database,
            reference=self.reference,
            asset=asset,
            units=Amount.parse(asset, amount).units,
            address=ADDRESS,
        )

    def settle(self) -> SendStatus:
        return custody.settle(self.database, self.reference)

    def recorded_sends(self, name: str | None = None) -> list[tuple[str, str, str]]:
        """Return custodian, amount and state of every transfer with our reference."""
        return [
            (custodian, transfer["amount"], transfer["state"])
            for custodian in NAMES
            if name in {None, custodian}
            for transfer in self.sandbox.store.find(custodian, "transfer", reference=self.reference)
        ]

    def events(self) -> list[tuple[str, str, str | None]]:
        """Return the events of the send: event, state after it, custodian."""
        with self.database.reading() as session:
            return session.rows(
                "SELECT e.what, e.state, e.custodian FROM custody_send_events e"
                " JOIN custody_sends s ON s.id = e.send_id WHERE s.reference = %s ORDER BY e.id",
                (self.reference,),
            )

    def calls(self) -> list[tuple[str, str, str]]:
        """Return the calls about the send: provider, operation, outcome."""
        with self.database.reading() as session:
            return session.rows(
                "SELECT provider, operation, outcome FROM provider_calls WHERE reference = %s"
                " ORDER BY id",
                (self.reference,),
            )

    def settlements_staged(self, task_name: str = "funding.settle_send") -> int:
        """Return how often the settlement of the send was staged."""
        with self.database.reading() as session:
            return len(
                session.rows(
                    "SELECT FROM outbox WHERE task = %s AND args ->> 'reference' = %s",
                    (task_name, self.reference),
                )
            )

    def deposit_address(self, user_id: UUID, code: str = "PAXG") -> str:
        """Return the person's address, created by its job."""
        with self.database.transaction() as session:
            requested = addresses.get_or_request_address(session, user_id, TRADABLE[code])
        addresses.create_address(self.database, requested.id)
        with self.database.transaction() as session:
            created = addresses.get_or_request_address(session, user_id, TRADABLE[code])
        assert created.address is not None
        return created.address

    def receive_tokens(self, name: str, address: str, amount: str, **also: str) -> str:
        """Let tokens arrive; return the custodian's id of the transfer."""
        document = {"asset": "PAXG", "address": address, "amount": amount, **also}
        return str(self.sandbox.call_control(name, "/arrivals", **document)["id"])

    def recorded_transfers(self, address: str) -> list[tuple[str, int]]:
        """Return the recorded transfers to the address."""
        with self.database.reading() as session:
            return session.rows(
                "SELECT asset, units FROM custody_arrivals WHERE address = %s ORDER BY id",
                (address,),
            )

    def credits_staged(self, address: str) -> int:
        """Return how often a credit for the address was staged."""
        with self.database.reading() as session:
            return len(
                session.rows(
                    "SELECT FROM outbox o JOIN custody_arrivals a"
                    " ON o.args ->> 'arrival_id' = a.id::text"
                    " WHERE o.task = 'funding.credit_arrival' AND a.address = %s",
                    (address,),
                )
            )

    def deliver_webhooks(self) -> list[int]:
        """Deliver every due webhook, and run the jobs that it stages."""
        statuses = self.sandbox.deliver_webhooks(self.app.test_client())
        self.run_jobs()
        return statuses

    def run_jobs(self, *names: str) -> None:
        """Run the waiting jobs: those of custody unless others are named."""
        wanted = list(names or ("custody.hear", "custody.settle_send"))
        with self.database.reading() as session:
            jobs = session.rows(
                "SELECT id FROM outbox WHERE done_at IS NULL AND dead_at IS NULL"
                " AND task = ANY (%s) ORDER BY id",
                (wanted,),
            )
        for (identifier,) in jobs:
            execute_job(self.database, identifier, Backoff())

    def poll(self) -> None:
        """Poll every custodian, as the timetable does each minute."""
        with self.database.transaction() as session:
            incoming_tokens.stage_polls(session)
        self.run_jobs("custody.poll_custodian")

    def set_balance(self, name: str, amount: str, code: str = "PAXG") -> None:
        """Set the balance at a custodian."""
        self.sandbox.store.put(name, "balance", code, {"asset": code, "amount": amount})


@contextmanager
def open_custody_harness(
    app: Flask, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CustodyHarness]:
    """Yield a harness with all custodians, none of which completes a send by itself."""
    for name in NAMES:
        sandbox.call_control(name, "/pace", seconds=3600)
        sandbox.store.put(
            name, "balance", "PAXG", {"asset": "PAXG", "amount": OPENING_BALANCES[name]}
        )
        for transfer in sandbox.store.find(name, "transfer"):
            sandbox.store.delete(name, "transfer", transfer["id"])
    for delivery in sandbox.store.find("_sandbox", "deliveries"):
        sandbox.store.delete("_sandbox", "deliveries", delivery["id"])
    harness = CustodyHarness(app, sandbox)
    with harness.database.transaction() as session:
        # Calls of other tests would count for the custodians' health.
        delete_rows(session, ProviderCall)
        delete_rows(session, CustodyBalance)
    yield harness
    with harness.database.transaction() as session:
        # Later polls find no unsettled send of this test.
        change_rows(
            session,
            CustodySend,
            CustodySend.settled_at.is_(None),
            state="refused",
            settled_at=sa.func.now(),
        )
