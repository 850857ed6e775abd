"""A customer, our background jobs, and the providers with their webhooks."""

from flask import Flask

from app.cases import queries as cases_queries
from app.custody.service import follow_sends
from app.funding.poll import poll_payments
from app.kit import tasks as kit_tasks
from app.kit.db import Database
from app.reconciliation import service as reconciliation
from app.reconciliation.invariants import find_violations
from tests.api_client import ApiClient
from tests.mailbox import run_pending_jobs
from tests.paying_customer import verify_without_evidence
from tests.provider_sandbox import Sandbox


class World:
    """A customer, our background jobs, and the providers with their webhooks."""

    def __init__(self, app: Flask, sandbox: Sandbox) -> None:
        self.database: Database = app.extensions["database"]
        self.sandbox = sandbox
        self.me = ApiClient(app)
        self.client = app.test_client()

    def run_jobs_and_webhooks(self, times: int = 3) -> None:
        """Run the pending jobs and deliver webhooks, several times."""
        for _ in range(times):
            run_pending_jobs(self.database, *kit_tasks.names())
            self.sandbox.deliver_webhooks(self.client)
        run_pending_jobs(self.database, *kit_tasks.names())

    def deposit(self, **request: str) -> str:
        created = self.me.ok(201, self.me.post("/api/wallet/deposit", request))
        return str(created["deposit"]["id"])

    def deposit_now(self, deposit_id: str) -> dict[str, object]:
        current: dict[str, object] = self.me.ok(
            200, self.me.get(f"/api/wallet/deposits/{deposit_id}")
        )["deposit"]
        return current

    def withdrawal_now(self, withdrawal_id: str) -> dict[str, object]:
        current: dict[str, object] = self.me.ok(
            200, self.me.get(f"/api/wallet/withdrawals/{withdrawal_id}")
        )["withdrawal"]
        return current

    def instructions(self, deposit_id: str) -> dict[str, str]:
        """Return the payment instructions of a pending deposit."""
        pending = self.deposit_now(deposit_id)
        assert pending["status"] == "pending"
        instructions = pending["instructions"]
        assert isinstance(instructions, dict)
        return instructions

    def poll_a_minute_later(self) -> None:
        """Run the polls as if a minute had passed, or six for payments older than an hour."""
        with self.database.transaction() as session:
            for table in ("deposits", "withdrawals", "custody_sends"):
                session.send(f"UPDATE {table} SET looked_at = looked_at - interval '6 minutes'")
            poll_payments(session)
            follow_sends(session)
        self.run_jobs_and_webhooks()

    def arrive(self, address: str, amount: str) -> str:
        """Let PAXG arrive at a deposit address. Return its custodian."""
        [custodian] = [
            name
            for name in ("paxos", "primetrust", "anchorage")
            if address in str(self.sandbox.store.find(name, "address"))
        ]
        self.sandbox.call_control(
            custodian, "/arrivals", address=address, asset="PAXG", amount=amount
        )
        self.run_jobs_and_webhooks()
        return custodian

    def complete_send(self, withdrawal_id: str) -> None:
        """Complete the send of a withdrawal's tokens."""
        [custodian] = [
            name
            for name in ("paxos", "primetrust", "anchorage")
            if self.sandbox.store.find(name, "transfer", reference=withdrawal_id)
        ]
        self.sandbox.call_control(custodian, f"/sends/{withdrawal_id}/completed")
        self.run_jobs_and_webhooks()

    def assert_everything_agrees(self) -> None:
        """Check that the books are correct and agree with every provider."""
        with self.database.reading() as session:
            assert find_violations(session) == []
        runs = reconciliation.reconcile_all(self.database)
        assert [run for run in runs if run.failure or run.differences] == []
        assert sum(run.compared for run in runs) > 1

    def verified(self, *, phone: str = "") -> ApiClient:
        """Return a customer who may pay in and out."""
        self.me.register()
        self.me.credit()
        verify_without_evidence(self.database, self.me.user_id)
        if phone:
            self.me.verify_phone(phone)
        return self.me

    def withdraw(self, method: str, amount: str, *, asset: str = "USD", **destination: str) -> str:
        """Request a withdrawal; return its id."""
        payload = {"method": method, "asset": asset, "amount": amount, "destination": destination}
        created = self.me.ok(201, self.me.post("/api/wallet/withdraw", payload))
        return str(created["withdrawal"]["id"])

    def prompt_of(self, deposit_id: str) -> str:
        """Return the id of the prompt on the customer's phone."""
        [prompt] = self.sandbox.store.find("daraja", "prompt", name=deposit_id[-12:])
        return str(prompt["id"])

    def cases(self, *kinds: str) -> list[tuple[str, str, str]]:
        """Return kind, subject and state of every case, or of those of these kinds."""
        with self.database.reading() as session:
            rows = session.rows("SELECT kind, subject, state FROM cases ORDER BY id")
        return [row for row in rows if not kinds or row[0] in kinds]

    def case_texts(self) -> list[str]:
        """Return the notes and reasons of every case, oldest first."""
        with self.database.reading() as session:
            cases = session.rows("SELECT id FROM cases ORDER BY id")
            events = [event for (case,) in cases for event in cases_queries.events(session, case)]
        return [event.text for event in events if event.text]
