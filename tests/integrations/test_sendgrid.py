"""Email through SendGrid against the sandbox, and its delivery events."""

import base64
import json
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from flask.testing import FlaskClient

from app.access import Actor
from app.identity.models import User
from app.integrations import registry
from app.integrations.messaging import choose_email_sender
from app.integrations.sendgrid.adapter import SendGridEmailSender
from app.integrations.sendgrid.webhook import SendGridWebhookVerifier
from app.integrations.smtp.adapter import SmtpEmailSender, UnconfiguredEmailSender
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import MalformedRequest
from app.kit.ports import provide
from app.messages import email_delivery
from app.messages.ports import EmailAttachment, EmailSender, OutgoingEmail
from app.providers.errors import (
    ProviderOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    WebhookSignatureInvalid,
)
from app.providers.ports import WebhookDelivery
from sandbox.faults import FaultMode
from tests.messages.test_service import VALUES
from tests.people import People
from tests.provider_sandbox import Sandbox
from tests.rows import change_rows


@pytest.fixture
def email_sender(app: Flask, database: Database, sandbox: Sandbox) -> EmailSender:
    sections = [section.load() for section in registry.SECTIONS]
    sender = registry.connect(app.extensions["settings"], sections, database).email
    assert sender is not None
    provide(EmailSender, sender)
    return sender


@pytest.fixture
def webhook_client(app: Flask, sandbox: Sandbox) -> FlaskClient:
    client = app.test_client()
    sandbox.deliver_webhooks(client)
    return client


def outgoing(recipient: str = "ada@example.com") -> OutgoingEmail:
    text, html = "In text", "<p>In HTML</p>"
    attached = (EmailAttachment("INV-1.pdf", "application/pdf", b"%PDF-1.7"),)
    reply_to = "support@pbcex.example"
    return OutgoingEmail(uuid4(), recipient, "Grüße", text, html, reply_to, attached)


def accepted_emails(sandbox: Sandbox, email: OutgoingEmail) -> list[dict]:
    emails = sandbox.store.find("sendgrid", "mails")
    return [stored for stored in emails if stored["custom_args"]["pbcex_mail"] == str(email.id)]


class TestSend:
    def test_email_has_the_same_content_as_by_smtp(
        self, email_sender: EmailSender, sandbox: Sandbox
    ) -> None:
        email = outgoing()
        email_sender.send(email)
        [stored] = accepted_emails(sandbox, email)
        assert (stored["to"], stored["subject"]) == ("ada@example.com", "Grüße")
        assert stored["from"] == {"email": "no-reply@pbcex.local", "name": "PBCEx"}
        assert stored["reply_to"] == {"email": "support@pbcex.example"}
        assert stored["content"] == {"text/plain": "In text\n", "text/html": "<p>In HTML</p>"}
        assert stored["attachments"] == [
            {"name": "INV-1.pdf", "type": "application/pdf", "bytes": 8}
        ]
        assert stored["headers"] == {
            "Message-ID": f"<{email.id.hex}@pbcex.local>",
            "Auto-Submitted": "auto-generated",
        }

    @pytest.mark.parametrize(
        ("mode", "error"),
        [
            (FaultMode.REFUSED, ProviderRefused),
            (FaultMode.DOWN, ProviderOutcomeUnknown),
            (FaultMode.HANG_UP_AFTER, ProviderOutcomeUnknown),
            (FaultMode.ERROR_BEFORE, ProviderOutcomeUnknown),
        ],
    )
    def test_fault_raises_our_error_without_address(
        self, email_sender: EmailSender, sandbox: Sandbox, mode, error
    ) -> None:
        sandbox.schedule_fault("sendgrid", "mail.send", mode)
        with pytest.raises(error) as raised:
            email_sender.send(outgoing())
        assert "ada" not in str(raised.value)

    def test_rejected_key_makes_sendgrid_unavailable(
        self, email_sender, sandbox, monkeypatch
    ) -> None:
        monkeypatch.setattr("sandbox.providers.sendgrid.KEY", "another")
        with pytest.raises(ProviderUnavailable, match="HTTP 401"):
            email_sender.send(outgoing())

    def test_settings_choose_the_email_sender(self, app: Flask, email_sender) -> None:
        settings = app.extensions["settings"]
        sendgrid = settings.model_copy(update={"mailer": "sendgrid"})
        smtp = settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:25"})
        without_url = settings.model_copy(update={"smtp_url": ""})
        assert [
            type(choose_email_sender(sendgrid, email_sender)),
            type(choose_email_sender(sendgrid, None)),
            type(choose_email_sender(smtp, email_sender)),
            type(choose_email_sender(without_url, email_sender)),
        ] == [
            SendGridEmailSender,
            UnconfiguredEmailSender,
            SmtpEmailSender,
            UnconfiguredEmailSender,
        ]


class TestEvents:
    @pytest.fixture
    def person(self, people: People) -> Actor:
        return people.customer()

    def send_email(self, database: Database, person: Actor, address: str) -> None:
        with database.transaction() as session:
            email = f"{address}-{uuid4().hex}@example.com"
            change_rows(session, User, User.id == person.user_id, email=email)
        email_delivery.send_email(
            database, user_id=str(person.user_id), kind="trade_confirmed",
            event_key="trade_confirmed:1", values=VALUES,
        )  # fmt: skip

    def recorded_status(self, database: Database, person: Actor) -> str | None:
        """Return the recorded delivery status after handling the person's events, each twice."""
        with database.reading() as session:
            events = session.rows(
                "SELECT w.id FROM webhook_events w JOIN mails m ON m.id::text = w.subject"
                " WHERE m.user_id = %s AND w.provider = 'sendgrid'",
                (person.user_id,),
            )
        for (event_id,) in events * 2:
            with database.transaction() as session:
                email_delivery.record_email_event(session, event_id)
        with database.reading() as session:
            row = session.row("SELECT delivery FROM mails WHERE user_id = %s", (person.user_id,))
        assert row is not None
        return row[0]

    @pytest.mark.parametrize(
        ("address", "delivery"),
        [
            ("ada", "delivered"),
            ("bounce", "bounced"),
            ("blocked", "undelivered"),
            ("dropped", "undelivered"),
        ],
    )
    def test_delivery_status_is_recorded(
        self, email_sender, sandbox, webhook_client, database, person, address, delivery
    ) -> None:
        self.send_email(database, person, address)
        assert sandbox.deliver_webhooks(webhook_client) == [204]
        assert self.recorded_status(database, person) == delivery

    @pytest.mark.parametrize("mode", [FaultMode.FORGED, FaultMode.TAMPERED, FaultMode.STALE])
    def test_webhook_with_invalid_signature_is_refused(
        self, email_sender, sandbox, webhook_client, database, person, mode
    ) -> None:
        sandbox.schedule_fault("sendgrid", "webhook", mode)
        self.send_email(database, person, "ada")
        assert sandbox.deliver_webhooks(webhook_client) == [403]
        assert self.recorded_status(database, person) is None

    def test_delivered_does_not_replace_a_bounce(
        self, email_sender, sandbox, webhook_client, database, person
    ) -> None:
        self.send_email(database, person, "bounce")
        sandbox.deliver_webhooks(webhook_client)
        assert self.recorded_status(database, person) == "bounced"
        with database.transaction() as session:
            row = session.row("SELECT id FROM mails WHERE user_id = %s", (person.user_id,))
            assert row is not None
            email_delivery._LOG.record_delivery(
                session, row[0], email_delivery.DeliveryStatus.DELIVERED, clock.now()
            )
        assert self.recorded_status(database, person) == "bounced"


class TestSignature:
    """Events signed by the test's own key, without the sandbox."""

    KEY = ec.generate_private_key(ec.SECP256R1())

    @pytest.fixture
    def verifier(self) -> SendGridWebhookVerifier:
        public = self.KEY.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return SendGridWebhookVerifier(base64.b64encode(public).decode())

    def delivery(self, body: bytes, **headers: str) -> WebhookDelivery:
        timestamp = str(int(clock.now().timestamp()))
        signature = self.KEY.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        prefix = "x-twilio-email-event-webhook-"
        values = {
            "signature": base64.b64encode(signature).decode(),
            "timestamp": timestamp,
            **headers,
        }
        prefixed = {f"{prefix}{name}": value for name, value in values.items()}
        return WebhookDelivery("http://localhost/webhooks/sendgrid", prefixed, body)

    def test_delivery_event_of_our_email_becomes_event(
        self, verifier: SendGridWebhookVerifier
    ) -> None:
        email_id = uuid4()
        payload = [
            {"event": "processed", "sg_event_id": "a", "pbcex_mail": str(email_id)},
            {"event": "delivered", "sg_event_id": "b", "pbcex_mail": str(email_id)},
            {"event": "delivered", "sg_event_id": "c"},
        ]
        [event] = verifier.verify(self.delivery(json.dumps(payload).encode()))
        assert (event.id, event.kind, UUID(event.subject)) == ("b", "delivered", email_id)

    @pytest.mark.parametrize(
        "headers",
        [
            {"signature": ""},
            {"signature": "no base64!"},
            {"signature": "AAAA"},
            {"timestamp": ""},
            {"timestamp": "soon"},
            {"timestamp": "1"},
        ],
    )
    def test_invalid_signature_is_refused(self, verifier, headers) -> None:
        with pytest.raises(WebhookSignatureInvalid):
            verifier.verify(self.delivery(b"[]", **headers))

    @pytest.mark.parametrize(
        "odd",
        [
            1,
            None,
            [],
            {"event": "delivered", "sg_event_id": "o", "pbcex_mail": 7},
            {"event": "delivered", "sg_event_id": "o", "pbcex_mail": "x"},
            {"event": "delivered", "pbcex_mail": str(uuid4())},
            {"event": "delivered", "sg_event_id": ["o"], "pbcex_mail": str(uuid4())},
            {"event": "delivered", "sg_event_id": "o\0", "pbcex_mail": str(uuid4())},
            {"event": "delivered", "sg_event_id": "o" * 256, "pbcex_mail": str(uuid4())},
            {"event": "delivered", "sg_event_id": "o", "smtp-id": 7},
            {"event": ["delivered"], "type": {}},
        ],
    )
    def test_odd_event_is_left_out_and_the_others_of_its_batch_are_taken(
        self, verifier: SendGridWebhookVerifier, odd: object
    ) -> None:
        email_id = uuid4()
        good = {"event": "bounce", "sg_event_id": "good", "pbcex_mail": str(email_id)}
        for batch in ([odd, good], [good, odd]):
            [event] = verifier.verify(self.delivery(json.dumps(batch).encode()))
            assert (event.id, event.kind, UUID(event.subject)) == ("good", "bounced", email_id)

    def test_late_bounce_is_found_by_our_message_id(
        self, verifier: SendGridWebhookVerifier
    ) -> None:
        email_id = uuid4()
        late = {"event": "bounce", "sg_event_id": "a", "smtp-id": f"<{email_id.hex}@pbcex.local>"}
        other = {"event": "bounce", "sg_event_id": "b", "smtp-id": "<x@geopod-ismtpd-1>"}
        [event] = verifier.verify(self.delivery(json.dumps([late, other]).encode()))
        assert (event.id, UUID(event.subject)) == ("a", email_id)

    @pytest.mark.parametrize(
        "body",
        [b"{", b'{"a": 1}', b"[" * 9999, b'["\xff"]'],
    )
    def test_unreadable_signed_body_is_malformed(self, verifier, body) -> None:
        with pytest.raises(MalformedRequest if b"\xff" not in body else WebhookSignatureInvalid):
            verifier.verify(self.delivery(body))


@pytest.fixture(autouse=True)
def no_fault_left(sandbox: Sandbox) -> Iterator[None]:
    yield
    assert sandbox.faults.pending() == []
