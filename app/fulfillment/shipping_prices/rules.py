"""What shipping and insurance cost. Pure. Amounts are US dollars."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from app.catalog.products.rules import OUNCE
from app.catalog.rules import USD
from app.kit.money import Amount, Rounding, round_units
from app.settings.rules import setting, settings_group

_NOTHING = Amount(USD, 0)


def _usd(text: str) -> Amount:
    return Amount.parse(USD, text)


def _fee(label: str, text: str, about: str = "") -> Any:
    return setting(label, _usd(text), minimum=_NOTHING, maximum=_usd("1000"), about=about)


def _ounces(label: str, ounces: int) -> Any:
    return setting(label, ounces, minimum=1, maximum=100_000, unit="troy ounces")


@settings_group("shipping", "Shipping and insurance")
@dataclass(frozen=True, slots=True)
class ShippingRules:
    """What customers pay for shipping, by the gross weight of the goods, and for its insurance."""

    light_ounces_max: int = _ounces("A light parcel weighs at most", 32)
    light_fee: Amount = _fee("Shipping of a light parcel", "9.95")
    medium_ounces_max: int = _ounces("A medium parcel weighs at most", 320)
    medium_fee: Amount = _fee("Shipping of a medium parcel", "24.95")
    heavy_fee: Amount = _fee("Shipping of a heavy parcel", "149.00")
    abroad_fee: Amount = _fee(
        "Shipping abroad, added",
        "95.00",
        "To another country than that of the branch that ships. It is never free.",
    )
    free_from: Amount = setting(
        "Shipping is free from",
        _usd("5000"),
        minimum=_NOTHING,
        maximum=_usd("1000000"),
        about="The price of the goods, without tax.",
    )
    insurance_percent: Decimal = setting(
        "Insurance of shipped goods",
        Decimal("0.25"),
        minimum=Decimal(0),
        maximum=Decimal(5),
        unit="percent",
        about="Of the price of the goods, without tax.",
    )

    def __post_init__(self) -> None:
        """Check the order of the weights."""
        if self.medium_ounces_max <= self.light_ounces_max:
            raise ValueError("A medium parcel must weigh more than a light one.")

    def shipping_fee(self, gross_units: int, goods: Amount, *, is_abroad: bool) -> Amount:
        """Return the price of shipping goods of this gross weight (10^-8 troy ounces) and price."""
        if gross_units <= self.light_ounces_max * OUNCE:
            fee = self.light_fee
        elif gross_units <= self.medium_ounces_max * OUNCE:
            fee = self.medium_fee
        else:
            fee = self.heavy_fee
        if self.free_from <= goods:
            fee = _NOTHING
        return fee + self.abroad_fee if is_abroad else fee

    def insurance_fee(self, goods: Amount) -> Amount:
        """Return the price of insuring goods on their way, to the cent, halves up."""
        exact = Fraction(goods.units) * Fraction(self.insurance_percent) / 100
        return Amount(USD, round_units(exact, Rounding.HALF_UP))
