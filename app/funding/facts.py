"""What funding publishes."""

from dataclasses import dataclass
from uuid import UUID

from app.kit.facts import Fact


@dataclass(frozen=True, slots=True)
class DepositEnded(Fact):
    """A deposit was credited, failed or was cancelled. It may come again: one that failed or was
    cancelled may still be credited, and one that was disputed may be won back."""

    deposit_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class PaymentDisputed(Fact):
    """The bank of a card took a deposit or a part of it back, or its dispute ended. An end may
    change."""

    deposit_id: UUID
    dispute_id: UUID
