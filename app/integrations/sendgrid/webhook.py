"""SendGrid's signatures of events: ECDSA over the time and the raw body."""

import json
import math
from typing import Any
from uuid import UUID

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
    try:
        payloads = json.loads(body)
        if not isinstance(payloads, list) or not all(
            isinstance(payload, dict) for payload in payloads
        ):
            raise MalformedRequest("Events must be a list of objects.")
        return [event for payload in payloads if (event := _event(payload)) is not None]
    except (ValueError, KeyError, RecursionError):
        raise MalformedRequest("The events cannot be read.") from None


def _event(payload: dict[str, Any]) -> ProviderEvent | None:
    """Return the event if it reports the delivery of one of our emails."""
    status, email_id = _delivery_status(payload), payload.get(EMAIL_ID_ARGUMENT)
    if status is None or email_id is None:
        return None
    return ProviderEvent(
        str(payload["sg_event_id"]), status, str(UUID(email_id)), EmailDeliveryChanged
    )


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
