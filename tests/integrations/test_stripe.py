"""Card payments over Stripe's protocol, against the sandbox."""

import traceback
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from app.catalog.provider_ids import STRIPE
from app.catalog.rules import USD
from app.config.providers import sandbox_secret
from app.funding.ports import CardRail, Dispute, DisputeKind, Payment, PaymentRequest, PaymentState
from app.integrations.http_calls import ATTEMPTS_MAX, ProviderCaller
from app.integrations.stripe.adapter import StripeRail
from app.integrations.stripe.client import StripeClient
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.money import Amount
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable
from app.providers.service import CallLog
from sandbox.faults import FaultMode
from tests.provider_sandbox import Sandbox

KEY = f"sk_test_{sandbox_secret('stripe')}"
TEN = Amount(USD, 1000)
NO_COST = Amount(USD, 0)
#: Faults after which a call may have had its effect.
UNCERTAIN_FAULTS = (
    FaultMode.HANG_UP_BEFORE,
    FaultMode.HANG_UP_AFTER,
    FaultMode.ERROR_BEFORE,
    FaultMode.ERROR_AFTER,
    FaultMode.DOWN,
    FaultMode.GARBAGE,
)


def dollars(text: str) -> Amount:
    return Amount.parse(USD, text)


class StripeSetup:
    """The rail, and a fresh payment to request."""

    def __init__(self, database: Database, url: str, key: str = KEY, timeout: float = 5) -> None:
        self.database = database
        client = StripeClient(url, key, timeout_seconds=timeout)
        self.rail = StripeRail(client, ProviderCaller("stripe", CallLog(database)))
        self.reference = ids.encode("dep", ids.new())

    def payment_request(self, source: str = "pm_card_visa", amount: Amount = TEN) -> PaymentRequest:
        return PaymentRequest(self.reference, amount, source)

    def outcomes(self) -> list[object]:
        with self.database.reading() as session:
            rows = session.rows(
                "SELECT outcome FROM provider_calls WHERE reference = %s ORDER BY id",
                (self.reference,),
            )
        return [outcome for (outcome,) in rows]


@pytest.fixture
def stripe(database: Database, sandbox: Sandbox) -> StripeSetup:
    return StripeSetup(database, f"{sandbox.url}/stripe")


@pytest.fixture
def statuses(sandbox: Sandbox, stripe: StripeSetup) -> Callable[[], list[str]]:
    """Return a function: the statuses at Stripe of the payments with the setup's reference."""

    def find() -> list[str]:
        intents = sandbox.store.find("stripe", "payment_intent")
        return [
            intent["status"]
            for intent in intents
            if intent["metadata"] == {"reference": stripe.reference}
        ]

    return find


Statuses = Callable[[], list[str]]


class TestPayments:
    def test_payment_is_authorised_then_captured(self, stripe: StripeSetup) -> None:
        payment = stripe.rail.create(stripe.payment_request())
        assert payment == Payment(
            payment.provider_ref, stripe.reference, PaymentState.AUTHORISED, TEN, None, "", {}
        )
        assert stripe.rail.fetch(payment.provider_ref) == payment
        captured = stripe.rail.capture(payment.provider_ref, stripe.reference)
        assert (captured.state, captured.amount, captured.cost) == (
            PaymentState.PAID,
            TEN,
            dollars("0.59"),  # 2.9 % and 30 cents
        )
        assert stripe.rail.find(stripe.reference) == captured
        assert captured in stripe.rail.payments(clock.now() - timedelta(minutes=1))
        assert stripe.outcomes() == ["answered"] * 3

    def test_authorised_payment_is_released(self, stripe: StripeSetup, statuses: Statuses) -> None:
        payment = stripe.rail.create(stripe.payment_request())
        released = stripe.rail.release(payment.provider_ref, stripe.reference)
        assert (released.state, released.code) == (PaymentState.FAILED, "canceled")
        assert statuses() == ["canceled"]

    def test_captured_amount_is_what_reached_the_balance(
        self, stripe: StripeSetup, sandbox: Sandbox
    ) -> None:
        payment = stripe.rail.create(stripe.payment_request())
        sandbox.schedule_fault("stripe", "payments.capture", FaultMode.WRONG_AMOUNT)
        captured = stripe.rail.capture(payment.provider_ref, stripe.reference)
        assert captured.amount == dollars("9.99")

    def test_rail_is_a_card_rail(self, stripe: StripeSetup) -> None:
        assert isinstance(stripe.rail, CardRail)
        assert (stripe.rail.name, stripe.rail.provider_id, stripe.rail.repeatable) == (
            "stripe",
            STRIPE,
            True,
        )

    @pytest.mark.parametrize(
        ("card", "code"),
        [
            ("pm_card_chargeDeclined", "generic_decline"),
            ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ],
    )
    def test_declined_card_is_refused_with_its_code(
        self, stripe: StripeSetup, statuses: Statuses, card: str, code: str
    ) -> None:
        for _ in range(2):
            with pytest.raises(ProviderRefused) as refusal:
                stripe.rail.create(stripe.payment_request(card))
            assert (refusal.value.code, refusal.value.reason) == (code, "Your card was declined.")
        assert statuses() == ["requires_payment_method"]
        payment = stripe.rail.find(stripe.reference)
        assert payment is not None
        assert (payment.state, payment.code) == (PaymentState.FAILED, code)
        assert stripe.outcomes()[:2] == ["refused"] * 2

    @pytest.mark.parametrize(
        ("amount", "card", "code"),
        [(TEN, "pm_unknown", "resource_missing"), (Amount(USD, 49), "", "amount_too_small")],
    )
    def test_invalid_payment_is_refused_and_creates_nothing(
        self, stripe: StripeSetup, statuses: Statuses, amount: Amount, card: str, code: str
    ) -> None:
        with pytest.raises(ProviderRefused) as refusal:
            stripe.rail.create(stripe.payment_request(card or "pm_card_visa", amount))
        assert (refusal.value.code, refusal.value.reason) == (code, "")
        assert statuses() == []

    @pytest.mark.parametrize(
        ("success", "state", "code"),
        [
            (True, PaymentState.AUTHORISED, ""),
            (False, PaymentState.FAILED, "payment_intent_authentication_failure"),
        ],
    )
    def test_authentication_request_leaves_payment_pending(
        self,
        stripe: StripeSetup,
        sandbox: Sandbox,
        *,
        success: bool,
        state: PaymentState,
        code: str,
    ) -> None:
        payment = stripe.rail.create(stripe.payment_request("pm_card_authenticationRequired"))
        assert payment.state is PaymentState.PENDING
        assert payment.instructions["client_secret"].startswith(payment.provider_ref)
        assert payment.instructions["status"] == "requires_action"
        path = f"/payments/{payment.provider_ref}/authenticate"
        sandbox.call_control("stripe", path, success=success)
        result = stripe.rail.fetch(payment.provider_ref)
        assert (result.state, result.code, result.instructions) == (state, code, {})


class TestRepetitions:
    def test_repeated_request_creates_one_payment(
        self, stripe: StripeSetup, statuses: Statuses
    ) -> None:
        first = stripe.rail.create(stripe.payment_request())
        assert stripe.rail.create(stripe.payment_request()) == first
        assert statuses() == ["requires_capture"]

    def test_repeated_request_with_another_amount_is_refused(
        self, stripe: StripeSetup, statuses: Statuses
    ) -> None:
        stripe.rail.create(stripe.payment_request())
        with pytest.raises(ProviderRefused, match="idempotency_error"):
            stripe.rail.create(stripe.payment_request(amount=dollars("11.00")))
        assert statuses() == ["requires_capture"]

    def test_capture_is_done_once_even_after_its_key_expired(
        self, stripe: StripeSetup, sandbox: Sandbox
    ) -> None:
        payment = stripe.rail.create(stripe.payment_request())
        captured = stripe.rail.capture(payment.provider_ref, stripe.reference)
        assert stripe.rail.capture(payment.provider_ref, stripe.reference) == captured
        sandbox.store.delete("stripe", "idempotency_key", f"{stripe.reference}:capture")
        assert stripe.rail.capture(payment.provider_ref, stripe.reference) == captured
        with pytest.raises(ProviderRefused, match="payment_intent_unexpected_state"):
            stripe.rail.release(payment.provider_ref, stripe.reference)
        assert stripe.rail.fetch(payment.provider_ref) == captured

    def test_release_is_done_once_even_after_its_key_expired(
        self, stripe: StripeSetup, sandbox: Sandbox, statuses: Statuses
    ) -> None:
        payment = stripe.rail.create(stripe.payment_request())
        released = stripe.rail.release(payment.provider_ref, stripe.reference)
        sandbox.store.delete("stripe", "idempotency_key", f"{stripe.reference}:release")
        assert stripe.rail.release(payment.provider_ref, stripe.reference) == released
        with pytest.raises(ProviderRefused, match="payment_intent_unexpected_state"):
            stripe.rail.capture(payment.provider_ref, stripe.reference)
        assert statuses() == ["canceled"]


class TestFaults:
    """Faults in every call that moves money."""

    @pytest.mark.parametrize("mode", UNCERTAIN_FAULTS)
    @pytest.mark.parametrize("operation", ["open", "capture", "release"])
    def test_one_uncertain_fault_is_retried(
        self,
        stripe: StripeSetup,
        sandbox: Sandbox,
        statuses: Statuses,
        operation: str,
        mode: FaultMode,
    ) -> None:
        run = self.prepare(stripe, operation)
        name = {"open": "create", "release": "cancel"}.get(operation, operation)
        sandbox.schedule_fault("stripe", f"payments.{name}", mode)
        payment = run()
        assert stripe.rail.fetch(payment.provider_ref) == payment
        assert statuses() == [
            {"open": "requires_capture", "capture": "succeeded", "release": "canceled"}[operation]
        ]
        assert stripe.outcomes()[-2:] == ["unknown", "answered"]

    @pytest.mark.parametrize(
        ("mode", "expected"),
        [(FaultMode.HANG_UP_BEFORE, []), (FaultMode.HANG_UP_AFTER, ["requires_capture"])],
    )
    def test_payment_after_lasting_faults_is_unknown_until_it_is_found(
        self,
        stripe: StripeSetup,
        sandbox: Sandbox,
        statuses: Statuses,
        mode: FaultMode,
        expected: list[str],
    ) -> None:
        sandbox.schedule_fault("stripe", "payments.create", mode, times=ATTEMPTS_MAX)
        with pytest.raises(ProviderOutcomeUnknown):
            stripe.rail.create(stripe.payment_request())
        assert statuses() == expected
        payment = stripe.rail.find(stripe.reference)
        assert (payment is not None) == bool(expected)
        repeated = stripe.rail.create(stripe.payment_request())
        assert payment in (None, repeated)
        assert statuses() == ["requires_capture"]

    @pytest.mark.parametrize("mode", [FaultMode.TIMEOUT_BEFORE, FaultMode.TIMEOUT_AFTER])
    def test_no_response_in_time_is_retried(
        self,
        database: Database,
        sandbox: Sandbox,
        mode: FaultMode,
        statuses: Statuses,
        stripe: StripeSetup,
    ) -> None:
        impatient = StripeSetup(database, f"{sandbox.url}/stripe", timeout=0.5)
        impatient.reference = stripe.reference
        sandbox.schedule_fault("stripe", "payments.create", mode, seconds=0.8)
        payment = impatient.rail.create(impatient.payment_request())
        assert payment.state is PaymentState.AUTHORISED
        assert statuses() == ["requires_capture"]
        assert impatient.outcomes()[0] == "unknown"

    def test_unreachable_stripe_is_unavailable(self, database: Database) -> None:
        stripe = StripeSetup(database, "http://127.0.0.1:9/stripe")
        with pytest.raises(ProviderUnavailable):
            stripe.rail.create(stripe.payment_request())
        assert stripe.outcomes() == ["away"] * ATTEMPTS_MAX

    @pytest.mark.parametrize(
        ("operation", "code"),
        [("create", "generic_decline"), ("capture", "charge_expired_for_capture")],
    )
    def test_refusal_is_not_retried(
        self, stripe: StripeSetup, sandbox: Sandbox, operation: str, code: str
    ) -> None:
        run = self.prepare(stripe, "open" if operation == "create" else operation)
        sandbox.schedule_fault("stripe", f"payments.{operation}", FaultMode.REFUSED)
        with pytest.raises(ProviderRefused) as refusal:
            run()
        assert refusal.value.code == code

    def prepare(self, stripe: StripeSetup, operation: str) -> Callable[[], Payment]:
        if operation == "open":
            return lambda: stripe.rail.create(stripe.payment_request())
        payment = stripe.rail.create(stripe.payment_request())
        finish = stripe.rail.capture if operation == "capture" else stripe.rail.release
        return lambda: finish(payment.provider_ref, stripe.reference)


class TestLists:
    def test_list_contains_every_page(self, stripe: StripeSetup, sandbox: Sandbox) -> None:
        sample = stripe.rail.create(stripe.payment_request())
        intent = sandbox.store.get("stripe", "payment_intent", sample.provider_ref)
        assert intent is not None
        later = clock.now() + timedelta(days=400)
        identifiers = [f"pi_{uuid4().hex}" for _ in range(205)]
        for identifier in identifiers:
            document = {**intent, "id": identifier, "created": int(later.timestamp())}
            sandbox.store.put("stripe", "payment_intent", identifier, document)
        try:
            payments = stripe.rail.payments(later)
        finally:
            for identifier in identifiers:
                sandbox.store.delete("stripe", "payment_intent", identifier)
        assert [payment.provider_ref for payment in payments] == identifiers[::-1]

    def test_search_finds_payment_older_than_the_list(
        self, stripe: StripeSetup, sandbox: Sandbox
    ) -> None:
        payment = stripe.rail.create(stripe.payment_request())
        intent = sandbox.store.get("stripe", "payment_intent", payment.provider_ref)
        assert intent is not None
        old = {**intent, "created": intent["created"] - 5 * 3600}
        sandbox.store.put("stripe", "payment_intent", payment.provider_ref, old)
        assert stripe.rail.find(stripe.reference) == payment
        assert stripe.rail.find("dep_unknown") is None

    def test_payment_that_is_not_ours_is_listed_without_reference(
        self, stripe: StripeSetup, sandbox: Sandbox
    ) -> None:
        response = httpx.post(
            f"{sandbox.url}/stripe/v1/payment_intents",
            data={
                "amount": "700", "currency": "usd", "capture_method": "manual",
                "payment_method": "pm_card_visa", "confirm": "true",
            },
            headers={"Authorization": f"Bearer {KEY}"},
        )  # fmt: skip
        payments = stripe.rail.payments(clock.now() - timedelta(minutes=1))
        foreign = [payment for payment in payments if payment.provider_ref == response.json()["id"]]
        assert [(payment.reference, payment.amount) for payment in foreign] == [
            ("", dollars("7.00"))
        ]


class TestDisputes:
    @pytest.fixture
    def paid(self, stripe: StripeSetup) -> Payment:
        payment = stripe.rail.create(stripe.payment_request())
        return stripe.rail.capture(payment.provider_ref, stripe.reference)

    @pytest.mark.parametrize("outcome", ["won", "lost"])
    def test_dispute_is_opened_and_closed(
        self, stripe: StripeSetup, sandbox: Sandbox, paid: Payment, outcome: str
    ) -> None:
        opened = sandbox.call_control("stripe", "/disputes", payment=paid.provider_ref)
        dispute = stripe.rail.dispute(opened["id"])
        assert dispute == Dispute(opened["id"], paid.provider_ref, "open", TEN, dollars("15.00"))
        assert dispute in stripe.rail.disputes(clock.now() - timedelta(minutes=1))
        sandbox.call_control("stripe", f"/disputes/{opened['id']}/close", outcome=outcome)
        closed = stripe.rail.dispute(opened["id"])
        assert (closed.state, closed.cost) == (outcome, dollars("15.00"))

    def test_partial_dispute_reports_its_amount(
        self, stripe: StripeSetup, sandbox: Sandbox, paid: Payment
    ) -> None:
        opened = sandbox.call_control("stripe", "/disputes", payment=paid.provider_ref, amount=250)
        assert stripe.rail.dispute(opened["id"]).amount == dollars("2.50")

    def test_inquiry_costs_nothing_until_escalated(
        self, stripe: StripeSetup, sandbox: Sandbox, paid: Payment
    ) -> None:
        payload = {"payment": paid.provider_ref, "inquiry": True}
        opened = sandbox.call_control("stripe", "/disputes", **payload)
        dispute = stripe.rail.dispute(opened["id"])
        assert (dispute.state, dispute.cost) == ("inquiry", Amount(USD, 0))
        sandbox.call_control("stripe", f"/disputes/{opened['id']}/close", outcome="escalated")
        dispute = stripe.rail.dispute(opened["id"])
        assert (dispute.state, dispute.cost) == ("open", dollars("15.00"))


class TestRefunds:
    def test_refunds_at_the_dashboard_are_listed_until_they_fail(
        self, stripe: StripeSetup, sandbox: Sandbox
    ) -> None:
        payment = stripe.rail.create(stripe.payment_request())
        paid = stripe.rail.capture(payment.provider_ref, stripe.reference)
        refs = [
            sandbox.call_control("stripe", "/refunds", payment=paid.provider_ref, amount=cents)[
                "id"
            ]
            for cents in (250, 100)
        ]
        for ref, amount in zip(refs, ("2.50", "1.00"), strict=True):
            refund = stripe.rail.refund(ref)
            assert refund == Dispute(
                ref, paid.provider_ref, "lost", dollars(amount), NO_COST, DisputeKind.REFUND
            )
            assert refund in stripe.rail.refunds(clock.now() - timedelta(minutes=1))
        sandbox.call_control("stripe", f"/refunds/{refs[0]}/fail")
        assert [stripe.rail.refund(ref).state for ref in refs] == ["won", "lost"]

    def test_refund_that_we_order_is_made_once_and_never_above_what_was_captured(
        self, stripe: StripeSetup
    ) -> None:
        payment = stripe.rail.create(stripe.payment_request())
        paid = stripe.rail.capture(payment.provider_ref, stripe.reference)
        made, again = (
            stripe.rail.make_refund(paid.provider_ref, dollars("4.00"), "crf_1") for _ in range(2)
        )
        assert made == again == stripe.rail.refund(made.provider_ref)
        assert (made.state, made.amount, made.reference) == ("lost", dollars("4.00"), "crf_1")
        assert made in stripe.rail.refunds(clock.now() - timedelta(minutes=1))
        too_much = paid.amount - dollars("3.99")
        with pytest.raises(ProviderRefused, match="charge_already_refunded"):
            stripe.rail.make_refund(paid.provider_ref, too_much, "crf_2")


def test_secrets_are_not_in_errors_call_log_or_output(
    database: Database, sandbox: Sandbox, capfd: pytest.CaptureFixture[str]
) -> None:
    key = "sk_test_unknown_key"
    stripe = StripeSetup(database, f"{sandbox.url}/stripe", key)
    card = f"pm_{uuid4().hex}"
    with pytest.raises(ProviderUnavailable) as refusal:
        stripe.rail.create(stripe.payment_request(card))
    with database.reading() as session:
        recorded_calls = session.rows(
            "SELECT * FROM provider_calls WHERE reference = %s", (stripe.reference,)
        )
    texts = [*traceback.format_exception(refusal.value), str(recorded_calls), *capfd.readouterr()]
    assert not [text for text in texts if key in text or card in text]


def test_unreadable_payment_has_unknown_outcome(
    stripe: StripeSetup, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = stripe.rail.create(stripe.payment_request())
    intent = sandbox.store.get("stripe", "payment_intent", payment.provider_ref)
    assert intent is not None
    wrong = [{"status": "new"}, {"amount": "1000"}, {"amount": 10.0}, {"currency": "eur"}]
    for change in [*wrong, {"metadata": 7}, {"id": None, "status": None}]:
        sandbox.store.put("stripe", "payment_intent", payment.provider_ref, {**intent, **change})
        stripe.rail._caller._breaker.close()
        with pytest.raises(ProviderOutcomeUnknown, match="cannot be read"):
            stripe.rail.fetch(payment.provider_ref)
    sandbox.store.put("stripe", "payment_intent", payment.provider_ref, intent)
