"""Webhooks and calls: what adapters of providers verify and record."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, Protocol
from uuid import UUID

from app.kit.facts import Fact


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """A webhook request as received. Header names are in lower case."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class ProviderFact(Fact):
    """Something changed at a provider, by its stored event `event_id`.

    The ports of a room declare the facts that its providers publish. They are hints: the room reads
    the current state from the provider.
    """

    event_id: UUID


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """An event that a provider reports.

    `id` is the same in every delivery; `subject` is the provider's id of what the event is about.
    `fact` is published once the event is stored.
    """

    id: str
    kind: str
    subject: str
    fact: type[ProviderFact]


class WebhookVerifier(Protocol):
    """Verifies the webhooks of one provider."""

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """Return the events in the webhook that concern us, perhaps none.

        Raises `WebhookSignatureInvalid`, `MalformedRequest` where a signed body cannot be read, and
        `WebhookVerificationUnavailable` where verifying needs the provider and it is unreachable.
        """
        ...


#: The verifiers by the provider's name in `/webhooks/{provider}`.
WebhookVerifiers = NewType("WebhookVerifiers", dict[str, WebhookVerifier])


class CallOutcome(StrEnum):
    """The outcome of a call."""

    PENDING = "pending"
    """The call has started and not ended; its process may have crashed."""
    ANSWERED = "answered"
    REFUSED = "refused"
    UNAVAILABLE = "away"
    """The provider certainly did nothing."""
    UNKNOWN = "unknown"
    """The provider may have done what the call asks."""
