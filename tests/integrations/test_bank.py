"""Arrivals and payouts over the bank's protocol, as the sandbox plays it."""

import json
import traceback
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from app.catalog.provider_ids import BANK
from app.catalog.rules import USD
from app.config.providers import sandbox_secret
from app.funding.ports import Payout, PayoutOrder, PayoutState
from app.integrations.bank.adapter import BankRail
from app.integrations.bank.client import BankClient
from app.integrations.bank.webhook import BankWebhookVerifier
from app.integrations.http_calls import ATTEMPTS_MAX, ProviderCaller
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.errors import MalformedRequest
from app.kit.money import Amount
from app.providers.errors import (
    ProviderOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    WebhookSignatureInvalid,
)
from app.providers.ports import ProviderEvent, WebhookDelivery
from app.providers.service import CallLog
from sandbox.app import run_periodic_tasks
from sandbox.faults import FaultMode
from sandbox.keys import timed_signature
from tests.integrations.test_stripe import UNCERTAIN
from tests.provider_sandbox import Sandbox

HUNDRED = Amount(USD, 10_000)
ACCOUNT = {"holder": "Ada Lovelace", "account": "000123456789", "routing": "021000021"}


class Desk:
    """The bank's rail, with a fresh reference."""

    def __init__(
        self, database: Database, url: str, key: str = sandbox_secret("bank"), timeout: float = 5
    ) -> None:
        client = BankClient(url, key, timeout_seconds=timeout)
        self.database = database
        self.rail = BankRail(client, ProviderCaller("bank", CallLog(database)))
        self.reference = ids.encode("wdr", ids.new())

    def order(self, amount: Amount = HUNDRED, **changed: str) -> PayoutOrder:
        return PayoutOrder(self.reference, amount, {**ACCOUNT, **changed})


@pytest.fixture
def desk(database: Database, sandbox: Sandbox) -> Desk:
    return Desk(database, f"{sandbox.url}/bank")


@pytest.fixture
def paid(sandbox: Sandbox, desk: Desk) -> Callable[[], int]:
    """How many cents left the account for the desk's reference, and nobody else's."""
    before = balance(sandbox)

    def find() -> int:
        left = before - balance(sandbox)
        payouts = sandbox.store.find("bank", "payout", reference=desk.reference)
        assert left == sum(round(float(each["amount"]) * 100) + 25 for each in payouts)
        return left

    return find


Paid = Callable[[], int]
#: The amount and the bank's fee.
SENT_ONCE = 10_025


def balance(sandbox: Sandbox) -> int:
    answer = httpx.get(f"{sandbox.url}/bank/balance", headers={"X-API-Key": sandbox_secret("bank")})
    return Amount.parse(USD, answer.json()["amount"]).units


class TestArrivals:
    def test_an_account_is_given_once(self, desk: Desk) -> None:
        given = desk.rail.virtual_account(desk.reference, "Ada Lovelace")
        assert desk.rail.virtual_account(desk.reference, "Ada L.") == given
        assert (
            desk.rail.virtual_account(f"{desk.reference}2", "Bob").account_ref != given.account_ref
        )
        assert given.details["accountHolder"] == "Ada Lovelace"
        assert given.details["routingNumber"] == "123456780"
        assert len(given.details["accountNumber"]) == 12
        assert desk.rail.transfers_to(given.account_ref) == []

    def test_money_comes_and_is_taken_back(self, desk: Desk, sandbox: Sandbox) -> None:
        given = desk.rail.virtual_account(desk.reference, "Ada")
        before = balance(sandbox)
        by_ref = sandbox.call_control(
            "bank", "/arrivals", account_ref=given.account_ref, amount="250.00"
        )
        number = given.details["accountNumber"]
        sandbox.call_control("bank", "/arrivals", account_number=number, amount="0.5")
        arrivals = desk.rail.transfers_to(given.account_ref)
        assert [(str(each.amount), each.is_returned) for each in arrivals] == [
            ("250.00", False),
            ("0.50", False),
        ]
        assert arrivals[0] == desk.rail.transfer(by_ref["id"])
        assert abs(arrivals[0].arrived_at - clock.now()) < timedelta(minutes=1)
        assert set(arrivals) <= set(desk.rail.transfers_since(clock.now() - timedelta(minutes=1)))
        assert balance(sandbox) - before == 25_050
        sandbox.call_control("bank", f"/arrivals/{by_ref['id']}/return")
        assert desk.rail.transfer(by_ref["id"]).is_returned
        assert balance(sandbox) - before == 50

    def test_lists_come_in_pages_whole(self, desk: Desk, sandbox: Sandbox) -> None:
        given = desk.rail.virtual_account(desk.reference, "Ada")
        arrived = clock.rfc3339(clock.now())
        for number in range(201):
            identifier = f"arr_{uuid4().hex}"
            sandbox.store.put(
                "bank", "arrival", identifier,
                {
                    "id": identifier, "account_id": given.account_ref, "currency": "USD",
                    "amount": f"{number + 1}.00", "arrived_at": arrived, "returned_at": None,
                },
            )  # fmt: skip
        amounts = [each.amount.units for each in desk.rail.transfers_to(given.account_ref)]
        assert amounts == [100 * (number + 1) for number in range(201)]

    def test_unknown_ones_are_refused(self, desk: Desk) -> None:
        with pytest.raises(ProviderRefused, match="arrival_not_found"):
            desk.rail.transfer("arr_0")


class TestPayouts:
    def test_is_sent_and_settles(self, desk: Desk, sandbox: Sandbox, paid: Paid) -> None:
        sent = desk.rail.send(desk.order())
        assert sent == Payout(
            sent.provider_ref, desk.reference, PayoutState.SENT, HUNDRED, BANK, Amount(USD, 25)
        )
        assert desk.rail.find(desk.reference) == sent
        assert paid() == SENT_ONCE
        sandbox.call_control("bank", f"/payouts/{sent.provider_ref}/settled")
        settled = desk.rail.find(desk.reference)
        assert settled is not None
        assert (settled.state, len(settled.evidence)) == (PayoutState.COMPLETED, 15)
        assert settled in desk.rail.payouts(clock.now() - timedelta(minutes=1))

    def test_fails_or_comes_back(self, desk: Desk, sandbox: Sandbox) -> None:
        before = balance(sandbox)
        sent = desk.rail.send(desk.order())
        sandbox.call_control("bank", f"/payouts/{sent.provider_ref}/failed")
        failed = desk.rail.find(desk.reference)
        assert failed is not None
        assert (failed.state, failed.code, failed.cost) == (
            PayoutState.FAILED, "account_closed", None,
        )  # fmt: skip
        assert balance(sandbox) == before
        desk.reference = f"{desk.reference}b"
        sent = desk.rail.send(desk.order())
        for status in ("settled", "returned"):
            sandbox.call_control("bank", f"/payouts/{sent.provider_ref}/{status}")
        returned = desk.rail.find(desk.reference)
        assert returned is not None
        assert (returned.state, returned.code) == (PayoutState.RETURNED, "beneficiary_unknown")
        assert before - balance(sandbox) == 25

    @pytest.mark.parametrize(
        ("account", "states"),
        [
            ("111122223333", [PayoutState.COMPLETED, PayoutState.COMPLETED]),
            ("111122220001", [PayoutState.FAILED, PayoutState.FAILED]),
            ("111122220002", [PayoutState.COMPLETED, PayoutState.RETURNED]),
        ],
    )
    def test_goes_its_way_by_itself(
        self, desk: Desk, sandbox: Sandbox, account: str, states: list[PayoutState]
    ) -> None:
        desk.rail.send(desk.order(account=account))
        seen = []
        for _ in states:
            run_periodic_tasks(sandbox.app)
            found = desk.rail.find(desk.reference)
            assert found is not None
            seen.append(found.state)
        assert seen == states

    @pytest.mark.parametrize(
        ("amount", "changed", "code"),
        [
            (HUNDRED, {"routing": "021000022"}, "routing_number_invalid"),
            (HUNDRED, {"routing": "21000021"}, "routing_number_invalid"),
            (Amount(USD, 10**12), {}, "balance_too_low"),
        ],
    )
    def test_is_refused(
        self, desk: Desk, paid: Paid, amount: Amount, changed: dict[str, str], code: str
    ) -> None:
        with pytest.raises(ProviderRefused) as refused:
            desk.rail.send(desk.order(amount, **changed))
        assert (refused.value.code, refused.value.reason) == (code, "")
        assert desk.rail.find(desk.reference) is None
        assert paid() == 0

    def test_twice_pays_once(self, desk: Desk, paid: Paid) -> None:
        first = desk.rail.send(desk.order())
        assert desk.rail.send(desk.order()) == first
        for other in (desk.order(Amount(USD, 10_001)), desk.order(account="1234")):
            with pytest.raises(ProviderRefused, match="idempotency_conflict"):
                desk.rail.send(other)
        assert paid() == SENT_ONCE

    def test_another_amount_than_asked_is_told(self, desk: Desk, sandbox: Sandbox) -> None:
        sandbox.schedule_fault("bank", "payouts.create", FaultMode.WRONG_AMOUNT)
        assert desk.rail.send(desk.order()).amount == Amount(USD, 9_999)


class TestFaults:
    @pytest.mark.parametrize("mode", UNCERTAIN)
    def test_once_is_healed(
        self, desk: Desk, sandbox: Sandbox, paid: Paid, mode: FaultMode
    ) -> None:
        sandbox.schedule_fault("bank", "payouts.create", mode)
        sent = desk.rail.send(desk.order())
        assert desk.rail.find(desk.reference) == sent
        assert paid() == SENT_ONCE

    @pytest.mark.parametrize(
        ("mode", "cents"), [(FaultMode.HANG_UP_BEFORE, 0), (FaultMode.HANG_UP_AFTER, SENT_ONCE)]
    )
    def test_lasting_is_unknown_until_asked(
        self, desk: Desk, sandbox: Sandbox, paid: Paid, mode: FaultMode, cents: int
    ) -> None:
        sandbox.schedule_fault("bank", "payouts.create", mode, times=ATTEMPTS_MAX)
        with pytest.raises(ProviderOutcomeUnknown):
            desk.rail.send(desk.order())
        assert paid() == cents
        found = desk.rail.find(desk.reference)
        assert (found is not None) == bool(cents)
        assert found in (None, desk.rail.send(desk.order()))
        assert paid() == SENT_ONCE

    @pytest.mark.parametrize("mode", [FaultMode.TIMEOUT_BEFORE, FaultMode.TIMEOUT_AFTER])
    def test_no_answer_in_time(
        self, database: Database, sandbox: Sandbox, desk: Desk, paid: Paid, mode: FaultMode
    ) -> None:
        hasty = Desk(database, f"{sandbox.url}/bank", timeout=0.5)
        hasty.reference = desk.reference
        sandbox.schedule_fault("bank", "payouts.create", mode, seconds=0.8)
        assert hasty.rail.send(hasty.order()).state is PayoutState.SENT
        assert paid() == SENT_ONCE

    def test_a_refusal_is_final(self, desk: Desk, sandbox: Sandbox, paid: Paid) -> None:
        sandbox.schedule_fault("bank", "payouts.create", FaultMode.REFUSED)
        with pytest.raises(ProviderRefused, match="not_today"):
            desk.rail.send(desk.order())
        assert paid() == 0

    def test_nobody_there(self, database: Database) -> None:
        desk = Desk(database, "http://127.0.0.1:9/bank")
        with pytest.raises(ProviderUnavailable):
            desk.rail.send(desk.order())

    def test_what_cannot_be_read_is_unknown(self, desk: Desk, sandbox: Sandbox) -> None:
        sent = desk.rail.send(desk.order())
        payout = sandbox.store.get("bank", "payout", sent.provider_ref)
        assert payout is not None
        wrong = ({"status": "?"}, {"currency": "EUR"}, {"amount": 100}, {"amount": "-1"})
        for change in (*wrong, {"id": None}, {"fee": "x"}):
            sandbox.store.put("bank", "payout", sent.provider_ref, {**payout, **change})
            desk.rail._caller._breaker.close()
            with pytest.raises(ProviderOutcomeUnknown, match="cannot be read"):
                desk.rail.find(desk.reference)
        sandbox.store.put("bank", "payout", sent.provider_ref, payout)

    def test_no_secret_is_told(
        self, database: Database, sandbox: Sandbox, capfd: pytest.CaptureFixture[str]
    ) -> None:
        key, account = f"key-{uuid4().hex}", f"9{uuid4().int % 10**15:015}"
        desk = Desk(database, f"{sandbox.url}/bank", key)
        with pytest.raises(ProviderUnavailable, match="key_unknown") as refused:
            desk.rail.send(desk.order(account=account))
        with database.reading() as session:
            noted = session.rows(
                "SELECT * FROM provider_calls WHERE reference = %s", (desk.reference,)
            )
        told = [*traceback.format_exception(refused.value), str(noted), *capfd.readouterr()]
        assert not [text for text in told if key in text or account in text]


SECRET = sandbox_secret("bank webhook")


def deliver(body: bytes, *, secret: str = SECRET, late: float = 0) -> list[ProviderEvent]:
    header = timed_signature(secret, body, at=clock.now().timestamp() - late)
    return BankWebhookVerifier((SECRET,)).verify(
        WebhookDelivery("", {"bank-signature": header}, body)
    )


class TestWebhooks:
    def body(self, kind: str, **data: object) -> bytes:
        return json.dumps({"id": "evt_1", "type": kind, "data": data}).encode()

    @pytest.mark.parametrize(
        ("kind", "task", "subject"),
        [
            ("arrival.received", "funding.account_changed", "x_1"),
            ("arrival.returned", "funding.account_changed", "x_1"),
            ("payout.updated", "funding.payout_changed", "wdr_1"),
        ],
    )
    def test_name_what_changed(self, kind: str, task: str, subject: str) -> None:
        told = deliver(self.body(kind, id="x_1", reference="wdr_1"))
        assert told == [ProviderEvent("evt_1", kind, subject, task)]

    def test_what_does_not_concern_us_is_no_event(self) -> None:
        assert deliver(self.body("statement.ready")) == []

    def test_what_lacks_its_subject_cannot_be_read(self) -> None:
        with pytest.raises(MalformedRequest):
            deliver(self.body("payout.updated", id="x_1"))

    def test_others_are_forged(self) -> None:
        body = self.body("payout.updated", reference="wdr_1")
        for given in ({"secret": "another"}, {"late": 301.0}, {"late": -302.0}):
            with pytest.raises(WebhookSignatureInvalid):
                deliver(body, **given)

    def test_the_sandbox_signs_what_it_sends(self, desk: Desk, sandbox: Sandbox) -> None:
        sent = desk.rail.send(desk.order())
        sandbox.call_control("bank", f"/payouts/{sent.provider_ref}/settled")
        delivery = sandbox.webhooks.all()[-1]
        signed = sandbox.webhooks._signers["bank"]
        headers = signed("", delivery.body.encode(), at=clock.now().timestamp(), forged=False)
        heard = {name.lower(): value for name, value in headers.items()}
        events = BankWebhookVerifier((SECRET,)).verify(
            WebhookDelivery("", heard, delivery.body.encode())
        )
        assert [each.subject for each in events] == [desk.reference]
