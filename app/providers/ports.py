"""What adapters of providers give us: verified events, and a place to note calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, Protocol


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """A webhook as it came. Header names are in lower case."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """Something that a provider says happened.

    `id` is the same each time it is said; `subject` the provider's id of what it is about. `task`
    is staged with `event_id`, the id of our row.
    """

    id: str
    kind: str
    subject: str
    task: str


class WebhookVerifier(Protocol):
    """Knows how one provider signs."""

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """The events in it; none where nothing concerns us.

        Raises `WebhookSignatureInvalid`, `MalformedRequest` where a signed body cannot be read, and
        `ProviderUnavailable` where the provider's key has to be fetched and cannot be.
        """
        ...


#: The verifiers by the provider's name, as `/webhooks/{provider}` names it.
WebhookVerifiers = NewType("WebhookVerifiers", dict[str, WebhookVerifier])


class CallOutcome(StrEnum):
    """What became of a call."""

    PENDING = "pending"
    """It was begun; whoever made it has not come back."""
    ANSWERED = "answered"
    REFUSED = "refused"
    UNAVAILABLE = "away"
    """Certainly nothing happened there."""
    UNKNOWN = "unknown"
    """It may have done it."""
