"""What a delivery cost, in two parts: its metal and its premium."""

import re
from dataclasses import dataclass
from decimal import Decimal

from app.catalog.rules import USD
from app.kit.errors import Invalid
from app.kit.money import Amount, InvalidAmount
from app.vault.lots.rules import metal_value

_SPOT = re.compile(r"(?:0|[1-9][0-9]{0,6})(?:\.[0-9]{1,6})?", re.ASCII)


def parse_spot(text: str) -> Decimal:
    """Return a price per troy ounce. Raises `Invalid` for other texts and for zero."""
    if not _SPOT.fullmatch(text) or not Decimal(text):
        raise Invalid("spot", "Enter a price in US dollars per troy ounce, like 3900.25.")
    return Decimal(text)


def parse_cost(text: str) -> Amount:
    """Return a sum of US dollars. Raises `Invalid` for another text."""
    try:
        return Amount.parse(USD, text)
    except InvalidAmount as error:
        raise Invalid("cost", "Enter the sum in US dollars, like 39900.00.") from error


@dataclass(frozen=True, slots=True)
class CostParts:
    """A cost in two parts: the metal at the agreed price, and the premium, which is negative where
    less was paid than the metal is worth."""

    metal: Amount
    premium: Amount


def divide_cost(cost: Amount, ounces: Amount, spot: Decimal) -> CostParts:
    """Return the parts of what a delivery cost. The metal is rounded to the cent, halves up; the
    rest is premium, so that the parts are the whole.

    Raises `Invalid` naming `spot` if the metal is worth less than half a cent.
    """
    metal = metal_value(ounces, spot)
    if not metal:
        raise Invalid("spot", "At this price the metal is worth less than a cent.")
    return CostParts(metal, cost - metal)
