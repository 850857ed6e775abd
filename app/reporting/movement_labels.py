"""The words that customers read in place of an entry's cause. No other module names causes."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class MovementKind(StrEnum):
    """What moved a customer's balance. Lists of movements are filtered by it."""

    TRADE = "trade"
    """An order."""
    MINT = "mint"
    """PAXG to XAU-s."""
    BURN = "burn"
    """XAU-s to PAXG."""
    DEPOSIT = "deposit"
    """Paid in."""
    WITHDRAWAL = "withdrawal"
    """Paid out, or returned after that."""
    PURCHASE = "purchase"
    """Goods bought."""
    REFUND = "refund"
    """Money of goods given back."""
    DISPUTE = "dispute"
    """A result of a disputed payment."""
    STORAGE = "storage"
    """The fee for storing metal."""
    REVERSAL = "reversal"
    """An earlier movement reversed."""
    OTHER = "other"
    """Everything else."""


class MovementLabel(NamedTuple):
    """The kind and the text of a cause."""

    kind: MovementKind
    text: str
    #: Whether what moved on the customer's other accounts is named: not where all of it pays a fee.
    names_others: bool = True


LABELS: Mapping[str, MovementLabel] = MappingProxyType(
    {
        "burn": MovementLabel(MovementKind.BURN, "Burn"),
        "cash_deposit": MovementLabel(MovementKind.DEPOSIT, "Cash deposit"),
        "cash_withdrawal": MovementLabel(MovementKind.WITHDRAWAL, "Cash withdrawal"),
        "deposit": MovementLabel(MovementKind.DEPOSIT, "Deposit"),
        "goods_sold": MovementLabel(MovementKind.PURCHASE, "Goods bought"),
        "goods_taken_back": MovementLabel(MovementKind.REFUND, "Goods refunded"),
        "goodwill": MovementLabel(MovementKind.OTHER, "Credit for goodwill"),
        "mint": MovementLabel(MovementKind.MINT, "Mint"),
        "payment_won_back": MovementLabel(MovementKind.DISPUTE, "Disputed payment won back"),
        "receivable_collected": MovementLabel(MovementKind.DISPUTE, "Debt collected"),
        "receivable_returned": MovementLabel(MovementKind.DISPUTE, "Collected debt returned"),
        "sample_credit": MovementLabel(MovementKind.OTHER, "Sample credit"),
        "storage_fee": MovementLabel(MovementKind.STORAGE, "Storage fee", names_others=False),
        "trade": MovementLabel(MovementKind.TRADE, "Trade"),
        "withdrawal": MovementLabel(MovementKind.WITHDRAWAL, "Withdrawal"),
        "withdrawal_returned": MovementLabel(MovementKind.WITHDRAWAL, "Withdrawal returned"),
    }
)


def label_of(cause: str, reversed_cause: str | None) -> MovementLabel:
    """Return the label of an entry's cause, or of the reversal of `reversed_cause`.

    A cause without a label gets its own name as text.
    """
    if reversed_cause is not None:
        _, text, names_others = label_of(reversed_cause, None)
        reversal = f"Reversal: {text[:1].lower()}{text[1:]}"
        return MovementLabel(MovementKind.REVERSAL, reversal, names_others)
    label = LABELS.get(cause)
    return label or MovementLabel(MovementKind.OTHER, cause.replace("_", " ").capitalize())


def causes_of(kind: MovementKind) -> list[str]:
    """Return the causes whose label has this kind."""
    return [cause for cause, label in LABELS.items() if label.kind is kind]
