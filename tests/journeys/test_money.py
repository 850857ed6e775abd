"""Deposits, withdrawals and disputes through the providers' own protocols and webhooks."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from flask import Flask

from app.custody import opening_balances
from app.funding.poll import poll_payments
from app.kit import tasks as kit_tasks
from app.kit.db import Database
from app.ledger.verification import find_violations
from app.reconciliation import service as reconciliation
from sandbox.faults import FaultMode
from tests import sanctions
from tests.api_client import ApiClient, assert_problem
from tests.mailbox import Mailbox, run_pending_jobs, use_mailbox
from tests.paying_customer import verify_without_evidence
from tests.people import set_prices
from tests.provider_sandbox import Sandbox


class World:
    """A customer, our background jobs, and the providers with their webhooks."""

    def __init__(self, app: Flask, sandbox: Sandbox) -> None:
        self.database: Database = app.extensions["database"]
        self.sandbox = sandbox
        self.me = ApiClient(app)
        self._client = app.test_client()

    def run_jobs_and_webhooks(self, times: int = 3) -> None:
        """Run the pending jobs and deliver webhooks, several times."""
        for _ in range(times):
            run_pending_jobs(self.database, *kit_tasks.names())
            self.sandbox.deliver_webhooks(self._client)
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
        """Run the poll as if a minute had passed."""
        with self.database.transaction() as session:
            session.send("UPDATE deposits SET looked_at = looked_at - interval '1 minute'")
            poll_payments(session)
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


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with use_mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def world(lone_app: Flask, sandbox: Sandbox, box: Mailbox) -> World:
    # The providers start with empty books.
    sandbox.store.clear()
    world = World(lone_app, sandbox)
    sanctions.import_sample_list(world.database)
    opening_balances.open_books(world.database)
    set_prices(world.database, AU="4000", AG="50", PT="1600", PD="1500", CU="0.4", PAXG="4000")
    return world


IDENTITY = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "dateOfBirth": "1985-12-10",
    "address": {
        "street": "1 Main Street",
        "city": "Reno",
        "state": "NV",
        "zipCode": "89501",
        "country": "US",
    },
}
CARD = {"method": "card", "asset": "USD", "amount": "500.00", "paymentMethod": "pm_card_visa"}


def test_customer_verifies_deposits_trades_withdraws_and_gets_a_statement(world: World) -> None:
    me = world.me
    me.register(phone="+12025550123")
    me.credit()
    assert_problem(me.post("/api/wallet/deposit", CARD), 409, "kyc_required")
    me.ok(201, me.post("/api/kyc/submit", IDENTITY))
    world.run_jobs_and_webhooks()
    status = me.ok(200, me.get("/api/kyc/status"))
    assert (status["status"], status["tier"]) == ("approved", 2)

    card = world.deposit(**CARD)
    world.run_jobs_and_webhooks()
    assert world.deposit_now(card)["status"] == "credited"
    bank = world.deposit(method="bank", asset="USD", amount="250.00")
    world.run_jobs_and_webhooks()
    instructions = world.instructions(bank)
    message = me.ok(200, me.get("/api/messages"))["data"][0]
    assert message["subject"] == "How to pay in your deposit of 250.00 USD"
    assert f"Account number  {instructions['accountNumber']}\n" in message["body"]
    world.sandbox.call_control(
        "bank", "/arrivals", account_number=instructions["accountNumber"], amount="250.00"
    )
    world.run_jobs_and_webhooks()
    assert world.deposit_now(bank)["status"] == "credited"
    # The card payment less 2.9 % and 0.30.
    assert me.available_balances() == {"USD": "735.20"}

    order = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100.00"}
    bought = me.ok(201, me.post("/api/trade/order", order))["toAmount"]
    tokens = world.deposit(method="crypto", asset="PAXG", amount="1.5")
    world.run_jobs_and_webhooks()
    world.poll_a_minute_later()
    instructions = world.instructions(tokens)
    world.arrive(instructions["address"], "0.75")
    assert world.deposit_now(tokens)["status"] == "credited"
    mint = {"asset": "PAXG", "amount": "0.25", "from": "funding", "to": "trading"}
    me.ok(201, me.post("/api/wallet/transfer", mint))

    destination = {
        "accountHolder": "Ada Lovelace",
        "accountNumber": "000123456789",
        "routingNumber": "110000000",
    }
    payload = {"method": "bank", "asset": "USD", "amount": "600.00", "destination": destination}
    # The customer changed their name after they were verified as Ada Lovelace.
    me.ok(200, me.send("PATCH", "/api/me", json={"firstName": "Mallory", "lastName": "Thief"}))
    payload_of_another_name = payload | {
        "destination": destination | {"accountHolder": "Mallory Thief"}
    }
    assert_problem(
        me.post("/api/wallet/withdraw", payload_of_another_name), 422, "validation_failed"
    )
    withdrawn = me.ok(201, me.post("/api/wallet/withdraw", payload))["withdrawal"]
    assert withdrawn["destination"] == "account ending 6789"
    assert (withdrawn["receives"], me.available_balances()["USD"]) == ("599.75", "35.20")
    world.run_jobs_and_webhooks()
    assert world.withdrawal_now(withdrawn["id"])["status"] == "sent"
    [payout] = world.sandbox.store.find("bank", "payout", reference=withdrawn["id"])
    world.sandbox.call_control("bank", f"/payouts/{payout['id']}/settled")
    world.run_jobs_and_webhooks()
    assert world.withdrawal_now(withdrawn["id"])["status"] == "completed"

    statement = me.ok(200, me.get("/api/wallet/statements", account="funding", asset="USD"))
    [dollars] = statement["assets"]
    assert (dollars["opening"], dollars["closing"]) == ("0.00", "35.20")
    assert me.available_balances() == {
        "USD": "35.20",
        "PAXG": "0.50000000",
        "XAU-s": f"{Decimal(bought) + Decimal('0.25'):.8f}",
    }
    world.assert_everything_agrees()


def test_declined_card_dispute_and_returned_payout(world: World) -> None:
    me = world.me
    me.register()
    me.credit()
    verify_without_evidence(world.database, me.user_id)
    request = {"method": "card", "asset": "USD", "amount": "80.00"}
    declined = world.deposit(**request, paymentMethod="pm_card_chargeDeclined")
    paid = world.deposit(**request, paymentMethod="pm_card_visa")
    world.run_jobs_and_webhooks()
    assert world.deposit_now(declined)["status"] == "failed"
    assert world.deposit_now(paid)["status"] == "credited"

    destination = {"accountHolder": "ADA LOVELACE", "accountNumber": "000123456789",
             "routingNumber": "110000000"}  # fmt: skip
    payload = {"method": "bank", "asset": "USD", "amount": "30.00", "destination": destination}
    assert_problem(me.post("/api/wallet/withdraw", payload), 409, "card_money_unsettled")
    balances = me.ok(200, me.get("/api/wallet/balances"))
    assert (balances["withheldUsd"], balances["withdrawableUsd"]) == ("77.38", "0.00")
    with world.database.transaction() as session:
        session.send("UPDATE deposits SET credited_at = credited_at - interval '7 days'")
    withdrawal = me.ok(201, me.post("/api/wallet/withdraw", payload))["withdrawal"]["id"]
    world.sandbox.schedule_fault("bank", "payouts.create", FaultMode.HANG_UP_AFTER)
    world.run_jobs_and_webhooks()
    # The payout was made and the response lost: sent again, the bank knows it, and there is one.
    assert len(world.sandbox.store.find("bank", "payout", reference=withdrawal)) == 1
    [payout] = world.sandbox.store.find("bank", "payout", reference=withdrawal)
    for status in ("settled", "returned"):
        world.sandbox.call_control("bank", f"/payouts/{payout['id']}/{status}")
        world.run_jobs_and_webhooks()
    assert world.withdrawal_now(withdrawal)["status"] == "returned"
    # 77.38 credited of the card payment; 29.75 paid out and returned of the withdrawal.
    assert me.available_balances() == {"USD": "77.13"}

    [intent] = [
        intent for intent in world.sandbox.store.find("stripe", "payment_intent")
        if intent["metadata"].get("reference") == paid or paid in str(intent)
    ]  # fmt: skip
    dispute = world.sandbox.call_control("stripe", "/disputes", payment=intent["id"])
    world.run_jobs_and_webhooks()
    assert world.deposit_now(paid)["status"] == "disputed"
    assert_problem(me.post("/api/wallet/withdraw", payload), 409, "account_owes")
    world.sandbox.call_control("stripe", f"/disputes/{dispute['id']}/close", outcome="won")
    world.run_jobs_and_webhooks()
    assert world.deposit_now(paid)["status"] == "credited"
    me.ok(201, me.post("/api/wallet/withdraw", payload))
    with world.database.reading() as session:
        assert find_violations(session) == []


def test_tokens_are_deposited_and_withdrawn(world: World) -> None:
    me = world.me
    me.register()
    me.credit()
    verify_without_evidence(world.database, me.user_id)
    deposit = world.deposit(method="crypto", asset="PAXG", amount="1.5")
    world.run_jobs_and_webhooks()
    world.poll_a_minute_later()
    world.arrive(world.instructions(deposit)["address"], "1.25")
    assert me.available_balances() == {"PAXG": "1.25000000"}
    destination = {"address": "0x" + "ab" * 20, "network": "ETHEREUM"}
    payload = {"method": "crypto", "asset": "PAXG", "amount": "0.5", "destination": destination}
    withdrawal = me.ok(201, me.post("/api/wallet/withdraw", payload))["withdrawal"]["id"]
    world.run_jobs_and_webhooks()
    assert world.withdrawal_now(withdrawal)["status"] in {"sent", "completed"}
    assert me.available_balances() == {"PAXG": "0.75000000"}
    world.complete_send(withdrawal)
    assert world.withdrawal_now(withdrawal)["status"] == "completed"
    world.assert_everything_agrees()


def test_mobile_money_is_deposited_and_withdrawn(world: World) -> None:
    me = world.me
    me.register()
    me.credit()
    verify_without_evidence(world.database, me.user_id)
    phone = "+254712345677"
    me.ok(200, me.send("PATCH", "/api/me", json={"phone": phone}))
    # As it is dialled in Kenya.
    dialled = "0712 345 677"
    deposit = world.deposit(method="mobile_money", asset="USD", amount="20.00", phone=dialled)
    world.run_jobs_and_webhooks()
    pending = world.deposit_now(deposit)
    assert (pending["status"], pending["instructions"]) == (
        "pending", {"phone": phone, "amountKes": "2600"},
    )  # fmt: skip
    [prompt] = world.sandbox.store.find("daraja", "prompt", name=deposit[-12:])
    world.sandbox.call_control("daraja", f"/prompts/{prompt['id']}/answer", result_code=0)
    world.run_jobs_and_webhooks()
    assert world.deposit_now(deposit)["status"] == "credited"
    assert me.available_balances() == {"USD": "20.00"}

    payload = {"method": "mobile_money", "asset": "USD", "amount": "5.00"}
    withdrawn = me.ok(
        201, me.post("/api/wallet/withdraw", {**payload, "destination": {"phone": dialled}})
    )
    withdrawal = withdrawn["withdrawal"]["id"]
    world.run_jobs_and_webhooks()
    assert world.withdrawal_now(withdrawal)["status"] == "sent"
    world.sandbox.call_control("daraja", f"/payouts/{withdrawal}/end", result_code=0)
    world.run_jobs_and_webhooks()
    assert world.withdrawal_now(withdrawal)["status"] == "completed"
    assert me.available_balances() == {"USD": "15.00"}
    assert world.withdrawal_now(withdrawal)["receives"] == "4.90"
    with world.database.reading() as session:
        assert find_violations(session) == []
    assert [
        run.failure for run in reconciliation.reconcile_all(world.database) if run.failure
    ] == []
