"""What amounts are worth in dollars, each asset at its own price. Pure."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction

from app.catalog.rules import DOLLARS, METAL_OF, PRICED_AS, USD, Priced
from app.kit.money import Amount, Asset, Rounding, round_units

_ONE = Decimal(1)


def price_of(asset: Asset, prices: Mapping[Priced, Decimal]) -> Decimal | None:
    """Return the price of a whole unit of the asset; None if it never had one.

    PAXG is an ounce of gold: until a source has priced it, it counts as one.
    """
    if asset in DOLLARS:
        return _ONE
    return prices.get(PRICED_AS[asset.code], prices.get(METAL_OF[asset.code]))


def value_in_usd(
    amounts: Iterable[Amount], prices: Mapping[Priced, Decimal], rounding: Rounding
) -> Amount | None:
    """Return what the amounts are worth together, rounded once to cents.

    None if one of them never had a price.
    """
    exact = Fraction(0)
    for amount in amounts:
        price = price_of(amount.asset, prices)
        if price is None:
            return None
        exact += Fraction(price) * amount.units * USD.unit / amount.asset.unit
    return Amount(USD, round_units(exact, rounding))
