"""Signed webhooks of Stripe."""

from collections.abc import Mapping, Sequence

from app.funding.ports import DisputeChanged, PaymentChanged, RefundChanged
from app.integrations.webhook_signatures import parse_signed_event, verify_timed_signature
from app.kit.errors import MalformedRequest
from app.providers.ports import ProviderEvent, ProviderFact, WebhookDelivery

_FACTS: Mapping[str, type[ProviderFact]] = {
    "payment_intent.": PaymentChanged,
    "charge.dispute.": DisputeChanged,
    # The fee of a charge is known.
    "charge.updated": PaymentChanged,
    # The event `charge.refunded` is about the charge; each refund has events of its own.
    "refund.": RefundChanged,
}


class StripeWebhookVerifier:
    """Verifies Stripe's signature. Two secrets are valid while one replaces the other."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = secrets

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """Return the event if it is about a payment, a dispute or a refund."""
        verify_timed_signature(
            delivery.headers.get("stripe-signature", ""), delivery.body, self._secrets
        )
        event = parse_signed_event(delivery.body)
        subject_object = event.data.get("object")
        name = "payment_intent" if event.kind == "charge.updated" else "id"
        subject = subject_object.get(name) if isinstance(subject_object, dict) else None
        if name != "id" and subject is None:
            # A charge without a payment is none of ours.
            return []
        if not isinstance(subject, str):
            raise MalformedRequest("The data of an event must have an object with an id.")
        return [
            ProviderEvent(event.id, event.kind, subject, fact)
            for prefix, fact in _FACTS.items()
            if event.kind.startswith(prefix)
        ]
