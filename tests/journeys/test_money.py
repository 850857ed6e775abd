"""From nothing to a bank account and back, through the providers' own protocols and webhooks."""

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
from tests.api_client import ApiClient, problem
from tests.mailbox import Mailbox, run_pending_jobs, use_mailbox
from tests.people import set_prices
from tests.provider_sandbox import Sandbox
from tests.till import lift


class World:
    """A customer, the exchange's jobs, and the providers with their webhooks."""

    def __init__(self, app: Flask, sandbox: Sandbox) -> None:
        self.database: Database = app.extensions["database"]
        self.sandbox = sandbox
        self.me = ApiClient(app)
        self._client = app.test_client()

    def turn(self, times: int = 3) -> None:
        """Jobs are done and webhooks delivered, a few times over."""
        for _ in range(times):
            run_pending_jobs(self.database, *kit_tasks.names())
            self.sandbox.deliver_webhooks(self._client)
        run_pending_jobs(self.database, *kit_tasks.names())

    def deposit(self, **asked: str) -> str:
        made = self.me.ok(201, self.me.post("/api/wallet/deposit", asked))
        return str(made["deposit"]["id"])

    def deposit_now(self, deposit_id: str) -> dict[str, object]:
        found: dict[str, object] = self.me.ok(
            200, self.me.get(f"/api/wallet/deposits/{deposit_id}")
        )["deposit"]
        return found

    def withdrawal_now(self, withdrawal_id: str) -> dict[str, object]:
        found: dict[str, object] = self.me.ok(
            200, self.me.get(f"/api/wallet/withdrawals/{withdrawal_id}")
        )["withdrawal"]
        return found

    def told(self, deposit_id: str) -> dict[str, str]:
        """What the customer needs to pay in."""
        pending = self.deposit_now(deposit_id)
        assert pending["status"] == "pending"
        told = pending["instructions"]
        assert isinstance(told, dict)
        return told

    def look_again(self) -> None:
        """The poll, a minute later."""
        with self.database.transaction() as session:
            session.send("UPDATE deposits SET looked_at = looked_at - interval '1 minute'")
            poll_payments(session)
        self.turn()

    def arrive(self, address: str, amount: str) -> str:
        """PAXG comes to an address; answers whose."""
        [custodian] = [
            name
            for name in ("paxos", "primetrust", "anchorage")
            if address in str(self.sandbox.store.find(name, "address"))
        ]
        self.sandbox.call_control(
            custodian, "/arrivals", address=address, asset="PAXG", amount=amount
        )
        self.turn()
        return custodian

    def arrive_there(self, withdrawal_id: str) -> None:
        """The tokens of a withdrawal are where they were sent."""
        [custodian] = [
            name
            for name in ("paxos", "primetrust", "anchorage")
            if self.sandbox.store.find(name, "transfer", reference=withdrawal_id)
        ]
        self.sandbox.call_control(custodian, f"/sends/{withdrawal_id}/completed")
        self.turn()

    def check_everything_agrees(self) -> None:
        """The books hold, and every provider lists what we do."""
        with self.database.reading() as session:
            assert find_violations(session) == []
        made = reconciliation.reconcile_all(self.database)
        assert [run for run in made if run.failure or run.differences] == []
        assert sum(run.compared for run in made) > 1


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with use_mailbox() as made:
        yield made


@pytest.fixture
def world(lone_app: Flask, sandbox: Sandbox, box: Mailbox) -> World:
    # Providers with nothing in their books but what this journey brings there.
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


def test_from_nothing_to_a_bank_account_and_a_statement(world: World) -> None:
    me = world.me
    me.register(phone="+12025550123")
    me.credit()
    problem(me.post("/api/wallet/deposit", CARD), 409, "kyc_required")
    me.ok(201, me.post("/api/kyc/submit", IDENTITY))
    world.turn()
    status = me.ok(200, me.get("/api/kyc/status"))
    assert (status["status"], status["tier"]) == ("approved", 2)

    card = world.deposit(**CARD)
    world.turn()
    assert world.deposit_now(card)["status"] == "credited"
    bank = world.deposit(method="bank", asset="USD", amount="250.00")
    world.turn()
    told = world.told(bank)
    world.sandbox.call_control(
        "bank", "/arrivals", account_number=told["accountNumber"], amount="250.00"
    )
    world.turn()
    assert world.deposit_now(bank)["status"] == "credited"
    assert me.available() == {"USD": "750.00"}

    order = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100.00"}
    bought = me.ok(201, me.post("/api/trade/order", order))["toAmount"]
    tokens = world.deposit(method="crypto", asset="PAXG", amount="1.5")
    world.turn()
    world.look_again()
    told = world.told(tokens)
    world.arrive(told["address"], "0.75")
    assert world.deposit_now(tokens)["status"] == "credited"
    mint = {"asset": "PAXG", "amount": "0.25", "from": "funding", "to": "trading"}
    me.ok(201, me.post("/api/wallet/transfer", mint))

    where = {
        "accountHolder": "Ada Lovelace",
        "accountNumber": "000123456789",
        "routingNumber": "110000000",
    }
    wish = {"method": "bank", "asset": "USD", "amount": "600.00", "destination": where}
    # Whatever they call themselves now, they were verified as Ada Lovelace.
    me.ok(200, me.send("PATCH", "/api/me", json={"firstName": "Mallory", "lastName": "Thief"}))
    theirs = wish | {"destination": where | {"accountHolder": "Mallory Thief"}}
    problem(me.post("/api/wallet/withdraw", theirs), 422, "validation_failed")
    gone = me.ok(201, me.post("/api/wallet/withdraw", wish))["withdrawal"]
    assert gone["destination"] == "account ending 6789"
    assert me.available()["USD"] == "50.00"
    world.turn()
    assert world.withdrawal_now(gone["id"])["status"] == "sent"
    [payout] = world.sandbox.store.find("bank", "payout", reference=gone["id"])
    world.sandbox.call_control("bank", f"/payouts/{payout['id']}/settled")
    world.turn()
    assert world.withdrawal_now(gone["id"])["status"] == "completed"

    statement = me.ok(200, me.get("/api/wallet/statements", account="funding", asset="USD"))
    [dollars] = statement["assets"]
    assert (dollars["opening"], dollars["closing"]) == ("0.00", "50.00")
    assert me.available() == {
        "USD": "50.00",
        "PAXG": "0.50000000",
        "XAU-s": f"{Decimal(bought) + Decimal('0.25'):.8f}",
    }
    world.check_everything_agrees()


def test_a_declined_card_a_dispute_and_a_payout_that_comes_back(world: World) -> None:
    me = world.me
    me.register()
    me.credit()
    lift(world.database, me.user_id)
    asked = {"method": "card", "asset": "USD", "amount": "80.00"}
    declined = world.deposit(**asked, paymentMethod="pm_card_chargeDeclined")
    paid = world.deposit(**asked, paymentMethod="pm_card_visa")
    world.turn()
    assert world.deposit_now(declined)["status"] == "failed"
    assert world.deposit_now(paid)["status"] == "credited"

    where = {"accountHolder": "ADA LOVELACE", "accountNumber": "000123456789",
             "routingNumber": "110000000"}  # fmt: skip
    wish = {"method": "bank", "asset": "USD", "amount": "30.00", "destination": where}
    withdrawal = me.ok(201, me.post("/api/wallet/withdraw", wish))["withdrawal"]["id"]
    world.sandbox.schedule_fault("bank", "payouts.create", FaultMode.HANG_UP_AFTER)
    world.turn()
    # It was done and the answer lost: asked again, the bank knows it, and there is one payout.
    assert len(world.sandbox.store.find("bank", "payout", reference=withdrawal)) == 1
    [payout] = world.sandbox.store.find("bank", "payout", reference=withdrawal)
    for status in ("settled", "returned"):
        world.sandbox.call_control("bank", f"/payouts/{payout['id']}/{status}")
        world.turn()
    assert world.withdrawal_now(withdrawal)["status"] == "returned"
    assert me.available() == {"USD": "80.00"}

    [intent] = [
        each for each in world.sandbox.store.find("stripe", "payment_intent")
        if each["metadata"].get("reference") == paid or paid in str(each)
    ]  # fmt: skip
    dispute = world.sandbox.call_control("stripe", "/disputes", payment=intent["id"])
    world.turn()
    assert world.deposit_now(paid)["status"] == "disputed"
    problem(me.post("/api/wallet/withdraw", wish), 409, "account_owes")
    world.sandbox.call_control("stripe", f"/disputes/{dispute['id']}/close", outcome="won")
    world.turn()
    assert world.deposit_now(paid)["status"] == "credited"
    me.ok(201, me.post("/api/wallet/withdraw", wish))
    with world.database.reading() as session:
        assert find_violations(session) == []


def test_tokens_come_and_go(world: World) -> None:
    me = world.me
    me.register()
    me.credit()
    lift(world.database, me.user_id)
    deposit = world.deposit(method="crypto", asset="PAXG", amount="1.5")
    world.turn()
    world.look_again()
    world.arrive(world.told(deposit)["address"], "1.25")
    assert me.available() == {"PAXG": "1.25000000"}
    where = {"address": "0x" + "ab" * 20, "network": "ETHEREUM"}
    wish = {"method": "crypto", "asset": "PAXG", "amount": "0.5", "destination": where}
    withdrawal = me.ok(201, me.post("/api/wallet/withdraw", wish))["withdrawal"]["id"]
    world.turn()
    assert world.withdrawal_now(withdrawal)["status"] in {"sent", "completed"}
    assert me.available() == {"PAXG": "0.75000000"}
    world.arrive_there(withdrawal)
    assert world.withdrawal_now(withdrawal)["status"] == "completed"
    world.check_everything_agrees()


def test_money_comes_and_goes_by_phone(world: World) -> None:
    me = world.me
    me.register()
    me.credit()
    lift(world.database, me.user_id)
    phone = "+254712345677"
    me.ok(200, me.send("PATCH", "/api/me", json={"phone": phone}))
    deposit = world.deposit(method="mobile_money", asset="USD", amount="20.00", phone=phone)
    world.turn()
    pending = world.deposit_now(deposit)
    assert (pending["status"], pending["instructions"]) == (
        "pending", {"phone": phone, "amountKes": "2600"},
    )  # fmt: skip
    [prompt] = world.sandbox.store.find("daraja", "prompt", name=deposit[-12:])
    world.sandbox.call_control("daraja", f"/prompts/{prompt['id']}/answer", result_code=0)
    world.turn()
    assert world.deposit_now(deposit)["status"] == "credited"
    assert me.available() == {"USD": "20.00"}

    wish = {"method": "mobile_money", "asset": "USD", "amount": "5.00"}
    gone = me.ok(201, me.post("/api/wallet/withdraw", {**wish, "destination": {"phone": phone}}))
    withdrawal = gone["withdrawal"]["id"]
    world.turn()
    assert world.withdrawal_now(withdrawal)["status"] == "sent"
    world.sandbox.call_control("daraja", f"/payouts/{withdrawal}/end", result_code=0)
    world.turn()
    assert world.withdrawal_now(withdrawal)["status"] == "completed"
    assert me.available() == {"USD": "15.00"}
    with world.database.reading() as session:
        assert find_violations(session) == []
    assert [
        run.failure for run in reconciliation.reconcile_all(world.database) if run.failure
    ] == []
