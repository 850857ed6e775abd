"""Webhooks of Paxos, for which no signature is published.

So a webhook alone proves nothing: it counts if Paxos' API knows the event with the same content.
"""

from app.custody.ports import TransferChanged
from app.integrations import response_parsing
from app.integrations.custodian import is_identifier
from app.integrations.paxos.adapter import PaxosCustodian
from app.integrations.webhook_lookups import WebhookLookups
from app.providers.errors import WebhookSignatureInvalid
from app.providers.ports import ProviderEvent, WebhookDelivery

_COMPARED = ("id", "type", "object_type", "object", "created_at")


class PaxosWebhookVerifier:
    """A `WebhookVerifier` that asks Paxos' API."""

    def __init__(self, custodian: PaxosCustodian, lookups: WebhookLookups) -> None:
        self._custodian, self._lookups = custodian, lookups

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """Return the event if it is about a transfer of tokens."""
        payload = response_parsing.parse_body(delivery.body)
        identifier = payload.get("id")
        if not is_identifier(identifier):
            raise WebhookSignatureInvalid
        event = self._lookups.find(
            identifier,
            lambda: self._custodian.get_event(identifier),
            matches=lambda event: all(payload.get(name) == event.get(name) for name in _COMPARED),
            transfer_id=_named_transfer(payload.get("object")),
        )
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


def _named_transfer(event_object: object) -> str:
    """Return the transfer that an unproven webhook names; an empty text without one."""
    named = event_object if isinstance(event_object, dict) else {}
    identifier = named.get("transfer_id") or named.get("id")
    return identifier if is_identifier(identifier) else ""
