"""Stripe's webhooks: only what Stripe signed a moment ago is accepted."""

import json
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app.config.providers import sandbox_secret
from app.funding.ports import DisputeChanged, PaymentChanged, RefundChanged
from app.integrations.stripe.webhook import StripeWebhookVerifier
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import MalformedRequest
from app.kit.tasks import _TASKS, Queue, Task
from app.providers.errors import WebhookSignatureInvalid
from app.providers.ports import ProviderEvent, WebhookDelivery
from sandbox.faults import FaultMode
from sandbox.keys import timed_signature
from tests.integrations.test_stripe import StripeSetup
from tests.provider_sandbox import Sandbox
from tests.unchanged_database import database_unchanged

SECRET = f"whsec_{sandbox_secret('stripe webhook')}"
BODY = json.dumps(
    {"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}}
).encode()


def deliver(
    body: bytes = BODY,
    *,
    signed: bytes = BODY,
    secret: str = SECRET,
    late: int = 0,
    header_text: str = "",
) -> list[ProviderEvent]:
    header = header_text or timed_signature(secret, signed, at=clock.now().timestamp() - late)
    delivery = WebhookDelivery("http://here/webhooks/stripe", {"stripe-signature": header}, body)
    return StripeWebhookVerifier((SECRET,)).verify(delivery)


def test_genuine_webhook_becomes_event_with_its_fact() -> None:
    assert deliver() == [ProviderEvent("evt_1", "payment_intent.succeeded", "pi_1", PaymentChanged)]
    facts = {"charge.dispute.created": DisputeChanged, "refund.created": RefundChanged}
    for kind, fact in facts.items():
        body = BODY.replace(b"payment_intent.succeeded", kind.encode())
        assert deliver(body, signed=body) == [ProviderEvent("evt_1", kind, "pi_1", fact)]
    assert deliver(late=-299) == deliver(late=299) == deliver()


def test_webhook_of_a_charge_is_about_its_payment() -> None:
    for payment, subjects in (("pi_1", ["pi_1"]), (None, [])):
        charge = {"id": "ch_1", "payment_intent": payment}
        event = {"id": "evt_1", "type": "charge.updated", "data": {"object": charge}}
        body = json.dumps(event).encode()
        assert [each.subject for each in deliver(body, signed=body)] == subjects


def test_webhook_of_another_kind_is_ignored() -> None:
    body = BODY.replace(b"payment_intent.succeeded", b"payout.paid")
    assert deliver(body, signed=body) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": "whsec_another"},
        {"secret": ""},
        {"late": 301},
        {"late": -301},
        {"body": BODY.replace(b"pi_1", b"pi_2")},
        {"body": json.dumps(json.loads(BODY), separators=(",", ":")).encode()},
        {"body": BODY + b"\n"},
        {"header_text": "t=1,v1="},
        {"header_text": "v1=00"},
        {"header_text": "nonsense"},
        {"header_text": "t=٣,v1=é"},
        {"header_text": "t=99999999999999999999,v1=00"},
    ],
)
def test_webhook_with_wrong_signature_or_body_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(WebhookSignatureInvalid):
        deliver(**changes)


def test_header_with_another_scheme_or_time_is_refused() -> None:
    header = timed_signature(SECRET, BODY, at=clock.now().timestamp())
    time, _, signature = header.partition(",v1=")
    later = f"t={int(time[2:]) + 1}"
    for wrong in (
        f"{time},v0={signature}",
        f"{later},v1={signature}",
        f"{time},{later},v1={signature}",
        f"{time},v1={signature.upper()}",
    ):
        with pytest.raises(WebhookSignatureInvalid):
            deliver(header_text=wrong)


def test_signature_in_another_header_is_refused() -> None:
    header = timed_signature(SECRET, BODY, at=clock.now().timestamp())
    with pytest.raises(WebhookSignatureInvalid):
        StripeWebhookVerifier((SECRET,)).verify(WebhookDelivery("", {"x-signature": header}, BODY))


def test_both_secrets_are_valid_during_rotation() -> None:
    verifier = StripeWebhookVerifier(("whsec_new", SECRET))
    at = clock.now().timestamp()
    old_header, new_header = (timed_signature(key, BODY, at=at) for key in (SECRET, "whsec_new"))
    both_headers = f"{old_header},{new_header.partition(',')[2]}"
    for header in (old_header, new_header, both_headers):
        assert verifier.verify(WebhookDelivery("", {"stripe-signature": header}, BODY))
    with pytest.raises(WebhookSignatureInvalid):
        StripeWebhookVerifier(("whsec_new",)).verify(
            WebhookDelivery("", {"stripe-signature": old_header}, BODY)
        )


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'{"id": 1}', b"[" * 100_000])
def test_unreadable_signed_body_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        deliver(body, signed=body)


class TestDelivered:
    """Webhooks from the sandbox to the webhook route."""

    @pytest.fixture(autouse=True)
    def _stub_task(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Replace the task: the tests of funding cover it."""
        name = "funding.payment_changed"
        monkeypatch.setitem(_TASKS, name, Task(name, Queue.PAYMENTS, lambda *_, **__: None))

    @pytest.fixture
    def stripe(self, open_app: Flask, database: Database, sandbox: Sandbox) -> StripeSetup:
        for webhook in sandbox.webhooks.all():
            sandbox.store.delete("_sandbox", "deliveries", webhook.id)
        return StripeSetup(database, f"{sandbox.url}/stripe")

    def test_webhook_is_stored_and_its_task_staged(
        self, open_app: Flask, database: Database, stripe: StripeSetup, sandbox: Sandbox
    ) -> None:
        payment = stripe.rail.create(stripe.payment_request())
        assert sandbox.deliver_webhooks(open_app.test_client()) == [204]
        with database.reading() as session:
            [(event, kind, task)] = session.rows(
                "SELECT e.id::text, e.kind, o.task FROM webhook_events e"
                " JOIN outbox o ON o.args ->> 'event_id' = e.id::text WHERE subject = %s",
                (payment.provider_ref,),
            )
        assert (kind, task) == (
            "payment_intent.amount_capturable_updated",
            "funding.payment_changed",
        )
        assert event

    @pytest.mark.parametrize("mode", [FaultMode.FORGED, FaultMode.TAMPERED, FaultMode.STALE])
    def test_webhook_with_invalid_signature_changes_nothing(
        self,
        open_app: Flask,
        database: Database,
        stripe: StripeSetup,
        sandbox: Sandbox,
        mode: FaultMode,
    ) -> None:
        sandbox.schedule_fault("stripe", "webhook", mode)
        stripe.rail.create(stripe.payment_request())
        client = open_app.test_client()
        with database_unchanged(database):
            assert sandbox.deliver_webhooks(client) == [403]

    def test_late_webhook_is_signed_when_it_is_sent(
        self, open_app: Flask, stripe: StripeSetup, sandbox: Sandbox
    ) -> None:
        sandbox.schedule_fault("stripe", "webhook", FaultMode.LATE, seconds=3600)
        stripe.rail.create(stripe.payment_request())
        client = open_app.test_client()
        assert sandbox.deliver_webhooks(client) == []
        with time_machine.travel(clock.now() + timedelta(hours=1, seconds=5)):
            assert sandbox.deliver_webhooks(client) == [204]
