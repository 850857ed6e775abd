"""What a refund gives back, and to which of the payments. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from app.catalog.rules import USD
from app.kit.errors import Invalid
from app.kit.labels import LabelledEnum
from app.kit.money import Amount, Rounding, round_units
from app.tax.assessment import sum_amounts
from app.vault.lots.rules import share_out

#: The prefix of a refund's public id.
PREFIX = "rfd"
_NOTHING = Amount(USD, 0)


class RefundCause(LabelledEnum):
    """Why money went back."""

    CANCELLED = "cancelled", "Order cancelled"
    """The order was cancelled before its goods were picked."""
    REDUCED = "reduced", "Fewer units"
    """Units of the order were cancelled before its goods were picked, and others stay."""
    REFUNDED = "refunded", "Refunded by staff"
    RETURNED = "returned", "Goods returned"


class RefundDestination(LabelledEnum):
    """Where money went back to."""

    BALANCE = "balance", "Dollar balance"
    CARD = "card", "Card"


@dataclass(frozen=True, slots=True)
class PartRefund:
    """Units of a part of an order that come back, with their price and the tax that is given back
    of it; without units, a part whose tax alone changes. Below zero it is taxed after all."""

    position: int
    units: int
    price: Amount
    tax: Amount


@dataclass(frozen=True, slots=True)
class MarketLoss:
    """What the metal of a line lost from its promised price, in US dollars per troy ounce, to that
    at which it is taken back. A gain is no loss below zero."""

    line_position: int
    ounces: Amount
    locked: Decimal
    offset_price: Decimal

    @property
    def amount(self) -> Amount:
        """The loss, to the cent, halves up."""
        fall = max(Fraction(self.locked) - Fraction(self.offset_price), Fraction(0))
        exact = fall * Fraction(self.ounces.units, self.ounces.asset.unit) * USD.unit
        return Amount(USD, round_units(exact, Rounding.HALF_UP))


@dataclass(frozen=True, slots=True)
class RefundTerms:
    """What a refund gives back and keeps."""

    parts: Sequence[PartRefund]
    shipping: Amount = _NOTHING
    insurance: Amount = _NOTHING
    #: Of the tax that is due after all, what PBCEx pays.
    borne: Amount = _NOTHING
    losses: Sequence[MarketLoss] = ()
    fee: Amount = _NOTHING

    @property
    def goods(self) -> Amount:
        """The price of the units, before tax."""
        return sum_amounts(part.price for part in self.parts)

    @property
    def tax(self) -> Amount:
        """The sales tax that is given back; below zero, what is due after all."""
        return sum_amounts(part.tax for part in self.parts)

    @property
    def loss(self) -> Amount:
        """What the metal lost."""
        return sum_amounts(loss.amount for loss in self.losses)

    @property
    def total(self) -> Amount:
        """What the customer receives; below zero, what they owe."""
        return (
            self.goods + self.tax + self.shipping + self.insurance + self.borne
            - self.loss - self.fee
        )  # fmt: skip

    @property
    def received(self) -> Amount:
        """What the customer receives."""
        return max(self.total, _NOTHING)

    @property
    def owed(self) -> Amount:
        """What the customer owes beyond what was paid."""
        return max(_NOTHING - self.total, _NOTHING)


@dataclass(frozen=True, slots=True)
class UnitsLeft:
    """Units of a part that were not given back yet."""

    position: int
    line_position: int
    units: int


def choose_parts(parts: Sequence[UnitsLeft], wanted: Mapping[int, int]) -> dict[int, int]:
    """Return from which parts so many units of each line come back, by position: the last part of
    a line first.

    Raises `Invalid` for `items` if fewer are left, or there is no such line.
    """
    chosen: dict[int, int] = {}
    for line_position, units in wanted.items():
        own = [part for part in parts if part.line_position == line_position]
        left = sum(part.units for part in own)
        if not own:
            raise Invalid("items", f"The order has no line {line_position + 1}.")
        if not 0 < units <= left:
            raise Invalid("items", f"Of line {line_position + 1}, {left} units can be refunded.")
        missing = units
        for part in reversed(own):
            count = min(part.units, missing)
            if count:
                chosen[part.position] = count
                missing -= count
    return chosen


def share_among_payments(amount: Amount, left: Sequence[Amount]) -> list[Amount]:
    """Return what goes back of each payment: its share by what is left of it, so that none gets
    back more than it paid."""
    if not amount:
        return [_NOTHING] * len(left)
    return [Amount(USD, share) for share in share_out(amount.units, [each.units for each in left])]
