"""Webhooks of Prime Trust: they name a resource, and carry no signature that we know of.

The event is the resource in the state that the API tells, and not what the webhook says of it: who
makes one up has us look once at something that there is, and stores nothing that is new.
"""

import re

from app.integrations import response_parsing
from app.integrations.primetrust.adapter import TRANSFERS, PrimeTrustCustodian
from app.providers.errors import (
    ProviderOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    WebhookSignatureInvalid,
    WebhookVerificationUnavailable,
)
from app.providers.ports import ProviderEvent, WebhookDelivery

_ID = re.compile(r"[0-9A-Za-z_-]{1,100}", re.ASCII)


class PrimeTrustWebhookVerifier:
    """A `WebhookVerifier` that asks."""

    def __init__(self, custodian: PrimeTrustCustodian) -> None:
        self._custodian = custodian

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """The event in it, if it is about a transfer of assets."""
        said = response_parsing.parse_body(delivery.body)
        identifier = said.get("resource_id")
        if not isinstance(identifier, str) or not _ID.fullmatch(identifier):
            raise WebhookSignatureInvalid
        if said.get("resource_type") != TRANSFERS.replace("-", "_"):
            return []
        try:
            found = self._custodian.transfer(identifier)
        except (ProviderUnavailable, ProviderOutcomeUnknown, ProviderRefused) as failure:
            raise WebhookVerificationUnavailable from failure
        if found is None:
            raise WebhookSignatureInvalid
        kind = f"asset_transfer.{found.state}"
        return [ProviderEvent(f"{identifier}:{found.state}", kind, identifier, "custody.hear")]
