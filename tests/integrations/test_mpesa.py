"""Payments and payouts by phone over Daraja's protocol, as the sandbox plays it."""

import json
import traceback
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from random import SystemRandom
from uuid import uuid4

import pytest
import time_machine
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.provider_ids import MPESA
from app.catalog.rules import USD
from app.config.providers import sandbox_secret
from app.funding.ports import PaymentRequest, PaymentState, Payout, PayoutOrder, PayoutState
from app.integrations.http_calls import ProviderCaller
from app.integrations.mpesa.call_history import CallHistory
from app.integrations.mpesa.callbacks import CallbackSubject, DarajaCallbacks
from app.integrations.mpesa.client import DarajaAccount, DarajaClient
from app.integrations.mpesa.exchange_rate import ExchangeRate
from app.integrations.mpesa.payments import MpesaPayments
from app.integrations.mpesa.payouts import MpesaPayouts
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.errors import MalformedRequest
from app.kit.money import Amount
from app.kit.ports import resolve
from app.kit.tasks import _TASKS, Queue, Task
from app.providers.errors import (
    ProviderOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    WebhookSignatureInvalid,
)
from app.providers.ports import ProviderEvent, WebhookDelivery, WebhookVerifiers
from app.providers.service import CallLog
from sandbox.app import run_periodic_tasks
from sandbox.faults import FaultMode
from tests.integrations.test_stripe import UNCERTAIN
from tests.provider_sandbox import Sandbox
from tests.unchanged_database import database_unchanged

TEN = Amount(USD, 1000)
RATE = ExchangeRate(Decimal("129.50"))
SECRET = sandbox_secret("daraja consumer secret")


def account(**changed: str) -> DarajaAccount:
    whole = {
        "consumer_key": sandbox_secret("daraja consumer"),
        "consumer_secret": SECRET,
        "shortcode": "174379",
        "passkey": sandbox_secret("daraja passkey"),
        "initiator": "sandbox",
        "credential": sandbox_secret("daraja credential"),
    }
    return DarajaAccount(**{**whole, **changed})


def phone(ending: str = "77") -> str:
    return f"+2547{SystemRandom().randrange(10**6):06}{ending}"


class Desk:
    """Both rails, with a fresh reference and phone."""

    def __init__(self, app: Flask, url: str, timeout: float = 5, **changed: str) -> None:
        self.app = app
        self.database: Database = app.extensions["database"]
        self.client = DarajaClient(url, account(**changed), timeout_seconds=timeout)
        self.callbacks = DarajaCallbacks("http://localhost", SECRET)
        common = (
            ProviderCaller("daraja", CallLog(self.database)),
            RATE,
            self.callbacks,
            CallHistory(self.database),
        )
        self.payments = MpesaPayments(self.client, *common)
        self.payouts = MpesaPayouts(self.client, *common)
        self.reference = ids.encode("dep", ids.new())
        self.phone = phone()

    def ask(self, amount: Amount = TEN) -> PaymentRequest:
        return PaymentRequest(self.reference, amount, self.phone)

    def order(self, amount: Amount = TEN) -> PayoutOrder:
        return PayoutOrder(self.reference, amount, {"phone": self.phone})


@pytest.fixture
def desk(open_app: Flask, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Desk:
    for delivery in sandbox.webhooks.all():
        sandbox.store.delete("_sandbox", "deliveries", delivery.id)
    # What funding makes of it is told in its own tests.
    for name in ("funding.payment_changed", "funding.payout_changed"):
        monkeypatch.setitem(_TASKS, name, Task(name, Queue.DEFAULT, lambda *_, **__: None))
    desk = Desk(open_app, f"{sandbox.url}/daraja")
    resolve(WebhookVerifiers)["daraja"] = desk.callbacks
    return desk


@pytest.fixture
def deliver(desk: Desk, sandbox: Sandbox) -> Callable[[], list[int]]:
    return lambda: sandbox.deliver_webhooks(desk.app.test_client())


Deliver = Callable[[], list[int]]


def prompts(sandbox: Sandbox, desk: Desk) -> list[dict[str, object]]:
    return sandbox.store.find("daraja", "prompt", phone=desk.phone[1:])


def payouts(sandbox: Sandbox, desk: Desk) -> list[dict[str, object]]:
    return sandbox.store.find("daraja", "payout", reference=desk.reference)


class TestShillings:
    @given(st.integers(1, 10**9), st.decimals("100", "1000", places=4))
    def test_come_back_as_the_same_dollars(self, cents: int, kes_per_usd: Decimal) -> None:
        rate, amount = ExchangeRate(kes_per_usd), Amount(USD, cents)
        assert rate.dollars_charged(rate.shillings_to_charge(amount)) == amount
        assert rate.dollars_paid_out(rate.shillings_to_pay_out(amount)) == amount
        exact = cents * kes_per_usd / 100
        assert exact <= rate.shillings_to_charge(amount) < exact + 1
        assert exact - 1 < rate.shillings_to_pay_out(amount) <= exact

    def test_are_exact(self) -> None:
        assert (RATE.shillings_to_charge(TEN), RATE.shillings_to_pay_out(TEN)) == (1295, 1295)
        assert (
            RATE.shillings_to_charge(Amount(USD, 1001)),
            RATE.shillings_to_pay_out(Amount(USD, 1001)),
        ) == (1297, 1296)

    def test_a_shilling_is_at_most_a_cent(self) -> None:
        with pytest.raises(ValueError, match="100 shillings"):
            ExchangeRate(Decimal("99.99"))


class TestPayments:
    def test_is_asked_for_and_paid(self, desk: Desk, sandbox: Sandbox, deliver: Deliver) -> None:
        opened = desk.payments.create(desk.ask())
        assert (opened.state, opened.amount, opened.reference) == (
            PaymentState.PENDING, TEN, desk.reference,
        )  # fmt: skip
        assert opened.instructions == {"phone": desk.phone, "amountKes": "1295"}
        [prompt] = prompts(sandbox, desk)
        assert (prompt["amount"], prompt["name"]) == (1295, desk.reference[-12:])
        waiting = desk.payments.fetch(opened.provider_ref)
        assert (waiting.state, waiting.amount) == (PaymentState.PENDING, TEN)
        assert desk.payments.find(desk.reference) is None
        sandbox.call_control("daraja", f"/prompts/{prompt['id']}/answer", result_code=0)
        paid = desk.payments.fetch(opened.provider_ref)
        assert (paid.state, paid.amount, paid.code) == (PaymentState.PAID, TEN, "")
        assert deliver() == [204]
        with desk.database.reading() as session:
            [(event, kind, task)] = session.rows(
                "SELECT e.event_id, e.kind, o.task FROM webhook_events e"
                " JOIN outbox o ON o.args ->> 'event_id' = e.id::text WHERE e.subject = %s",
                (opened.provider_ref,),
            )
        assert (event, kind, task) == (
            f"payment.{prompt['id']}.0", "payment", "funding.payment_changed",
        )  # fmt: skip

    def test_is_in_the_list_once_paid(self, desk: Desk, sandbox: Sandbox) -> None:
        desk.payments.create(desk.ask())
        [prompt] = prompts(sandbox, desk)
        sandbox.call_control("daraja", f"/prompts/{prompt['id']}/answer", result_code=0)
        found = desk.payments.find(desk.reference)
        assert found is not None
        assert (found.state, found.amount, found.reference) == (
            PaymentState.PAID, TEN, desk.reference,
        )  # fmt: skip
        stranger = f"x{uuid4().hex[:8]}"
        sandbox.call_control("daraja", "/payments", phone="254700000099", amount=130, name=stranger)
        listed = desk.payments.payments(clock.now() - timedelta(minutes=1))
        assert found in listed
        assert [(each.reference, str(each.amount)) for each in listed][-1] == (stranger, "1.00")

    def test_the_list_comes_in_pages_whole(self, desk: Desk, sandbox: Sandbox) -> None:
        since, name = clock.now() - timedelta(seconds=2), uuid4().hex[:8]
        for _ in range(205):
            asked = {"phone": "254700000099", "amount": 130, "name": name}
            sandbox.call_control("daraja", "/payments", **asked)
        listed = desk.payments.payments(since)
        assert [each.reference for each in listed].count(name) == 205

    @pytest.mark.parametrize(
        ("ending", "code"),
        [
            ("01", "insufficient_funds"),
            ("02", "cancelled_by_customer"),
            ("03", "phone_unreachable"),
            ("04", "wrong_pin"),
        ],
    )
    def test_phones_say_no(self, desk: Desk, sandbox: Sandbox, ending: str, code: str) -> None:
        desk.phone = phone(ending)
        opened = desk.payments.create(desk.ask())
        run_periodic_tasks(sandbox.app)
        looked = desk.payments.fetch(opened.provider_ref)
        assert (looked.state, looked.code) == (PaymentState.FAILED, code)
        assert desk.payments.find(desk.reference) is None

    @pytest.mark.parametrize("number", ["+14155550100", "0712345678", "+25471234567", "", "+254７"])
    def test_other_phones_are_refused(self, desk: Desk, sandbox: Sandbox, number: str) -> None:
        desk.phone = number
        with (
            database_unchanged(desk.database),
            pytest.raises(ProviderRefused, match="phone_not_kenyan"),
        ):
            desk.payments.create(desk.ask())
        assert prompts(sandbox, desk) == []

    def test_a_phone_that_asks_already_is_refused(self, desk: Desk, sandbox: Sandbox) -> None:
        desk.payments.create(desk.ask())
        desk.reference = ids.encode("dep", ids.new())
        with pytest.raises(ProviderRefused, match=r"500\.001\.1001"):
            desk.payments.create(desk.ask())
        assert len(prompts(sandbox, desk)) == 1

    def test_too_much_is_refused(self, desk: Desk, sandbox: Sandbox) -> None:
        with pytest.raises(ProviderRefused, match=r"400\.002\.02"):
            desk.payments.create(desk.ask(Amount(USD, 10**6)))
        assert prompts(sandbox, desk) == []

    @pytest.mark.parametrize("wrong", ["ws_CO_1", "a.b.c.d", "ws_CO_1.dep_1.1000.1295", ""])
    def test_unknown_ones_are_refused(self, desk: Desk, wrong: str) -> None:
        with pytest.raises(ProviderRefused):
            desk.payments.fetch(wrong)


class TestPayouts:
    def test_is_sent_and_arrives(self, desk: Desk, sandbox: Sandbox, deliver: Deliver) -> None:
        sent = desk.payouts.send(desk.order())
        assert sent == Payout(desk.reference, desk.reference, PayoutState.SENT, TEN, MPESA)
        with pytest.raises(ProviderOutcomeUnknown, match="comes by callback"):
            desk.payouts.find(desk.reference)
        sandbox.call_control("daraja", f"/payouts/{desk.reference}/end", result_code=0)
        assert deliver() == [204, 204]  # the answer to our question, and the end
        arrived = desk.payouts.find(desk.reference)
        assert arrived is not None
        assert (arrived.state, arrived.amount, len(arrived.evidence)) == (
            PayoutState.COMPLETED, TEN, 10,
        )  # fmt: skip
        assert arrived in desk.payouts.payouts(clock.now() - timedelta(minutes=1))

    def test_fails(self, desk: Desk, sandbox: Sandbox, deliver: Deliver) -> None:
        desk.phone = phone("01")
        desk.payouts.send(desk.order())
        run_periodic_tasks(sandbox.app)
        assert set(deliver()) == {204}
        failed = desk.payouts.find(desk.reference)
        assert failed is not None
        assert (failed.state, failed.code, failed.amount) == (
            PayoutState.FAILED, "mpesa_2040", TEN,
        )  # fmt: skip

    def test_a_lost_end_is_found_by_asking(
        self, desk: Desk, sandbox: Sandbox, deliver: Deliver
    ) -> None:
        desk.payouts.send(desk.order())
        sandbox.schedule_fault("daraja", "webhook", FaultMode.LOST)
        sandbox.call_control("daraja", f"/payouts/{desk.reference}/end", result_code=0)
        with pytest.raises(ProviderOutcomeUnknown):
            desk.payouts.find(desk.reference)
        assert deliver() == [204]
        found = desk.payouts.find(desk.reference)
        assert found is not None
        assert (found.state, found.amount) == (PayoutState.COMPLETED, TEN)

    def test_another_amount_than_asked_is_told(
        self, desk: Desk, sandbox: Sandbox, deliver: Deliver
    ) -> None:
        sandbox.schedule_fault("daraja", "payouts.create", FaultMode.WRONG_AMOUNT)
        desk.payouts.send(desk.order())
        sandbox.call_control("daraja", f"/payouts/{desk.reference}/end", result_code=0)
        deliver()
        found = desk.payouts.find(desk.reference)
        assert found is not None
        assert found.amount == Amount(USD, 993)  # 1285 shillings are 992.28 cents

    def test_twice_pays_once(self, desk: Desk, sandbox: Sandbox) -> None:
        assert desk.payouts.send(desk.order()) == desk.payouts.send(desk.order())
        assert len(payouts(sandbox, desk)) == 1

    def test_what_cannot_go_to_a_phone_is_refused(self, desk: Desk) -> None:
        with pytest.raises(ProviderRefused, match="less_than_a_shilling"):
            desk.payouts.send(desk.order(Amount(USD, 0)))
        with pytest.raises(ProviderRefused, match="phone_not_kenyan"):
            desk.payouts.send(PayoutOrder(desk.reference, TEN, {"phone": "+1"}))
        with database_unchanged(desk.database):
            assert desk.payouts.payouts(clock.now() + timedelta(days=1)) == []


class TestFaults:
    """Every call that moves value, when it goes wrong."""

    @pytest.mark.parametrize("mode", UNCERTAIN)
    def test_a_prompt_is_not_repeated(
        self, desk: Desk, sandbox: Sandbox, deliver: Deliver, mode: FaultMode
    ) -> None:
        sandbox.schedule_fault("daraja", "payments.prompt", mode)
        with pytest.raises(ProviderOutcomeUnknown):
            desk.payments.create(desk.ask())
        happened = mode in {FaultMode.HANG_UP_AFTER, FaultMode.ERROR_AFTER, FaultMode.GARBAGE}
        assert len(prompts(sandbox, desk)) == happened
        run_periodic_tasks(sandbox.app)
        found = desk.payments.find(desk.reference)
        assert (found is not None) == happened
        if happened:
            # What it calls back about leads to the same payment.
            assert deliver() == [204]
            with desk.database.reading() as session:
                row = session.row(
                    "SELECT subject FROM webhook_events WHERE subject LIKE %s",
                    (f"%.{desk.reference}.%",),
                )
            assert row is not None
            assert desk.payments.fetch(row[0]).state is PaymentState.PAID

    @pytest.mark.parametrize("mode", UNCERTAIN)
    def test_a_payout_is_unknown_until_asked(
        self, desk: Desk, sandbox: Sandbox, deliver: Deliver, mode: FaultMode
    ) -> None:
        sandbox.schedule_fault("daraja", "payouts.create", mode)
        with pytest.raises(ProviderOutcomeUnknown):
            desk.payouts.send(desk.order())
        happened = mode in {FaultMode.HANG_UP_AFTER, FaultMode.ERROR_AFTER, FaultMode.GARBAGE}
        assert len(payouts(sandbox, desk)) == happened
        run_periodic_tasks(sandbox.app)
        with time_machine.travel(clock.now() + timedelta(minutes=3)):
            if not happened:
                with pytest.raises(ProviderOutcomeUnknown, match="comes by callback"):
                    desk.payouts.find(desk.reference)
            assert set(deliver()) == {204}
            found = desk.payouts.find(desk.reference)
        if happened:
            assert found is not None
            assert (found.state, found.amount) == (PayoutState.COMPLETED, TEN)
        else:
            assert found is None

    def test_that_it_knows_none_counts_only_after_a_while(
        self, desk: Desk, sandbox: Sandbox, deliver: Deliver
    ) -> None:
        sandbox.schedule_fault("daraja", "payouts.create", FaultMode.HANG_UP_BEFORE)
        with pytest.raises(ProviderOutcomeUnknown):
            desk.payouts.send(desk.order())
        # Its answer has us look again, which does not ask again at once.
        for answers in ([204], []):
            with pytest.raises(ProviderOutcomeUnknown):
                desk.payouts.find(desk.reference)
            assert deliver() == answers
        with time_machine.travel(clock.now() + timedelta(minutes=3)):
            with pytest.raises(ProviderOutcomeUnknown):
                desk.payouts.find(desk.reference)
            deliver()
            assert desk.payouts.find(desk.reference) is None
            sandbox.schedule_fault("daraja", "payouts.create", FaultMode.HANG_UP_AFTER)
            with pytest.raises(ProviderOutcomeUnknown):
                desk.payouts.send(desk.order())
            # What was said before the second order says nothing about it.
            with pytest.raises(ProviderOutcomeUnknown):
                desk.payouts.find(desk.reference)
        assert len(payouts(sandbox, desk)) == 1

    @pytest.mark.parametrize(
        ("operation", "do"),
        [
            ("payments.prompt", lambda desk: desk.payments.create(desk.ask())),
            ("payouts.create", lambda desk: desk.payouts.send(desk.order())),
        ],
    )
    @pytest.mark.parametrize("mode", [FaultMode.TIMEOUT_BEFORE, FaultMode.TIMEOUT_AFTER])
    def test_no_answer_in_time(
        self, desk: Desk, sandbox: Sandbox, operation: str, do: Callable, mode: FaultMode
    ) -> None:
        hasty = Desk(desk.app, f"{sandbox.url}/daraja", timeout=0.5)
        sandbox.schedule_fault("daraja", operation, mode, seconds=0.8)
        with pytest.raises(ProviderOutcomeUnknown):
            do(hasty)
        happened = len(prompts(sandbox, hasty)) + len(payouts(sandbox, hasty))
        assert happened == (mode is FaultMode.TIMEOUT_AFTER)

    def test_a_refusal_is_final(self, desk: Desk, sandbox: Sandbox) -> None:
        for operation in ("payments.prompt", "payouts.create"):
            sandbox.schedule_fault("daraja", operation, FaultMode.REFUSED)
        with pytest.raises(ProviderRefused, match=r"400\.002\.02"):
            desk.payments.create(desk.ask())
        with pytest.raises(ProviderRefused, match=r"400\.002\.02"):
            desk.payouts.send(desk.order())
        assert prompts(sandbox, desk) == payouts(sandbox, desk) == []

    @pytest.mark.parametrize("mode", UNCERTAIN)
    def test_without_a_token_nothing_was_asked(
        self, desk: Desk, sandbox: Sandbox, mode: FaultMode
    ) -> None:
        sandbox.schedule_fault("daraja", "token.get", mode, times=3)
        with pytest.raises(ProviderUnavailable):
            desk.payments.create(desk.ask())
        assert prompts(sandbox, desk) == []

    def test_a_token_that_expired_is_renewed(self, desk: Desk, sandbox: Sandbox) -> None:
        desk.payments.find(desk.reference)
        sandbox.store.delete("daraja", "token", desk.client._token)
        assert desk.payments.create(desk.ask()).state is PaymentState.PENDING


class TestCallBacks:
    ABOUT = CallbackSubject("payment", "dep_1", "1000.1295")
    BODY = json.dumps({"Body": {"stkCallback": {"CheckoutRequestID": "ws_1", "ResultCode": 0}}})

    def verify(self, url: str, body: str = BODY, secret: str = SECRET) -> list[ProviderEvent]:
        return DarajaCallbacks("http://x", secret).verify(WebhookDelivery(url, {}, body.encode()))

    def test_name_what_changed(self) -> None:
        url = DarajaCallbacks("http://x", SECRET).url_for(self.ABOUT)
        assert self.verify(url) == [
            ProviderEvent(
                "payment.ws_1.0", "payment", "ws_1.dep_1.1000.1295", "funding.payment_changed"
            )
        ]
        result = json.dumps({"Result": {"ConversationID": "AG_1", "ResultCode": 0}})
        for kind in ("payout", "status"):
            url = DarajaCallbacks("http://x", SECRET).url_for(CallbackSubject(kind, "wdr_1", "7.9"))
            [event] = self.verify(url, result)
            assert event == ProviderEvent(
                f"{kind}.wdr_1.7.9", kind, "wdr_1", "funding.payout_changed"
            )

    def test_addresses_that_we_did_not_give_are_forged(self) -> None:
        url = DarajaCallbacks("http://x", SECRET).url_for(self.ABOUT)
        for wrong in (
            url.replace("1000.1295", "2000.1295"),
            url.replace("dep_1", "dep_2"),
            url.replace("payment", "status"),
            url[:-1],
            url.partition("&key")[0],
            "http://x/webhooks/daraja",
            "http://x/webhooks/daraja?about=%C3%A9&key=%C3%A9",
        ):
            with pytest.raises(WebhookSignatureInvalid):
                self.verify(wrong)
        with pytest.raises(WebhookSignatureInvalid):
            self.verify(url, secret="another")

    @pytest.mark.parametrize("body", ["{", "[]", "{}", '{"Body": {"stkCallback": 1}}'])
    def test_what_cannot_be_read_is_refused(self, body: str) -> None:
        with pytest.raises(MalformedRequest):
            self.verify(DarajaCallbacks("http://x", SECRET).url_for(self.ABOUT), body)

    def test_the_address_names_no_product(self, desk: Desk) -> None:
        url = DarajaCallbacks("https://exchange.example", SECRET).url_for(self.ABOUT)
        assert url.startswith("https://exchange.example/webhooks/daraja?")
        assert "pesa" not in url.lower()

    def test_a_forged_one_changes_nothing(self, desk: Desk) -> None:
        client = desk.app.test_client()
        with database_unchanged(desk.database):
            answer = client.post("/webhooks/daraja?about=payout.wdr_1.1.1&key=00", data=self.BODY)
        assert answer.status_code == 403


def test_no_secret_is_told(desk: Desk, sandbox: Sandbox, capfd: pytest.CaptureFixture[str]) -> None:
    told = []
    key = f"key-{uuid4().hex}"
    for name in ("consumer_secret", "passkey", "credential"):
        stranger = Desk(desk.app, f"{sandbox.url}/daraja", **{name: key})
        do = stranger.payouts.send if name == "credential" else stranger.payments.create
        asked = stranger.order() if name == "credential" else stranger.ask()
        with pytest.raises((ProviderUnavailable, ProviderRefused)) as refused:
            do(asked)
        told += [*traceback.format_exception(refused.value), repr(account(**{name: key}))]
        with desk.database.reading() as session:
            told.append(
                str(
                    session.rows(
                        "SELECT * FROM provider_calls WHERE reference = %s", (stranger.reference,)
                    )
                )
            )
        told += [*capfd.readouterr()]
        assert not [text for text in told if key in text or stranger.phone[1:] in text]
