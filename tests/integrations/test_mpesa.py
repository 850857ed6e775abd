"""Payments and payouts by phone over Daraja's protocol, against the sandbox."""

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
from app.funding.ports import (
    PaymentChanged,
    PaymentRequest,
    PaymentState,
    Payout,
    PayoutChanged,
    PayoutOrder,
    PayoutState,
)
from app.integrations.http_calls import ProviderCaller
from app.integrations.mpesa.adapter import MpesaPayments
from app.integrations.mpesa.client import DarajaAccount, DarajaClient
from app.integrations.mpesa.exchange_rate import ExchangeRate
from app.integrations.mpesa.payouts import MpesaPayouts
from app.integrations.mpesa.webhook import CallbackSubject, CallHistory, DarajaCallbacks
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
from app.providers.queries import last_call
from app.providers.service import CallLog
from sandbox.app import run_periodic_tasks
from sandbox.faults import FaultMode
from tests.integrations.test_stripe import UNCERTAIN_FAULTS
from tests.provider_sandbox import Sandbox
from tests.unchanged_database import database_unchanged

TEN = Amount(USD, 1000)
RATE = ExchangeRate(Decimal("129.50"))
SECRET = sandbox_secret("daraja consumer secret")


def daraja_account(**changed: str) -> DarajaAccount:
    fields = {
        "consumer_key": sandbox_secret("daraja consumer"),
        "consumer_secret": SECRET,
        "shortcode": "174379",
        "passkey": sandbox_secret("daraja passkey"),
        "initiator": "sandbox",
        "credential": sandbox_secret("daraja credential"),
    }
    return DarajaAccount(**{**fields, **changed})


def phone(ending: str = "77") -> str:
    return f"+2547{SystemRandom().randrange(10**6):06}{ending}"


class DarajaSetup:
    """Both rails, with a fresh reference and phone number."""

    def __init__(self, app: Flask, url: str, timeout: float = 5, **changed: str) -> None:
        self.app = app
        self.database: Database = app.extensions["database"]
        self.client = DarajaClient(url, daraja_account(**changed), timeout_seconds=timeout)
        self.callbacks = DarajaCallbacks("http://localhost", SECRET)
        self.rate = RATE
        shared = (
            ProviderCaller("daraja", CallLog(self.database)),
            lambda: self.rate,
            self.callbacks,
            CallHistory(self.database),
        )
        self.payments = MpesaPayments(self.client, *shared)
        self.payouts = MpesaPayouts(self.client, *shared)
        self.reference = ids.encode("dep", ids.new())
        self.phone = phone()

    def payment_request(self, amount: Amount = TEN) -> PaymentRequest:
        return PaymentRequest(self.reference, amount, self.phone)

    def payout_order(self, amount: Amount = TEN) -> PayoutOrder:
        return PayoutOrder(self.reference, amount, {"phone": self.phone})


@pytest.fixture
def daraja(open_app: Flask, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> DarajaSetup:
    for webhook in sandbox.webhooks.all():
        sandbox.store.delete("_sandbox", "deliveries", webhook.id)
    # The tests of funding cover the tasks themselves.
    for name in ("funding.payment_changed", "funding.payout_changed"):
        monkeypatch.setitem(_TASKS, name, Task(name, Queue.PAYMENTS, lambda *_, **__: None))
    daraja = DarajaSetup(open_app, f"{sandbox.url}/daraja")
    resolve(WebhookVerifiers)["daraja"] = daraja.callbacks
    return daraja


@pytest.fixture
def deliver_webhooks(daraja: DarajaSetup, sandbox: Sandbox) -> Callable[[], list[int]]:
    return lambda: sandbox.deliver_webhooks(daraja.app.test_client())


DeliverWebhooks = Callable[[], list[int]]


def prompts(sandbox: Sandbox, daraja: DarajaSetup) -> list[dict[str, object]]:
    return sandbox.store.find("daraja", "prompt", phone=daraja.phone[1:])


def payouts(sandbox: Sandbox, daraja: DarajaSetup) -> list[dict[str, object]]:
    return sandbox.store.find("daraja", "payout", reference=daraja.reference)


class TestExchangeRate:
    @given(st.integers(1, 10**9), st.decimals("100", "1000", places=4))
    def test_converting_to_shillings_and_back_returns_the_same_dollars(
        self, cents: int, kes_per_usd: Decimal
    ) -> None:
        rate, amount = ExchangeRate(kes_per_usd), Amount(USD, cents)
        assert rate.dollars_charged(rate.shillings_to_charge(amount)) == amount
        assert rate.dollars_paid_out(rate.shillings_to_pay_out(amount)) == amount
        exact = cents * kes_per_usd / 100
        assert exact <= rate.shillings_to_charge(amount) < exact + 1
        assert exact - 1 < rate.shillings_to_pay_out(amount) <= exact

    def test_shillings_are_rounded_in_our_favour(self) -> None:
        assert (RATE.shillings_to_charge(TEN), RATE.shillings_to_pay_out(TEN)) == (1295, 1295)
        assert (
            RATE.shillings_to_charge(Amount(USD, 1001)),
            RATE.shillings_to_pay_out(Amount(USD, 1001)),
        ) == (1297, 1296)

    def test_rate_below_100_is_refused(self) -> None:
        with pytest.raises(ValueError, match="100 shillings"):
            ExchangeRate(Decimal("99.99"))


class TestPayments:
    def test_prompted_payment_is_pending_then_paid(
        self, daraja: DarajaSetup, sandbox: Sandbox, deliver_webhooks: DeliverWebhooks
    ) -> None:
        payment = daraja.payments.create(daraja.payment_request())
        assert (payment.state, payment.amount, payment.reference) == (
            PaymentState.PENDING, TEN, daraja.reference,
        )  # fmt: skip
        assert payment.instructions == {"phone": daraja.phone, "amountKes": "1295"}
        [prompt] = prompts(sandbox, daraja)
        assert (prompt["amount"], prompt["name"]) == (1295, daraja.reference[-12:])
        waiting = daraja.payments.fetch(payment.provider_ref)
        assert (waiting.state, waiting.amount) == (PaymentState.PENDING, TEN)
        assert daraja.payments.find(daraja.reference) is None
        sandbox.call_control("daraja", f"/prompts/{prompt['id']}/answer", result_code=0)
        paid = daraja.payments.fetch(payment.provider_ref)
        assert (paid.state, paid.amount, paid.code) == (PaymentState.PAID, TEN, "")
        assert deliver_webhooks() == [204]
        with daraja.database.reading() as session:
            [(event, kind, task)] = session.rows(
                "SELECT e.event_id, e.kind, o.task FROM webhook_events e"
                " JOIN outbox o ON o.args ->> 'event_id' = e.id::text WHERE e.subject = %s",
                (payment.provider_ref,),
            )
        assert (event, kind, task) == (
            f"payment.{prompt['id']}.0", "payment", "funding.payment_changed",
        )  # fmt: skip

    def test_payment_is_found_once_paid(self, daraja: DarajaSetup, sandbox: Sandbox) -> None:
        daraja.payments.create(daraja.payment_request())
        [prompt] = prompts(sandbox, daraja)
        sandbox.call_control("daraja", f"/prompts/{prompt['id']}/answer", result_code=0)
        payment = daraja.payments.find(daraja.reference)
        assert payment is not None
        assert (payment.state, payment.amount, payment.reference) == (
            PaymentState.PAID, TEN, daraja.reference,
        )  # fmt: skip
        stranger = f"x{uuid4().hex[:8]}"
        sandbox.call_control("daraja", "/payments", phone="254700000099", amount=130, name=stranger)
        payments = daraja.payments.payments(clock.now() - timedelta(minutes=1))
        assert payment in payments
        assert [(item.reference, str(item.amount)) for item in payments][-1] == (stranger, "1.00")

    def test_payment_in_progress_keeps_its_rate(
        self, daraja: DarajaSetup, sandbox: Sandbox
    ) -> None:
        daraja.payments.create(daraja.payment_request())
        daraja.rate = ExchangeRate(Decimal(140))
        [prompt] = prompts(sandbox, daraja)
        sandbox.call_control("daraja", f"/prompts/{prompt['id']}/answer", result_code=0)
        found = daraja.payments.find(daraja.reference)
        assert found is not None
        assert (found.amount, found.charged) == (TEN, "1295 KES")
        assert found in daraja.payments.payments(clock.now() - timedelta(minutes=1))

    def test_list_contains_every_page(self, daraja: DarajaSetup, sandbox: Sandbox) -> None:
        since, name = clock.now() - timedelta(seconds=2), uuid4().hex[:8]
        for _ in range(205):
            payload = {"phone": "254700000099", "amount": 130, "name": name}
            sandbox.call_control("daraja", "/payments", **payload)
        payments = daraja.payments.payments(since)
        assert [payment.reference for payment in payments].count(name) == 205

    @pytest.mark.parametrize(
        ("ending", "code"),
        [
            ("01", "insufficient_funds"),
            ("02", "cancelled_by_customer"),
            ("03", "phone_unreachable"),
            ("04", "wrong_pin"),
        ],
    )
    def test_failed_prompt_reports_its_code(
        self, daraja: DarajaSetup, sandbox: Sandbox, ending: str, code: str
    ) -> None:
        daraja.phone = phone(ending)
        payment = daraja.payments.create(daraja.payment_request())
        run_periodic_tasks(sandbox.app)
        failed = daraja.payments.fetch(payment.provider_ref)
        assert (failed.state, failed.code) == (PaymentState.FAILED, code)
        assert daraja.payments.find(daraja.reference) is None

    @pytest.mark.parametrize("number", ["+14155550100", "0712345678", "+25471234567", "", "+254７"])
    def test_phone_outside_kenya_is_refused_without_request(
        self, daraja: DarajaSetup, sandbox: Sandbox, number: str
    ) -> None:
        daraja.phone = number
        with (
            database_unchanged(daraja.database),
            pytest.raises(ProviderRefused, match="phone_not_kenyan"),
        ):
            daraja.payments.create(daraja.payment_request())
        assert prompts(sandbox, daraja) == []

    def test_second_prompt_on_the_same_phone_is_refused(
        self, daraja: DarajaSetup, sandbox: Sandbox
    ) -> None:
        daraja.payments.create(daraja.payment_request())
        daraja.reference = ids.encode("dep", ids.new())
        with pytest.raises(ProviderRefused, match=r"500\.001\.1001"):
            daraja.payments.create(daraja.payment_request())
        assert len(prompts(sandbox, daraja)) == 1

    def test_amount_above_daraja_limit_is_refused(
        self, daraja: DarajaSetup, sandbox: Sandbox
    ) -> None:
        with pytest.raises(ProviderRefused, match=r"400\.002\.02"):
            daraja.payments.create(daraja.payment_request(Amount(USD, 10**6)))
        assert prompts(sandbox, daraja) == []

    @pytest.mark.parametrize("wrong", ["ws_CO_1", "a.b.c.d", "ws_CO_1.dep_1.1000.1295", ""])
    def test_unknown_payment_is_refused(self, daraja: DarajaSetup, wrong: str) -> None:
        with pytest.raises(ProviderRefused):
            daraja.payments.fetch(wrong)


class TestPayouts:
    def test_payout_is_sent_and_completes(
        self, daraja: DarajaSetup, sandbox: Sandbox, deliver_webhooks: DeliverWebhooks
    ) -> None:
        sent = daraja.payouts.send(daraja.payout_order())
        assert sent == Payout(daraja.reference, daraja.reference, PayoutState.SENT, TEN, MPESA)
        with pytest.raises(ProviderOutcomeUnknown, match="comes by callback"):
            daraja.payouts.find(daraja.reference)
        sandbox.call_control("daraja", f"/payouts/{daraja.reference}/end", result_code=0)
        assert deliver_webhooks() == [204, 204]  # the status reply, and the result
        arrived = daraja.payouts.find(daraja.reference)
        assert arrived is not None
        assert (arrived.state, arrived.amount, len(arrived.evidence)) == (
            PayoutState.COMPLETED, TEN, 10,
        )  # fmt: skip
        assert arrived in daraja.payouts.payouts(clock.now() - timedelta(minutes=1))

    def test_failed_payout_reports_its_code(
        self, daraja: DarajaSetup, sandbox: Sandbox, deliver_webhooks: DeliverWebhooks
    ) -> None:
        daraja.phone = phone("01")
        daraja.payouts.send(daraja.payout_order())
        run_periodic_tasks(sandbox.app)
        assert set(deliver_webhooks()) == {204}
        failed = daraja.payouts.find(daraja.reference)
        assert failed is not None
        assert (failed.state, failed.code, failed.amount) == (
            PayoutState.FAILED, "mpesa_2040", TEN,
        )  # fmt: skip

    def test_lost_result_callback_is_replaced_by_a_status_query(
        self, daraja: DarajaSetup, sandbox: Sandbox, deliver_webhooks: DeliverWebhooks
    ) -> None:
        daraja.payouts.send(daraja.payout_order())
        sandbox.schedule_fault("daraja", "webhook", FaultMode.LOST)
        sandbox.call_control("daraja", f"/payouts/{daraja.reference}/end", result_code=0)
        with pytest.raises(ProviderOutcomeUnknown):
            daraja.payouts.find(daraja.reference)
        assert deliver_webhooks() == [204]
        payout = daraja.payouts.find(daraja.reference)
        assert payout is not None
        assert (payout.state, payout.amount) == (PayoutState.COMPLETED, TEN)

    def test_status_reply_after_a_change_of_the_rate_has_the_agreed_amount(
        self, daraja: DarajaSetup, sandbox: Sandbox, deliver_webhooks: DeliverWebhooks
    ) -> None:
        daraja.payouts.send(daraja.payout_order())
        daraja.rate = ExchangeRate(Decimal(140))
        sandbox.schedule_fault("daraja", "webhook", FaultMode.LOST)
        sandbox.call_control("daraja", f"/payouts/{daraja.reference}/end", result_code=0)
        with pytest.raises(ProviderOutcomeUnknown):
            daraja.payouts.find(daraja.reference)
        deliver_webhooks()
        payout = daraja.payouts.find(daraja.reference)
        assert payout is not None
        assert (payout.state, payout.amount) == (PayoutState.COMPLETED, TEN)
        assert payout in daraja.payouts.payouts(clock.now() - timedelta(minutes=1))

    def test_repeated_payout_keeps_its_rate(self, daraja: DarajaSetup, sandbox: Sandbox) -> None:
        daraja.payouts.send(daraja.payout_order())
        daraja.rate = ExchangeRate(Decimal(140))
        daraja.payouts.send(daraja.payout_order())
        with daraja.database.reading() as session:
            sent = last_call(session, "daraja", "payouts.send", daraja.reference)
        assert sent is not None
        assert sent.terms == "1000.1295.1"

    def test_payout_reports_the_amount_that_was_paid(
        self, daraja: DarajaSetup, sandbox: Sandbox, deliver_webhooks: DeliverWebhooks
    ) -> None:
        sandbox.schedule_fault("daraja", "payouts.create", FaultMode.WRONG_AMOUNT)
        daraja.payouts.send(daraja.payout_order())
        sandbox.call_control("daraja", f"/payouts/{daraja.reference}/end", result_code=0)
        deliver_webhooks()
        payout = daraja.payouts.find(daraja.reference)
        assert payout is not None
        assert payout.amount == Amount(USD, 993)  # 1285 shillings are 992.28 cents

    def test_repeated_payout_is_paid_once(self, daraja: DarajaSetup, sandbox: Sandbox) -> None:
        assert daraja.payouts.send(daraja.payout_order()) == daraja.payouts.send(
            daraja.payout_order()
        )
        assert len(payouts(sandbox, daraja)) == 1

    def test_payout_below_a_shilling_or_outside_kenya_is_refused(self, daraja: DarajaSetup) -> None:
        with pytest.raises(ProviderRefused, match="less_than_a_shilling"):
            daraja.payouts.send(daraja.payout_order(Amount(USD, 0)))
        with pytest.raises(ProviderRefused, match="phone_not_kenyan"):
            daraja.payouts.send(PayoutOrder(daraja.reference, TEN, {"phone": "+1"}))
        with database_unchanged(daraja.database):
            assert len(daraja.payouts.payouts(clock.now() + timedelta(days=1))) == 0


class TestFaults:
    """Faults in every call that moves money."""

    @pytest.mark.parametrize("mode", UNCERTAIN_FAULTS)
    def test_prompt_after_uncertain_fault_is_not_repeated(
        self,
        daraja: DarajaSetup,
        sandbox: Sandbox,
        deliver_webhooks: DeliverWebhooks,
        mode: FaultMode,
    ) -> None:
        sandbox.schedule_fault("daraja", "payments.prompt", mode)
        with pytest.raises(ProviderOutcomeUnknown):
            daraja.payments.create(daraja.payment_request())
        was_sent = mode in {FaultMode.HANG_UP_AFTER, FaultMode.ERROR_AFTER, FaultMode.GARBAGE}
        assert len(prompts(sandbox, daraja)) == was_sent
        run_periodic_tasks(sandbox.app)
        payment = daraja.payments.find(daraja.reference)
        assert (payment is not None) == was_sent
        if was_sent:
            # The callback leads to the same payment.
            assert deliver_webhooks() == [204]
            with daraja.database.reading() as session:
                row = session.row(
                    "SELECT subject FROM webhook_events WHERE subject LIKE %s",
                    (f"%.{daraja.reference}.%",),
                )
            assert row is not None
            assert daraja.payments.fetch(row[0]).state is PaymentState.PAID

    @pytest.mark.parametrize("mode", UNCERTAIN_FAULTS)
    def test_payout_after_uncertain_fault_is_unknown_until_queried(
        self,
        daraja: DarajaSetup,
        sandbox: Sandbox,
        deliver_webhooks: DeliverWebhooks,
        mode: FaultMode,
    ) -> None:
        sandbox.schedule_fault("daraja", "payouts.create", mode)
        with pytest.raises(ProviderOutcomeUnknown):
            daraja.payouts.send(daraja.payout_order())
        was_sent = mode in {FaultMode.HANG_UP_AFTER, FaultMode.ERROR_AFTER, FaultMode.GARBAGE}
        assert len(payouts(sandbox, daraja)) == was_sent
        run_periodic_tasks(sandbox.app)
        with time_machine.travel(clock.now() + timedelta(minutes=3)):
            if not was_sent:
                with pytest.raises(ProviderOutcomeUnknown, match="comes by callback"):
                    daraja.payouts.find(daraja.reference)
            assert set(deliver_webhooks()) == {204}
            payout = daraja.payouts.find(daraja.reference)
        if was_sent:
            assert payout is not None
            assert (payout.state, payout.amount) == (PayoutState.COMPLETED, TEN)
        else:
            assert payout is None

    def test_unknown_payout_is_believed_only_after_transit_time(
        self, daraja: DarajaSetup, sandbox: Sandbox, deliver_webhooks: DeliverWebhooks
    ) -> None:
        sandbox.schedule_fault("daraja", "payouts.create", FaultMode.HANG_UP_BEFORE)
        with pytest.raises(ProviderOutcomeUnknown):
            daraja.payouts.send(daraja.payout_order())
        # The reply makes us look again, which does not query again so soon.
        for statuses in ([204], []):
            with pytest.raises(ProviderOutcomeUnknown):
                daraja.payouts.find(daraja.reference)
            assert deliver_webhooks() == statuses
        with time_machine.travel(clock.now() + timedelta(minutes=3)):
            with pytest.raises(ProviderOutcomeUnknown):
                daraja.payouts.find(daraja.reference)
            deliver_webhooks()
            assert daraja.payouts.find(daraja.reference) is None
            sandbox.schedule_fault("daraja", "payouts.create", FaultMode.HANG_UP_AFTER)
            with pytest.raises(ProviderOutcomeUnknown):
                daraja.payouts.send(daraja.payout_order())
            # A reply from before the second order does not count for it.
            with pytest.raises(ProviderOutcomeUnknown):
                daraja.payouts.find(daraja.reference)
        assert len(payouts(sandbox, daraja)) == 1

    @pytest.mark.parametrize(
        ("operation", "send"),
        [
            ("payments.prompt", lambda daraja: daraja.payments.create(daraja.payment_request())),
            ("payouts.create", lambda daraja: daraja.payouts.send(daraja.payout_order())),
        ],
    )
    @pytest.mark.parametrize("mode", [FaultMode.TIMEOUT_BEFORE, FaultMode.TIMEOUT_AFTER])
    def test_no_response_in_time_has_unknown_outcome(
        self, daraja: DarajaSetup, sandbox: Sandbox, operation: str, send: Callable, mode: FaultMode
    ) -> None:
        impatient = DarajaSetup(daraja.app, f"{sandbox.url}/daraja", timeout=0.5)
        sandbox.schedule_fault("daraja", operation, mode, seconds=0.8)
        with pytest.raises(ProviderOutcomeUnknown):
            send(impatient)
        sent_count = len(prompts(sandbox, impatient)) + len(payouts(sandbox, impatient))
        assert sent_count == (mode is FaultMode.TIMEOUT_AFTER)

    def test_refusal_is_not_retried(self, daraja: DarajaSetup, sandbox: Sandbox) -> None:
        for operation in ("payments.prompt", "payouts.create"):
            sandbox.schedule_fault("daraja", operation, FaultMode.REFUSED)
        with pytest.raises(ProviderRefused, match=r"400\.002\.02"):
            daraja.payments.create(daraja.payment_request())
        with pytest.raises(ProviderRefused, match=r"400\.002\.02"):
            daraja.payouts.send(daraja.payout_order())
        assert prompts(sandbox, daraja) == payouts(sandbox, daraja) == []

    @pytest.mark.parametrize("mode", UNCERTAIN_FAULTS)
    def test_failed_token_request_makes_daraja_unavailable(
        self, daraja: DarajaSetup, sandbox: Sandbox, mode: FaultMode
    ) -> None:
        sandbox.schedule_fault("daraja", "token.get", mode, times=3)
        with pytest.raises(ProviderUnavailable):
            daraja.payments.create(daraja.payment_request())
        assert prompts(sandbox, daraja) == []

    def test_rejected_token_is_renewed(self, daraja: DarajaSetup, sandbox: Sandbox) -> None:
        daraja.payments.find(daraja.reference)
        sandbox.store.delete("daraja", "token", daraja.client._token._text)
        assert daraja.payments.create(daraja.payment_request()).state is PaymentState.PENDING


class TestCallbacks:
    SUBJECT = CallbackSubject("payment", "dep_1", "1000.1295")
    BODY = json.dumps({"Body": {"stkCallback": {"CheckoutRequestID": "ws_1", "ResultCode": 0}}})

    def verify(self, url: str, body: str = BODY, secret: str = SECRET) -> list[ProviderEvent]:
        return DarajaCallbacks("http://x", secret).verify(WebhookDelivery(url, {}, body.encode()))

    def test_callback_becomes_event_with_its_fact_and_subject(self) -> None:
        url = DarajaCallbacks("http://x", SECRET).url_for(self.SUBJECT)
        assert self.verify(url) == [
            ProviderEvent("payment.ws_1.0", "payment", "ws_1.dep_1.1000.1295", PaymentChanged)
        ]
        for kind in ("payout", "status", "timeout"):
            url = DarajaCallbacks("http://x", SECRET).url_for(CallbackSubject(kind, "wdr_1", "7.9"))
            events = [
                self.verify(
                    url, json.dumps({"Result": {"ConversationID": "AG_1", "ResultCode": code}})
                )
                for code in (0, 0, 1)
            ]
            # The id carries the content: only the same words are the same event.
            assert events[0] == events[1] != events[2]
            [event] = events[0]
            assert event.id.startswith(f"{kind}.wdr_1.7.9.")
            assert (event.kind, event.subject, event.fact) == (kind, "wdr_1", PayoutChanged)

    def test_callback_to_an_unknown_url_is_refused(self) -> None:
        url = DarajaCallbacks("http://x", SECRET).url_for(self.SUBJECT)
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
    def test_unreadable_callback_is_malformed(self, body: str) -> None:
        with pytest.raises(MalformedRequest):
            self.verify(DarajaCallbacks("http://x", SECRET).url_for(self.SUBJECT), body)

    def test_callback_url_does_not_contain_the_product_name(self, daraja: DarajaSetup) -> None:
        url = DarajaCallbacks("https://exchange.example", SECRET).url_for(self.SUBJECT)
        assert url.startswith("https://exchange.example/webhooks/daraja?")
        assert "pesa" not in url.lower()

    def test_forged_callback_changes_nothing(self, daraja: DarajaSetup) -> None:
        client = daraja.app.test_client()
        with database_unchanged(daraja.database):
            response = client.post("/webhooks/daraja?about=payout.wdr_1.1.1&key=00", data=self.BODY)
        assert response.status_code == 403


def test_secrets_are_not_in_errors_call_log_or_output(
    daraja: DarajaSetup, sandbox: Sandbox, capfd: pytest.CaptureFixture[str]
) -> None:
    texts = []
    key = f"key-{uuid4().hex}"
    for name in ("consumer_secret", "passkey", "credential"):
        stranger = DarajaSetup(daraja.app, f"{sandbox.url}/daraja", **{name: key})
        send = stranger.payouts.send if name == "credential" else stranger.payments.create
        request = stranger.payout_order() if name == "credential" else stranger.payment_request()
        with pytest.raises((ProviderUnavailable, ProviderRefused)) as refusal:
            send(request)
        texts += [*traceback.format_exception(refusal.value), repr(daraja_account(**{name: key}))]
        with daraja.database.reading() as session:
            texts.append(
                str(
                    session.rows(
                        "SELECT * FROM provider_calls WHERE reference = %s", (stranger.reference,)
                    )
                )
            )
        texts += [*capfd.readouterr()]
        assert not [text for text in texts if key in text or stranger.phone[1:] in text]
