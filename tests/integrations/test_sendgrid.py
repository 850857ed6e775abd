"""E-mail by SendGrid, as the sandbox plays it, and what it tells of each mail."""

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
from app.integrations import messaging
from app.integrations.sendgrid.adapter import SendGridEmailSender
from app.integrations.sendgrid.webhook import SendGridWebhookVerifier
from app.integrations.smtp.adapter import SmtpEmailSender, UnconfiguredEmailSender
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import MalformedRequest
from app.kit.ports import provide
from app.messages import email_delivery
from app.messages.ports import EmailSender, OutgoingEmail
from app.providers.errors import (
    ProviderOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    WebhookSignatureInvalid,
)
from app.providers.ports import WebhookDelivery
from app.providers.service import CallLog
from sandbox.faults import FaultMode
from tests.messages.test_service import VALUES
from tests.people import People
from tests.provider_sandbox import Sandbox


@pytest.fixture
def mailer(app: Flask, database: Database, sandbox: Sandbox) -> EmailSender:
    settings = app.extensions["settings"].model_copy(update={"mailer": "sendgrid"})
    made = messaging.build_email_sender(settings, CallLog(database))
    provide(EmailSender, made)
    return made


@pytest.fixture
def client(app: Flask, sandbox: Sandbox) -> FlaskClient:
    client = app.test_client()
    sandbox.deliver_webhooks(client)
    return client


def outgoing(recipient: str = "ada@example.com") -> OutgoingEmail:
    return OutgoingEmail(uuid4(), recipient, "Grüße", "In text", "<p>In HTML</p>")


def taken(sandbox: Sandbox, mail: OutgoingEmail) -> list[dict]:
    mails = sandbox.store.find("sendgrid", "mails")
    return [each for each in mails if each["custom_args"]["pbcex_mail"] == str(mail.id)]


class TestSend:
    def test_a_mail_says_what_it_says_by_smtp(self, mailer: EmailSender, sandbox: Sandbox) -> None:
        mail = outgoing()
        mailer.send(mail)
        [found] = taken(sandbox, mail)
        assert (found["to"], found["subject"]) == ("ada@example.com", "Grüße")
        assert found["from"] == {"email": "no-reply@pbcex.local", "name": "PBCEx"}
        assert found["content"] == {"text/plain": "In text\n", "text/html": "<p>In HTML</p>"}
        assert found["headers"] == {
            "Message-ID": f"<{mail.id.hex}@pbcex.local>",
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
    def test_trouble_has_its_name(self, mailer: EmailSender, sandbox: Sandbox, mode, error) -> None:
        sandbox.schedule_fault("sendgrid", "mail.send", mode)
        with pytest.raises(error) as raised:
            mailer.send(outgoing())
        assert "ada" not in str(raised.value)

    def test_a_wrong_key_is_nobodys_fault(self, mailer, sandbox, monkeypatch) -> None:
        monkeypatch.setattr("sandbox.sendgrid.KEY", "another")
        with pytest.raises(ProviderUnavailable, match="HTTP 401"):
            mailer.send(outgoing())

    def test_who_carries_mail_is_chosen_by_the_settings(self, app: Flask, database) -> None:
        settings, calls = app.extensions["settings"], CallLog(database)
        there = {"mailer": "sendgrid"}
        nowhere = {"sandbox_url": "", "smtp_url": ""}
        smtp = {"smtp_url": "smtp://127.0.0.1:25"}
        assert [
            type(messaging.build_email_sender(settings.model_copy(update=update), calls))
            for update in (there, there | nowhere, smtp, nowhere)
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

    def mail(self, database: Database, person: Actor, address: str) -> None:
        with database.transaction() as session:
            email = f"{address}-{uuid4().hex}@example.com"
            session.send("UPDATE users SET email = %s WHERE id = %s", (email, person.user_id))
        email_delivery.send_email(
            database, user_id=str(person.user_id), kind="trade_confirmed",
            event_key="trade_confirmed:1", values=VALUES,
        )  # fmt: skip

    def recorded(self, database: Database, person: Actor) -> str | None:
        """What became of the mail, once the person's events are all handled, each twice."""
        with database.reading() as session:
            events = session.rows(
                "SELECT w.id::text FROM webhook_events w JOIN mails m ON m.id::text = w.subject"
                " WHERE m.user_id = %s AND w.provider = 'sendgrid'",
                (person.user_id,),
            )
        for (event_id,) in events * 2:
            with database.transaction() as session:
                email_delivery.record_email_event(session, event_id=event_id)
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
    def test_what_became_of_a_mail_is_recorded(
        self, mailer, sandbox, client, database, person, address, delivery
    ) -> None:
        self.mail(database, person, address)
        assert sandbox.deliver_webhooks(client) == [204]
        assert self.recorded(database, person) == delivery

    @pytest.mark.parametrize("mode", [FaultMode.FORGED, FaultMode.TAMPERED, FaultMode.STALE])
    def test_what_sendgrid_did_not_sign_now_is_not_taken(
        self, mailer, sandbox, client, database, person, mode
    ) -> None:
        sandbox.schedule_fault("sendgrid", "webhook", mode)
        self.mail(database, person, "ada")
        assert sandbox.deliver_webhooks(client) == [403]
        assert self.recorded(database, person) is None

    def test_that_it_arrived_is_said_no_more_once_it_did_not(
        self, mailer, sandbox, client, database, person
    ) -> None:
        self.mail(database, person, "bounce")
        sandbox.deliver_webhooks(client)
        assert self.recorded(database, person) == "bounced"
        with database.transaction() as session:
            row = session.row("SELECT id FROM mails WHERE user_id = %s", (person.user_id,))
            assert row is not None
            email_delivery._LOG.record_delivery(
                session, row[0], email_delivery.DeliveryStatus.DELIVERED, clock.now()
            )
        assert self.recorded(database, person) == "bounced"


class TestSignature:
    """Signed by a key of the test's own, without the sandbox."""

    KEY = ec.generate_private_key(ec.SECP256R1())

    @pytest.fixture
    def webhooks(self) -> SendGridWebhookVerifier:
        public = self.KEY.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return SendGridWebhookVerifier(base64.b64encode(public).decode())

    def delivery(self, body: bytes, **headers: str) -> WebhookDelivery:
        timestamp = str(int(clock.now().timestamp()))
        signature = self.KEY.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        prefix = "x-twilio-email-event-webhook-"
        given = {
            "signature": base64.b64encode(signature).decode(),
            "timestamp": timestamp,
            **headers,
        }
        named = {f"{prefix}{name}": value for name, value in given.items()}
        return WebhookDelivery("http://localhost/webhooks/sendgrid", named, body)

    def test_events_of_ours_are_kept_by_their_id(self, webhooks: SendGridWebhookVerifier) -> None:
        mail_id = uuid4()
        told = [
            {"event": "processed", "sg_event_id": "a", "pbcex_mail": str(mail_id)},
            {"event": "delivered", "sg_event_id": "b", "pbcex_mail": str(mail_id)},
            {"event": "delivered", "sg_event_id": "c"},
        ]
        [event] = webhooks.verify(self.delivery(json.dumps(told).encode()))
        assert (event.id, event.kind, UUID(event.subject)) == ("b", "delivered", mail_id)

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
    def test_a_wrong_signature_is_forged(self, webhooks, headers) -> None:
        with pytest.raises(WebhookSignatureInvalid):
            webhooks.verify(self.delivery(b"[]", **headers))

    @pytest.mark.parametrize(
        "body",
        [b"{", b'{"a": 1}', b"[1]", b'[{"event": "delivered", "pbcex_mail": "x"}]', b'["\xff"]'],
    )
    def test_a_signed_body_that_cannot_be_read_is_malformed(self, webhooks, body) -> None:
        with pytest.raises(MalformedRequest if b"\xff" not in body else WebhookSignatureInvalid):
            webhooks.verify(self.delivery(body))


@pytest.fixture(autouse=True)
def quiet(sandbox: Sandbox) -> Iterator[None]:
    yield
    assert sandbox.faults.pending() == []
