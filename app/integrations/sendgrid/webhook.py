"""How SendGrid signs its events: ECDSA over the time and the raw body."""

import json
import math
from typing import Any
from uuid import UUID

from sendgrid.helpers.eventwebhook import EventWebhook

from app.integrations.sendgrid.adapter import EMAIL_ID_ARGUMENT
from app.kit import clock
from app.kit.errors import MalformedRequest
from app.messages import delivery_log
from app.providers.errors import WebhookSignatureInvalid
from app.providers.ports import ProviderEvent, WebhookDelivery

_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
_AGE_SECONDS_MAX = 300


class SendGridWebhookVerifier:
    """Knows the events signed with one key: base64 of the public one, as SendGrid shows it."""

    def __init__(self, public_key: str) -> None:
        self._webhook = EventWebhook(public_key)

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """As the port says. Events about nothing of ours are left out."""
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
        told = json.loads(body)
        if not isinstance(told, list) or not all(isinstance(each, dict) for each in told):
            raise MalformedRequest("events are a list of objects")
        return [event for each in told if (event := _event(each)) is not None]
    except (ValueError, KeyError, RecursionError):
        raise MalformedRequest("events that cannot be read") from None


def _event(told: dict[str, Any]) -> ProviderEvent | None:
    """The event, if it says what became of a mail of ours."""
    delivery, mail_id = _delivery(told), told.get(EMAIL_ID_ARGUMENT)
    if delivery is None or mail_id is None:
        return None
    return ProviderEvent(
        str(told["sg_event_id"]), delivery, str(UUID(mail_id)), "messages.record_mail_event"
    )


def _delivery(told: dict[str, Any]) -> delivery_log.DeliveryStatus | None:
    match told.get("event"), told.get("type"):
        case "delivered", _:
            return delivery_log.DeliveryStatus.DELIVERED
        case "bounce", "blocked":
            return delivery_log.DeliveryStatus.UNDELIVERED
        case "bounce", _:
            return delivery_log.DeliveryStatus.BOUNCED
        case "dropped", _:
            return delivery_log.DeliveryStatus.UNDELIVERED
    return None
