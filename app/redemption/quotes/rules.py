"""Which pieces cover an amount of metal, and what a redemption costs. Pure.

Weights are in 10^-8 troy ounces, as pieces are accounted; money is US dollars.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from app.catalog.rules import USD
from app.fulfillment.strategies.rules import StrategyChoice
from app.kit.money import Amount, Asset, Rounding, round_units
from app.settings.rules import setting, settings_group
from app.trading.rules import DOLLAR_PRICE, Conversion, ConversionTerms, PricePair, convert_received

QUOTE_PREFIX = "rdq"
_NOTHING = Amount(USD, 0)


@settings_group("redemption", "Redemption")
@dataclass(frozen=True, slots=True)
class RedemptionRules:
    """What a redemption costs, and how long its price and its goods are kept."""

    fee_percent: Decimal = setting(
        "Fee of a redemption",
        Decimal(1),
        minimum=Decimal(0),
        maximum=Decimal(10),
        unit="percent",
        about="Of what the redeemed metal is worth at mid.",
    )
    quote_minutes: int = setting(
        "Lifetime of a redemption quote",
        10,
        minimum=1,
        maximum=60,
        unit="minutes",
        about="PBCEx keeps fee and prices for so long, whatever the market does. A quote reserves"
        " nothing.",
    )
    pieces_max: int = setting(
        "Most pieces in a redemption", 100, minimum=1, maximum=500, unit="pieces"
    )
    hold_hours: int = setting(
        "A redemption waits for its approval",
        24,
        minimum=1,
        maximum=72,
        unit="hours",
        about="Metal, money and goods are held until then. Afterwards everything is released.",
    )
    open_max: int = setting(
        "Redemptions of a person that wait for approval at a time",
        5,
        minimum=1,
        maximum=100,
        unit="redemptions",
    )
    given_up_per_day: int = setting(
        "Redemptions of a person that end without approval, in 24 hours",
        10,
        minimum=1,
        maximum=1000,
        unit="redemptions",
        about="Goods cannot be kept from others by requesting and cancelling again and again."
        " Redemptions that still wait count.",
    )
    approval_from: Amount = setting(
        "A second person approves redemptions from",
        Amount(USD, 10_000_00),
        minimum=Amount(USD, 1_00),
        maximum=Amount(USD, 10_000_000_00),
        about="What the pieces are worth at mid, as quoted.",
    )

    def fee_of(self, value: Amount) -> Amount:
        """Return the fee on metal of this worth, to the cent, halves up."""
        exact = Fraction(value.units) * Fraction(self.fee_percent) / 100
        return Amount(USD, round_units(exact, Rounding.HALF_UP))


@dataclass(frozen=True, slots=True)
class Pieces:
    """So many pieces of one product and weight; one bar of a product with serials."""

    sku: str
    ounces_units: int
    count: int
    lot_id: UUID | None = None

    @property
    def total_units(self) -> int:
        """What all of them weigh."""
        return self.ounces_units * self.count


def choose_pieces(needed: int, free: Sequence[Pieces], count_max: int) -> list[Pieces] | None:
    """Return the pieces that cover `needed`, the heaviest first; None if none do.

    They weigh more than what is needed by less than the lightest free piece, so that no one pays
    for a whole piece on top; where the stock has no such choice, that piece and those as light are
    left out. Of all such choices it is one with the fewest pieces, and of those one that weighs the
    least.
    """
    ordered = sorted(free, key=lambda each: (-each.ounces_units, each.sku, each.lot_id or _NO_BAR))
    while ordered:
        counts = _Search(ordered, count_max).find(needed)
        if counts is not None:
            return [
                replace(each, count=count)
                for each, count in zip(ordered, counts, strict=True)
                if count
            ]
        lightest = ordered[-1].ounces_units
        ordered = [each for each in ordered if each.ounces_units > lightest]
    return None


_NO_BAR = UUID(int=0)


class _Search:
    """Goes through the counts of each weight, many heavy pieces first, and leaves out what cannot
    be better than the best choice so far."""

    def __init__(self, free: Sequence[Pieces], count_max: int) -> None:
        self._free = free
        #: Of the pieces from each position on: what they weigh together.
        self._left = [0] * (len(free) + 1)
        for at in range(len(free) - 1, -1, -1):
            self._left[at] = self._left[at + 1] + free[at].total_units
        self._counts = [0] * len(free)
        self._best: list[int] | None = None
        #: The pieces of the best choice, and by how much it weighs more than needed: less than the
        #: lightest piece.
        self._limit = (count_max, free[-1].ounces_units)
        self._allowance = free[-1].ounces_units - 1

    def find(self, needed: int) -> list[int] | None:
        """Return how many of each are taken, or None."""
        self._visit(0, needed, 0)
        return self._best

    def _visit(self, at: int, needed: int, used: int) -> None:
        if needed <= 0:
            if -needed <= self._allowance and (used, -needed) < self._limit:
                self._best, self._limit = list(self._counts), (used, -needed)
            return
        if self._left[at] < needed:
            return
        weight = self._free[at].ounces_units
        most = min(self._free[at].count, -(-needed // weight))
        for count in range(most, -1, -1):
            rest = needed - count * weight
            # What is left takes at least so many of the next lighter pieces.
            more = -(-rest // self._free[at + 1].ounces_units) if self._has_next(at, rest) else 0
            if rest <= self._left[at + 1]:
                if (used + count + more, 0) >= self._limit:
                    # Fewer heavy pieces take only more light ones.
                    break
                self._counts[at] = count
                self._visit(at + 1, rest, used + count)
        self._counts[at] = 0

    def _has_next(self, at: int, rest: int) -> bool:
        return rest > 0 and at + 1 < len(self._free)


@dataclass(frozen=True, slots=True)
class RedemptionCosts:
    """What a redemption costs beside the metal."""

    #: Who sends the pieces, and why.
    sender: StrategyChoice
    #: Of the metal, in dollars per troy ounce.
    price: PricePair
    #: What the redeemed metal is worth at mid, and what the pieces are.
    value: Amount
    goods_value: Amount
    fee: Amount
    shipping: Amount
    insurance: Amount
    #: The purchase of the ounces that the pieces weigh more; None if they weigh just the amount.
    top_up: Conversion | None
    #: The sale of further metal that pays all of it; None if nothing is to be paid.
    in_metal: Conversion | None

    @property
    def top_up_price(self) -> Amount:
        """What the further ounces cost."""
        return self.top_up.given if self.top_up else _NOTHING

    @property
    def total(self) -> Amount:
        """What is paid in dollars."""
        return self.fee + self.shipping + self.insurance + self.top_up_price


def worth(ounces: Amount, price: Decimal) -> Amount:
    """Return what ounces are worth at a price in dollars per troy ounce, to the cent, halves up."""
    exact = Fraction(ounces.units, ounces.asset.unit) * Fraction(price) * USD.unit
    return Amount(USD, round_units(exact, Rounding.HALF_UP))


def buy_ounces(ounces: Amount, price: PricePair) -> Conversion | None:
    """Return the purchase of just these ounces at the ask; None of no ounces."""
    if not ounces:
        return None
    return convert_received(_terms(USD, ounces.asset, price), ounces)


def sell_for(total: Amount, metal: Asset, price: PricePair) -> Conversion | None:
    """Return the sale of the least metal, at the bid, that pays a total; None of nothing."""
    if not total:
        return None
    return convert_received(_terms(metal, USD, price), total)


def _terms(given: Asset, received: Asset, price: PricePair) -> ConversionTerms:
    return ConversionTerms(
        given,
        received,
        DOLLAR_PRICE if given == USD else price,
        DOLLAR_PRICE if received == USD else price,
        0,
    )
