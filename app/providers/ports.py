"""Webhooks and calls: what adapters of providers verify and record."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, NewType, Protocol, TypeVar
from uuid import UUID

from app.kit.errors import MalformedRequest
from app.kit.facts import Fact
from app.providers.errors import ResponseUnreadable

Row_co = TypeVar("Row_co", covariant=True)

#: The most characters in an id of a provider's event, and of what it is about.
ID_LENGTH_MAX = 255


@dataclass(frozen=True, slots=True)
class SetAsideRow:
    """A row of a provider's list that we cannot read, such as one in another currency.

    `provider_ref` is the provider's id of it, or a digest of a row without one. `raw` is the row as
    it came, and may hold personal data. `at` is None where the row has no time that we can read.
    """

    provider_ref: str
    cause: ResponseUnreadable
    raw: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row_co]):
    """A provider's list, read row by row. It iterates over the rows that can be read.

    `since` is where the list begins if that is later than what was asked for.
    """

    rows: Sequence[Row_co]
    set_aside: Sequence[SetAsideRow] = ()
    since: datetime | None = None

    def __iter__(self) -> Iterator[Row_co]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


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
    `fact` is published once the event is stored. Raises `MalformedRequest` for ids that cannot be
    stored.
    """

    id: str
    kind: str
    subject: str
    fact: type[ProviderFact]

    def __post_init__(self) -> None:
        """Check the ids, which the provider wrote."""
        for text in (self.id, self.kind, self.subject):
            if not (0 < len(text) <= ID_LENGTH_MAX and text.isprintable()):
                raise MalformedRequest(
                    f"Ids and kinds of events must have 1 to {ID_LENGTH_MAX} printable characters."
                )


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


#: The code of a call whose answer we cannot read.
UNREADABLE = "unreadable"


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
