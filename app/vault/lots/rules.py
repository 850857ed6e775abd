"""In which order lots are used up, and what of their cost leaves with the units."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from app.catalog.rules import USD
from app.kit.money import Amount, Rounding, divide, round_units


@dataclass(frozen=True, slots=True)
class LotPart:
    """Units of a lot with their share of its ounces (10^-8) and of its premium (cents)."""

    lot_id: UUID
    units: int
    ounces_units: int
    premium_usd: int


def metal_value(ounces: Amount, spot: Decimal) -> Amount:
    """Return what ounces are worth at a price in US dollars per troy ounce, to the cent, halves
    up."""
    exact = Fraction(ounces.units, ounces.asset.unit) * Fraction(spot) * USD.unit
    return Amount(USD, round_units(exact, Rounding.HALF_UP))


def share_out(whole: int, weights: Sequence[int]) -> list[int]:
    """Return what falls to each weight, so that the parts are the whole: each gets its share of
    what is due up to it, halves up, less what those before it got. The last one takes the rest."""
    total, due, given = sum(weights), 0, 0
    shares = []
    for weight in weights:
        due += weight
        share = divide(whole * due, total, Rounding.HALF_UP) - given
        given += share
        shares.append(share)
    return shares


def take_first_in(parts: Sequence[LotPart], units: int) -> list[LotPart]:
    """Return what leaves, the first lot first, when `units` are taken from these parts.

    Premium goes with the units, to the nearest cent, halves up; the last unit of a part takes what
    is left of it, so that no cent is lost. Returns fewer units where there are not so many.
    """
    taken: list[LotPart] = []
    for part in parts:
        count = min(part.units, units)
        if not count:
            break
        units -= count
        taken.append(
            LotPart(
                part.lot_id,
                count,
                part.ounces_units * count // part.units,
                divide(part.premium_usd * count, part.units, Rounding.HALF_UP),
            )
        )
    return taken
