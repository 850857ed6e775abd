"""Signed webhooks of the bank."""

from collections.abc import Sequence

from app.integrations.webhook_signatures import parse_signed_event, verify_timed_signature
from app.kit.errors import MalformedRequest
from app.providers.ports import ProviderEvent, WebhookDelivery

#: By kind: the task, and the field that holds the subject.
_KINDS = {
    "arrival.received": ("funding.account_changed", "id"),
    "arrival.returned": ("funding.account_changed", "id"),
    "payout.updated": ("funding.payout_changed", "reference"),
}


class BankWebhookVerifier:
    """Verifies the bank's signature. Two secrets are valid while one replaces the other."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = secrets

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """Return the event if it is about an incoming transfer or a payout."""
        verify_timed_signature(
            delivery.headers.get("bank-signature", ""), delivery.body, self._secrets
        )
        event = parse_signed_event(delivery.body)
        if event.kind not in _KINDS:
            return []
        task, name = _KINDS[event.kind]
        subject = event.data.get(name)
        if not isinstance(subject, str):
            raise MalformedRequest(f"The data of {event.kind} must have the text {name}.")
        return [ProviderEvent(event.id, event.kind, subject, task)]
