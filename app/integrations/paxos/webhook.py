"""Webhooks of Paxos, for which no signature is published.

So a webhook alone proves nothing: it counts if Paxos' API knows the event with the same content. A
forger can at most make us request an event that does not exist.
"""

from app.custody.ports import TransferChanged
from app.integrations import response_parsing
from app.integrations.custodian import is_identifier, verifying_with_provider
from app.integrations.paxos.adapter import PaxosCustodian
from app.providers.errors import WebhookSignatureInvalid
from app.providers.ports import ProviderEvent, WebhookDelivery

_COMPARED = ("id", "type", "object_type", "object", "created_at")


class PaxosWebhookVerifier:
    """A `WebhookVerifier` that asks Paxos' API."""

    def __init__(self, custodian: PaxosCustodian) -> None:
        self._custodian = custodian

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """Return the event if it is about a transfer of tokens."""
        payload = response_parsing.parse_body(delivery.body)
        identifier = payload.get("id")
        if not is_identifier(identifier):
            raise WebhookSignatureInvalid
        with verifying_with_provider():
            event = self._custodian.get_event(identifier)
        if event is None or any(payload.get(name) != event.get(name) for name in _COMPARED):
            raise WebhookSignatureInvalid
        kind, event_object = (
            response_parsing.required_text(event, "type"),
            response_parsing.required_object(event, "object"),
        )
        if not kind.startswith(("transfer.crypto_deposit.", "transfer.crypto_withdrawal.")):
            return []
        subject = response_parsing.optional_text(
            event_object, "transfer_id"
        ) or response_parsing.required_text(event_object, "id")
        return [ProviderEvent(identifier, kind, subject, TransferChanged)]
