"""Signed webhooks of the bank."""

from collections.abc import Mapping, Sequence

from app.funding.ports import IncomingTransferChanged, PayoutChanged
from app.integrations.webhook_signatures import parse_signed_event, verify_timed_signature
from app.kit.errors import MalformedRequest
from app.providers.ports import ProviderEvent, ProviderFact, WebhookDelivery

#: By kind: the fact, and the field that holds the subject.
_KINDS: Mapping[str, tuple[type[ProviderFact], str]] = {
    "arrival.received": (IncomingTransferChanged, "id"),
    "arrival.returned": (IncomingTransferChanged, "id"),
    "payout.updated": (PayoutChanged, "reference"),
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
        fact, name = _KINDS[event.kind]
        subject = event.data.get(name)
        if not isinstance(subject, str):
            raise MalformedRequest(f"The data of {event.kind} must have the text {name}.")
        return [ProviderEvent(event.id, event.kind, subject, fact)]
