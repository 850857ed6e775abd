"""Webhooks of Paxos, which carry no signature that we know of.

So nothing in one is believed: it counts if Paxos itself, asked over its API, knows the event and
says the same. Who makes one up can at most have us ask for an event that there is not.
"""

import re

from app.integrations import response_parsing
from app.integrations.paxos.adapter import PaxosCustodian
from app.providers.errors import (
    ProviderOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    WebhookSignatureInvalid,
    WebhookVerificationUnavailable,
)
from app.providers.ports import ProviderEvent, WebhookDelivery

_ID = re.compile(r"[0-9A-Za-z_-]{1,100}", re.ASCII)
_COMPARED = ("id", "type", "object_type", "object", "created_at")


class PaxosWebhookVerifier:
    """A `WebhookVerifier` that asks."""

    def __init__(self, custodian: PaxosCustodian) -> None:
        self._custodian = custodian

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """The event in it, if it is about a transfer of tokens."""
        said = response_parsing.parse_body(delivery.body)
        identifier = said.get("id")
        if not isinstance(identifier, str) or not _ID.fullmatch(identifier):
            raise WebhookSignatureInvalid
        try:
            known = self._custodian.get_event(identifier)
        except (ProviderUnavailable, ProviderOutcomeUnknown, ProviderRefused) as failure:
            raise WebhookVerificationUnavailable from failure
        if known is None or any(said.get(name) != known.get(name) for name in _COMPARED):
            raise WebhookSignatureInvalid
        kind, about = (
            response_parsing.required_text(known, "type"),
            response_parsing.required_object(known, "object"),
        )
        if not kind.startswith(("transfer.crypto_deposit.", "transfer.crypto_withdrawal.")):
            return []
        subject = response_parsing.optional_text(
            about, "transfer_id"
        ) or response_parsing.required_text(about, "id")
        return [ProviderEvent(identifier, kind, subject, "custody.hear")]
