"""Webhooks of Prime Trust: they name a resource and have no known signature.

The event is the resource in the state that the API reports, not what the webhook says. A forger can
at most make us request an existing resource once; nothing new is stored.
"""

from app.custody.ports import TransferChanged
from app.integrations import response_parsing
from app.integrations.custodian import is_identifier
from app.integrations.primetrust.adapter import TRANSFERS, PrimeTrustCustodian
from app.integrations.webhook_lookups import WebhookLookups
from app.providers.errors import ResponseUnreadable, WebhookSignatureInvalid
from app.providers.ports import UNREADABLE, ProviderEvent, WebhookDelivery


class PrimeTrustWebhookVerifier:
    """A `WebhookVerifier` that asks Prime Trust's API."""

    def __init__(self, custodian: PrimeTrustCustodian, lookups: WebhookLookups) -> None:
        self._custodian, self._lookups = custodian, lookups

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """Return the event if it is about a transfer of assets."""
        payload = response_parsing.parse_body(delivery.body)
        identifier = payload.get("resource_id")
        if not is_identifier(identifier):
            raise WebhookSignatureInvalid
        if payload.get("resource_type") != TRANSFERS.replace("-", "_"):
            return []
        state = self._lookups.find(
            identifier, lambda: self._state_of(identifier), transfer_id=identifier
        )
        kind = f"asset_transfer.{state}"
        return [ProviderEvent(f"{identifier}:{state}", kind, identifier, TransferChanged)]

    def _state_of(self, identifier: str) -> str | None:
        """Return the state of a transfer; None if there is none. One that we cannot read exists,
        and is set aside by the custody room."""
        try:
            transfer = self._custodian.transfer(identifier)
        except ResponseUnreadable:
            return UNREADABLE
        return None if transfer is None else transfer.state
