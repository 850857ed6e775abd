"""Stripe's webhooks: what it signed a moment ago is taken, and nothing else."""

import json
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app.config.providers import sandbox_secret
from app.integrations.stripe.webhook import StripeWebhookVerifier
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import MalformedRequest
from app.kit.tasks import _TASKS, Queue, Task
from app.providers.errors import WebhookSignatureInvalid
from app.providers.ports import ProviderEvent, WebhookDelivery
from sandbox.faults import FaultMode
from sandbox.keys import timed_signature
from tests.integrations.test_stripe import Desk
from tests.provider_sandbox import Sandbox
from tests.unchanged_database import database_unchanged

SECRET = f"whsec_{sandbox_secret('stripe webhook')}"
BODY = json.dumps(
    {"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}}
).encode()


def deliver(
    body: bytes = BODY, *, signed: bytes = BODY, secret: str = SECRET, late: int = 0, of: str = ""
) -> list[ProviderEvent]:
    header = of or timed_signature(secret, signed, at=clock.now().timestamp() - late)
    delivery = WebhookDelivery("http://here/webhooks/stripe", {"stripe-signature": header}, body)
    return StripeWebhookVerifier((SECRET,)).verify(delivery)


def test_a_genuine_one_names_what_changed() -> None:
    assert deliver() == [
        ProviderEvent("evt_1", "payment_intent.succeeded", "pi_1", "funding.payment_changed")
    ]
    body = BODY.replace(b"payment_intent.succeeded", b"charge.dispute.created")
    assert deliver(body, signed=body) == [
        ProviderEvent("evt_1", "charge.dispute.created", "pi_1", "funding.dispute_changed")
    ]
    assert deliver(late=-299) == deliver(late=299) == deliver()


def test_what_does_not_concern_us_is_no_event() -> None:
    body = BODY.replace(b"payment_intent.succeeded", b"payout.paid")
    assert deliver(body, signed=body) == []


@pytest.mark.parametrize(
    "given",
    [
        {"secret": "whsec_another"},
        {"secret": ""},
        {"late": 301},
        {"late": -301},
        {"body": BODY.replace(b"pi_1", b"pi_2")},
        {"body": json.dumps(json.loads(BODY), separators=(",", ":")).encode()},
        {"body": BODY + b"\n"},
        {"of": "t=1,v1="},
        {"of": "v1=00"},
        {"of": "nonsense"},
        {"of": "t=٣,v1=é"},
        {"of": "t=99999999999999999999,v1=00"},
    ],
)
def test_anything_else_is_forged(given: dict[str, object]) -> None:
    with pytest.raises(WebhookSignatureInvalid):
        deliver(**given)


def test_a_header_of_another_scheme_or_moment_is_forged() -> None:
    header = timed_signature(SECRET, BODY, at=clock.now().timestamp())
    moment, _, signature = header.partition(",v1=")
    later = f"t={int(moment[2:]) + 1}"
    for wrong in (
        f"{moment},v0={signature}",
        f"{later},v1={signature}",
        f"{moment},{later},v1={signature}",
        f"{moment},v1={signature.upper()}",
    ):
        with pytest.raises(WebhookSignatureInvalid):
            deliver(of=wrong)


def test_the_signature_may_not_stand_in_another_header() -> None:
    header = timed_signature(SECRET, BODY, at=clock.now().timestamp())
    with pytest.raises(WebhookSignatureInvalid):
        StripeWebhookVerifier((SECRET,)).verify(WebhookDelivery("", {"x-signature": header}, BODY))


def test_two_secrets_are_known_while_one_replaces_the_other() -> None:
    verifier = StripeWebhookVerifier(("whsec_new", SECRET))
    at = clock.now().timestamp()
    of_old, of_new = (timed_signature(key, BODY, at=at) for key in (SECRET, "whsec_new"))
    both = f"{of_old},{of_new.partition(',')[2]}"
    for header in (of_old, of_new, both):
        assert verifier.verify(WebhookDelivery("", {"stripe-signature": header}, BODY))
    with pytest.raises(WebhookSignatureInvalid):
        StripeWebhookVerifier(("whsec_new",)).verify(
            WebhookDelivery("", {"stripe-signature": of_old}, BODY)
        )


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'{"id": 1}', b"[" * 100_000])
def test_what_is_signed_and_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        deliver(body, signed=body)


class TestDelivered:
    """From the sandbox to the edge."""

    @pytest.fixture(autouse=True)
    def _staged_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What funding makes of it is told in its own tests."""
        name = "funding.payment_changed"
        monkeypatch.setitem(_TASKS, name, Task(name, Queue.DEFAULT, lambda *_, **__: None))

    @pytest.fixture
    def database(self, open_app: Flask) -> Database:
        database: Database = open_app.extensions["database"]
        return database

    @pytest.fixture
    def desk(self, database: Database, sandbox: Sandbox) -> Desk:
        for delivery in sandbox.webhooks.all():
            sandbox.store.delete("_sandbox", "deliveries", delivery.id)
        return Desk(database, f"{sandbox.url}/stripe")

    def test_it_is_kept_and_staged(
        self, open_app: Flask, database: Database, desk: Desk, sandbox: Sandbox
    ) -> None:
        opened = desk.rail.create(desk.ask())
        assert sandbox.deliver_webhooks(open_app.test_client()) == [204]
        with database.reading() as session:
            [(event, kind, task)] = session.rows(
                "SELECT e.id::text, e.kind, o.task FROM webhook_events e"
                " JOIN outbox o ON o.args ->> 'event_id' = e.id::text WHERE subject = %s",
                (opened.provider_ref,),
            )
        assert (kind, task) == (
            "payment_intent.amount_capturable_updated",
            "funding.payment_changed",
        )
        assert event

    @pytest.mark.parametrize("mode", [FaultMode.FORGED, FaultMode.TAMPERED, FaultMode.STALE])
    def test_what_is_not_genuine_changes_nothing(
        self, open_app: Flask, database: Database, desk: Desk, sandbox: Sandbox, mode: FaultMode
    ) -> None:
        sandbox.schedule_fault("stripe", "webhook", mode)
        desk.rail.create(desk.ask())
        client = open_app.test_client()
        with database_unchanged(database):
            assert sandbox.deliver_webhooks(client) == [403]

    def test_a_late_repetition_is_signed_anew(
        self, open_app: Flask, desk: Desk, sandbox: Sandbox
    ) -> None:
        sandbox.schedule_fault("stripe", "webhook", FaultMode.LATE, seconds=3600)
        desk.rail.create(desk.ask())
        client = open_app.test_client()
        assert sandbox.deliver_webhooks(client) == []
        with time_machine.travel(clock.now() + timedelta(hours=1, seconds=5)):
            assert sandbox.deliver_webhooks(client) == [204]
