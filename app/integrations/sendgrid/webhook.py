"""SendGrid's signatures of events: ECDSA over the time and the raw body."""

import json
import math
import re
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter
from sendgrid.helpers.eventwebhook import EventWebhook

from app.integrations.sendgrid.adapter import EMAIL_ID_ARGUMENT
from app.kit import clock
from app.kit.errors import MalformedRequest
from app.messages.delivery_log import DeliveryStatus
from app.messages.ports import EmailDeliveryChanged
from app.providers.errors import WebhookSignatureInvalid
from app.providers.ports import ProviderEvent, WebhookDelivery

_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
_AGE_SECONDS_MAX = 300
_MESSAGE_ID = re.compile(r"<?([0-9a-f]{32})@[^>]+>?", re.ASCII)
_UNREADABLE = Counter("pbcex_sendgrid_events_unreadable", "Events of SendGrid that were left out")
_log = structlog.get_logger()


class SendGridWebhookVerifier:
    """Verifies events signed with one key: the base64 public key, as SendGrid shows it."""

    def __init__(self, public_key: str) -> None:
        self._webhook = EventWebhook(public_key)

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """Return the events as the port says. Events that are not about our emails are left out."""
        timestamp = delivery.headers.get(_TIMESTAMP, "")
        try:
            age = clock.now().timestamp() - int(timestamp)
            genuine = self._webhook.verify_signature(
                delivery.body.decode(), delivery.headers.get(_SIGNATURE, ""), timestamp
            )
        except ValueError:
            raise WebhookSignatureInvalid from None
        if not genuine or math.fabs(age) > _AGE_SECONDS_MAX:
            raise WebhookSignatureInvalid
        return _events(delivery.body)


def _events(body: bytes) -> list[ProviderEvent]:
    """Return those of a batch that are about the delivery of our emails.

    One that cannot be read is counted and left out: SendGrid would send the whole batch again.
    Raises `MalformedRequest` for a body that is no batch.
    """
    try:
        payloads = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedRequest("The events cannot be read.") from None
    if not isinstance(payloads, list):
        raise MalformedRequest("Events must be a list of objects.")
    events = []
    for payload in payloads:
        try:
            event = _event(payload)
        except (MalformedRequest, ValueError, KeyError, TypeError, AttributeError) as error:
            _UNREADABLE.inc()
            _log.warning("an event of SendGrid cannot be read", error=type(error).__name__)
        else:
            events += [event] if event is not None else []
    return events


def _event(payload: dict[str, Any]) -> ProviderEvent | None:
    """Return the event if it reports the delivery of one of our emails."""
    status = _delivery_status(payload)
    email_id = _email_id(payload) if status is not None else None
    if status is None or email_id is None:
        return None
    event_id = payload["sg_event_id"]
    if not isinstance(event_id, str):
        raise MalformedRequest("The id of an event must be a text.")
    return ProviderEvent(event_id, status, str(email_id), EmailDeliveryChanged)


def _email_id(payload: dict[str, Any]) -> UUID | None:
    """Return our id of the email: our argument, or else the Message-ID that we gave it. Reports
    that come late have only that. None for an email that is not ours."""
    argument = payload.get(EMAIL_ID_ARGUMENT)
    if argument is not None:
        return UUID(argument)
    match = _MESSAGE_ID.fullmatch(payload.get("smtp-id", "").strip())
    return UUID(match[1]) if match is not None else None


def _delivery_status(payload: dict[str, Any]) -> DeliveryStatus | None:
    match payload.get("event"), payload.get("type"):
        case "delivered", _:
            return DeliveryStatus.DELIVERED
        case "bounce", "blocked":
            return DeliveryStatus.UNDELIVERED
        case "bounce", _:
            return DeliveryStatus.BOUNCED
        case "dropped", _:
            return DeliveryStatus.UNDELIVERED
    return None
