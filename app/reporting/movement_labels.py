"""What a customer reads in place of the cause of an entry. Here and nowhere else."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class MovementKind(StrEnum):
    """What moves a customer's balance, as a list of movements is narrowed by it."""

    TRADE = "trade"
    MINT = "mint"
    BURN = "burn"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    DISPUTE = "dispute"
    """What a payment that was taken back led to."""
    REVERSAL = "reversal"
    """An earlier movement taken back."""
    OTHER = "other"


class Said(NamedTuple):
    """A cause in words."""

    kind: MovementKind
    words: str


SAID: Mapping[str, Said] = MappingProxyType(
    {
        "burn": Said(MovementKind.BURN, "Burn"),
        "deposit": Said(MovementKind.DEPOSIT, "Deposit"),
        "mint": Said(MovementKind.MINT, "Mint"),
        "payment_won_back": Said(MovementKind.DISPUTE, "Disputed payment that was won back"),
        "receivable_collected": Said(MovementKind.DISPUTE, "Taken for what was owed"),
        "sample_credit": Said(MovementKind.OTHER, "Sample credit"),
        "trade": Said(MovementKind.TRADE, "Trade"),
        "withdrawal": Said(MovementKind.WITHDRAWAL, "Withdrawal"),
        "withdrawal_returned": Said(MovementKind.WITHDRAWAL, "Withdrawal that came back"),
    }
)


def said(cause: str, reversed_cause: str | None) -> Said:
    """An entry's cause in words, and that of the entry that it takes back, if it does.

    A cause that has no words yet is told by its own name.
    """
    if reversed_cause is not None:
        before = said(reversed_cause, None).words
        return Said(MovementKind.REVERSAL, f"Reversal: {before[:1].lower()}{before[1:]}")
    return SAID.get(cause) or Said(MovementKind.OTHER, cause.replace("_", " ").capitalize())


def causes_of(kind: MovementKind) -> list[str]:
    """The causes of entries of this kind that are told in words of their own."""
    return [cause for cause, each in SAID.items() if each.kind is kind]
