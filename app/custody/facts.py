"""What custody publishes."""

from dataclasses import dataclass
from uuid import UUID

from app.kit.facts import Fact


@dataclass(frozen=True, slots=True)
class TokensArrived(Fact):
    """Tokens arrived for a customer, recorded as `arrival_id`."""

    arrival_id: UUID


@dataclass(frozen=True, slots=True)
class SendSettled(Fact):
    """The send with this reference has ended, whether the tokens left us or not."""

    reference: str
