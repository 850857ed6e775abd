"""Payments by card over Stripe's protocol, as the sandbox plays it."""

import traceback
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from app.catalog.provider_ids import STRIPE
from app.catalog.rules import USD
from app.config.providers import sandbox_secret
from app.funding.ports import CardRail, Dispute, Payment, PaymentRequest, PaymentState
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
#: A call that ends so may have been carried out.
UNCERTAIN = (
    FaultMode.HANG_UP_BEFORE,
    FaultMode.HANG_UP_AFTER,
    FaultMode.ERROR_BEFORE,
    FaultMode.ERROR_AFTER,
    FaultMode.DOWN,
    FaultMode.GARBAGE,
)


def dollars(text: str) -> Amount:
    return Amount.parse(USD, text)


class Desk:
    """A rail, and a fresh payment to ask for."""

    def __init__(self, database: Database, url: str, key: str = KEY, timeout: float = 5) -> None:
        self.database = database
        client = StripeClient(url, key, timeout_seconds=timeout)
        self.rail = StripeRail(client, ProviderCaller("stripe", CallLog(database)))
        self.reference = ids.encode("dep", ids.new())

    def ask(self, source: str = "pm_card_visa", amount: Amount = TEN) -> PaymentRequest:
        return PaymentRequest(self.reference, amount, source)

    def outcomes(self) -> list[object]:
        with self.database.reading() as session:
            rows = session.rows(
                "SELECT outcome FROM provider_calls WHERE reference = %s ORDER BY id",
                (self.reference,),
            )
        return [outcome for (outcome,) in rows]


@pytest.fixture
def desk(database: Database, sandbox: Sandbox) -> Desk:
    return Desk(database, f"{sandbox.url}/stripe")


@pytest.fixture
def known(sandbox: Sandbox, desk: Desk) -> Callable[[], list[str]]:
    """How the payments of the desk's reference stand at Stripe."""

    def find() -> list[str]:
        intents = sandbox.store.find("stripe", "payment_intent")
        return [
            each["status"] for each in intents if each["metadata"] == {"reference": desk.reference}
        ]

    return find


Known = Callable[[], list[str]]


class TestPayments:
    def test_is_authorised_then_taken(self, desk: Desk) -> None:
        opened = desk.rail.create(desk.ask())
        assert opened == Payment(
            opened.provider_ref, desk.reference, PaymentState.AUTHORISED, TEN, None, "", {}
        )
        assert desk.rail.fetch(opened.provider_ref) == opened
        taken = desk.rail.capture(opened.provider_ref, desk.reference)
        assert (taken.state, taken.amount, taken.cost) == (
            PaymentState.PAID,
            TEN,
            dollars("0.59"),  # 2.9 % and 30 cents
        )
        assert desk.rail.find(desk.reference) == taken
        assert taken in desk.rail.payments(clock.now() - timedelta(minutes=1))
        assert desk.outcomes() == ["answered"] * 3

    def test_is_given_up(self, desk: Desk, known: Known) -> None:
        opened = desk.rail.create(desk.ask())
        given_up = desk.rail.release(opened.provider_ref, desk.reference)
        assert (given_up.state, given_up.code) == (PaymentState.FAILED, "canceled")
        assert known() == ["canceled"]

    def test_what_arrived_counts(self, desk: Desk, sandbox: Sandbox) -> None:
        opened = desk.rail.create(desk.ask())
        sandbox.schedule_fault("stripe", "payments.capture", FaultMode.WRONG_AMOUNT)
        taken = desk.rail.capture(opened.provider_ref, desk.reference)
        assert taken.amount == dollars("9.99")

    def test_is_a_capturing_rail(self, desk: Desk) -> None:
        assert isinstance(desk.rail, CardRail)
        assert (desk.rail.name, desk.rail.provider_id, desk.rail.repeatable) == (
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
    def test_a_card_is_declined(self, desk: Desk, known: Known, card: str, code: str) -> None:
        for _ in range(2):
            with pytest.raises(ProviderRefused) as refused:
                desk.rail.create(desk.ask(card))
            assert (refused.value.code, refused.value.reason) == (code, "Your card was declined.")
        assert known() == ["requires_payment_method"]
        found = desk.rail.find(desk.reference)
        assert found is not None
        assert (found.state, found.code) == (PaymentState.FAILED, code)
        assert desk.outcomes()[:2] == ["refused"] * 2

    @pytest.mark.parametrize(
        ("amount", "card", "code"),
        [(TEN, "pm_nobody", "resource_missing"), (Amount(USD, 49), "", "amount_too_small")],
    )
    def test_what_makes_no_sense_is_refused(
        self, desk: Desk, known: Known, amount: Amount, card: str, code: str
    ) -> None:
        with pytest.raises(ProviderRefused) as refused:
            desk.rail.create(desk.ask(card or "pm_card_visa", amount))
        assert (refused.value.code, refused.value.reason) == (code, "")
        assert known() == []

    @pytest.mark.parametrize(
        ("success", "state", "code"),
        [
            (True, PaymentState.AUTHORISED, ""),
            (False, PaymentState.FAILED, "payment_intent_authentication_failure"),
        ],
    )
    def test_a_bank_asks_the_customer(
        self, desk: Desk, sandbox: Sandbox, *, success: bool, state: PaymentState, code: str
    ) -> None:
        opened = desk.rail.create(desk.ask("pm_card_authenticationRequired"))
        assert opened.state is PaymentState.PENDING
        assert opened.instructions["client_secret"].startswith(opened.provider_ref)
        assert opened.instructions["status"] == "requires_action"
        path = f"/payments/{opened.provider_ref}/authenticate"
        sandbox.call_control("stripe", path, success=success)
        looked = desk.rail.fetch(opened.provider_ref)
        assert (looked.state, looked.code, looked.instructions) == (state, code, {})


class TestRepetition:
    def test_opens_once(self, desk: Desk, known: Known) -> None:
        first = desk.rail.create(desk.ask())
        assert desk.rail.create(desk.ask()) == first
        assert known() == ["requires_capture"]

    def test_with_another_amount_is_refused(self, desk: Desk, known: Known) -> None:
        desk.rail.create(desk.ask())
        with pytest.raises(ProviderRefused, match="idempotency_error"):
            desk.rail.create(desk.ask(amount=dollars("11.00")))
        assert known() == ["requires_capture"]

    def test_takes_once_even_when_keys_are_forgotten(self, desk: Desk, sandbox: Sandbox) -> None:
        opened = desk.rail.create(desk.ask())
        taken = desk.rail.capture(opened.provider_ref, desk.reference)
        assert desk.rail.capture(opened.provider_ref, desk.reference) == taken
        sandbox.store.delete("stripe", "idempotency_key", f"{desk.reference}:capture")
        assert desk.rail.capture(opened.provider_ref, desk.reference) == taken
        with pytest.raises(ProviderRefused, match="payment_intent_unexpected_state"):
            desk.rail.release(opened.provider_ref, desk.reference)
        assert desk.rail.fetch(opened.provider_ref) == taken

    def test_gives_up_once(self, desk: Desk, sandbox: Sandbox, known: Known) -> None:
        opened = desk.rail.create(desk.ask())
        given_up = desk.rail.release(opened.provider_ref, desk.reference)
        sandbox.store.delete("stripe", "idempotency_key", f"{desk.reference}:release")
        assert desk.rail.release(opened.provider_ref, desk.reference) == given_up
        with pytest.raises(ProviderRefused, match="payment_intent_unexpected_state"):
            desk.rail.capture(opened.provider_ref, desk.reference)
        assert known() == ["canceled"]


class TestFaults:
    """Every call that moves value, when it goes wrong."""

    @pytest.mark.parametrize("mode", UNCERTAIN)
    @pytest.mark.parametrize("operation", ["open", "capture", "release"])
    def test_once_is_healed(
        self, desk: Desk, sandbox: Sandbox, known: Known, operation: str, mode: FaultMode
    ) -> None:
        done = self.prepared(desk, operation)
        name = {"open": "create", "release": "cancel"}.get(operation, operation)
        sandbox.schedule_fault("stripe", f"payments.{name}", mode)
        payment = done()
        assert desk.rail.fetch(payment.provider_ref) == payment
        assert known() == [
            {"open": "requires_capture", "capture": "succeeded", "release": "canceled"}[operation]
        ]
        assert desk.outcomes()[-2:] == ["unknown", "answered"]

    @pytest.mark.parametrize(
        ("mode", "standing"),
        [(FaultMode.HANG_UP_BEFORE, []), (FaultMode.HANG_UP_AFTER, ["requires_capture"])],
    )
    def test_lasting_is_unknown_until_asked(
        self, desk: Desk, sandbox: Sandbox, known: Known, mode: FaultMode, standing: list[str]
    ) -> None:
        sandbox.schedule_fault("stripe", "payments.create", mode, times=ATTEMPTS_MAX)
        with pytest.raises(ProviderOutcomeUnknown):
            desk.rail.create(desk.ask())
        assert known() == standing
        found = desk.rail.find(desk.reference)
        assert (found is not None) == bool(standing)
        again = desk.rail.create(desk.ask())
        assert found in (None, again)
        assert known() == ["requires_capture"]

    @pytest.mark.parametrize("mode", [FaultMode.TIMEOUT_BEFORE, FaultMode.TIMEOUT_AFTER])
    def test_no_answer_in_time(
        self, database: Database, sandbox: Sandbox, mode: FaultMode, known: Known, desk: Desk
    ) -> None:
        hasty = Desk(database, f"{sandbox.url}/stripe", timeout=0.5)
        hasty.reference = desk.reference
        sandbox.schedule_fault("stripe", "payments.create", mode, seconds=0.8)
        opened = hasty.rail.create(hasty.ask())
        assert opened.state is PaymentState.AUTHORISED
        assert known() == ["requires_capture"]
        assert hasty.outcomes()[0] == "unknown"

    def test_nobody_there(self, database: Database) -> None:
        desk = Desk(database, "http://127.0.0.1:9/stripe")
        with pytest.raises(ProviderUnavailable):
            desk.rail.create(desk.ask())
        assert desk.outcomes() == ["away"] * ATTEMPTS_MAX

    @pytest.mark.parametrize(
        ("operation", "code"),
        [("create", "generic_decline"), ("capture", "charge_expired_for_capture")],
    )
    def test_a_refusal_is_final(
        self, desk: Desk, sandbox: Sandbox, operation: str, code: str
    ) -> None:
        done = self.prepared(desk, "open" if operation == "create" else operation)
        sandbox.schedule_fault("stripe", f"payments.{operation}", FaultMode.REFUSED)
        with pytest.raises(ProviderRefused) as refused:
            done()
        assert refused.value.code == code

    def prepared(self, desk: Desk, operation: str) -> Callable[[], Payment]:
        if operation == "open":
            return lambda: desk.rail.create(desk.ask())
        opened = desk.rail.create(desk.ask())
        end = desk.rail.capture if operation == "capture" else desk.rail.release
        return lambda: end(opened.provider_ref, desk.reference)


class TestLists:
    def test_come_in_pages_whole(self, desk: Desk, sandbox: Sandbox) -> None:
        sample = desk.rail.create(desk.ask())
        intent = sandbox.store.get("stripe", "payment_intent", sample.provider_ref)
        assert intent is not None
        later = clock.now() + timedelta(days=400)
        made = [f"pi_{uuid4().hex}" for _ in range(205)]
        for identifier in made:
            document = {**intent, "id": identifier, "created": int(later.timestamp())}
            sandbox.store.put("stripe", "payment_intent", identifier, document)
        try:
            listed = desk.rail.payments(later)
        finally:
            for identifier in made:
                sandbox.store.delete("stripe", "payment_intent", identifier)
        assert [each.provider_ref for each in listed] == made[::-1]

    def test_the_search_finds_older_ones(self, desk: Desk, sandbox: Sandbox) -> None:
        opened = desk.rail.create(desk.ask())
        intent = sandbox.store.get("stripe", "payment_intent", opened.provider_ref)
        assert intent is not None
        old = {**intent, "created": intent["created"] - 5 * 3600}
        sandbox.store.put("stripe", "payment_intent", opened.provider_ref, old)
        assert desk.rail.find(desk.reference) == opened
        assert desk.rail.find("dep_of_nobody") is None

    def test_payments_that_are_not_ours_are_told(self, desk: Desk, sandbox: Sandbox) -> None:
        answer = httpx.post(
            f"{sandbox.url}/stripe/v1/payment_intents",
            data={
                "amount": "700", "currency": "usd", "capture_method": "manual",
                "payment_method": "pm_card_visa", "confirm": "true",
            },
            headers={"Authorization": f"Bearer {KEY}"},
        )  # fmt: skip
        listed = desk.rail.payments(clock.now() - timedelta(minutes=1))
        strange = [each for each in listed if each.provider_ref == answer.json()["id"]]
        assert [(each.reference, each.amount) for each in strange] == [("", dollars("7.00"))]


class TestDisputes:
    @pytest.fixture
    def paid(self, desk: Desk) -> Payment:
        opened = desk.rail.create(desk.ask())
        return desk.rail.capture(opened.provider_ref, desk.reference)

    @pytest.mark.parametrize("outcome", ["won", "lost"])
    def test_are_opened_and_closed(
        self, desk: Desk, sandbox: Sandbox, paid: Payment, outcome: str
    ) -> None:
        opened = sandbox.call_control("stripe", "/disputes", payment=paid.provider_ref)
        dispute = desk.rail.dispute(opened["id"])
        assert dispute == Dispute(opened["id"], paid.provider_ref, "open", TEN, dollars("15.00"))
        assert dispute in desk.rail.disputes(clock.now() - timedelta(minutes=1))
        sandbox.call_control("stripe", f"/disputes/{opened['id']}/close", outcome=outcome)
        closed = desk.rail.dispute(opened["id"])
        assert (closed.state, closed.cost) == (outcome, dollars("15.00"))

    def test_a_part_may_be_disputed(self, desk: Desk, sandbox: Sandbox, paid: Payment) -> None:
        opened = sandbox.call_control("stripe", "/disputes", payment=paid.provider_ref, amount=250)
        assert desk.rail.dispute(opened["id"]).amount == dollars("2.50")

    def test_an_inquiry_takes_nothing(self, desk: Desk, sandbox: Sandbox, paid: Payment) -> None:
        asked = {"payment": paid.provider_ref, "inquiry": True}
        opened = sandbox.call_control("stripe", "/disputes", **asked)
        dispute = desk.rail.dispute(opened["id"])
        assert (dispute.state, dispute.cost) == ("inquiry", Amount(USD, 0))
        sandbox.call_control("stripe", f"/disputes/{opened['id']}/close", outcome="escalated")
        dispute = desk.rail.dispute(opened["id"])
        assert (dispute.state, dispute.cost) == ("open", dollars("15.00"))


def test_no_secret_is_told(
    database: Database, sandbox: Sandbox, capfd: pytest.CaptureFixture[str]
) -> None:
    key = "sk_test_not_the_key_of_anybody"
    desk = Desk(database, f"{sandbox.url}/stripe", key)
    card = f"pm_{uuid4().hex}"
    with pytest.raises(ProviderUnavailable) as refused:
        desk.rail.create(desk.ask(card))
    with database.reading() as session:
        noted = session.rows("SELECT * FROM provider_calls WHERE reference = %s", (desk.reference,))
    told = [*traceback.format_exception(refused.value), str(noted), *capfd.readouterr()]
    assert not [text for text in told if key in text or card in text]


def test_an_answer_that_lacks_something_is_no_answer(
    desk: Desk, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = desk.rail.create(desk.ask())
    intent = sandbox.store.get("stripe", "payment_intent", opened.provider_ref)
    assert intent is not None
    wrong = [{"status": "new"}, {"amount": "1000"}, {"amount": 10.0}, {"currency": "eur"}]
    for change in [*wrong, {"metadata": 7}, {"id": None, "status": None}]:
        sandbox.store.put("stripe", "payment_intent", opened.provider_ref, {**intent, **change})
        desk.rail._caller._breaker.close()
        with pytest.raises(ProviderOutcomeUnknown, match="cannot be read"):
            desk.rail.fetch(opened.provider_ref)
    sandbox.store.put("stripe", "payment_intent", opened.provider_ref, intent)
