"""What exposure means. Pure; ounces are `Amount`s of a metal, dollars of USD.

Negative is short: the house owes more metal than it has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Self

from app.catalog.rules import METAL_OF, SYNTHETIC, USD, Metal
from app.kit.money import UNITS_MAX, Amount, Asset, Rounding, round_units
from app.pricing.rules import MarketPrice

#: Troy ounces of each metal, in whatever form they are held.
OUNCES = {metal: Asset(metal.value, SYNTHETIC[metal].scale) for metal in Metal}

DEFAULT_BAND_OUNCES = {
    Metal.AU: Decimal(100),
    Metal.AG: Decimal(5_000),
    Metal.PT: Decimal(200),
    Metal.PD: Decimal(200),
    Metal.CU: Decimal(500_000),
}


class BandStatus(StrEnum):
    """Where a metal's net stands to its band."""

    IN_BAND = "in_band"
    SHORT = "short"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class ExposureBand:
    """Between which net ounces nothing needs to be done. Both ends are inside."""

    low: Amount
    high: Amount

    def status(self, net: Amount) -> BandStatus:
        """Where `net` stands."""
        if net < self.low:
            return BandStatus.SHORT
        return BandStatus.LONG if self.high < net else BandStatus.IN_BAND


@dataclass(frozen=True, slots=True)
class ExposureRules:
    """The bands, as configured."""

    bands: Mapping[Metal, ExposureBand]

    @classmethod
    def from_widths(cls, widths_by_metal: Mapping[str, Decimal]) -> Self:
        """Bands that reach as many ounces to either side of zero as `stated` by metal, or as the
        defaults. Raises `ValueError` for an unknown metal, or a width that cannot be."""
        widths = DEFAULT_BAND_OUNCES | {
            Metal(name): width for name, width in widths_by_metal.items()
        }
        bands = {}
        for metal, width in widths.items():
            asset = OUNCES[metal]
            units = width * asset.unit
            if not 0 <= units <= UNITS_MAX or units != int(units):
                raise ValueError(f"the band of {metal} must be ounces of at most 8 decimals")
            reach = Amount(asset, int(units))
            bands[metal] = ExposureBand(-reach, reach)
        return cls(bands)


@dataclass(frozen=True, slots=True)
class MetalExposure:
    """One metal: what is owed, what is there, and what conversions have opened."""

    metal: Metal
    customer_liabilities: Amount
    #: What unexpired quotes would add to what is owed; negative if customers would give more.
    open_quotes: Amount
    vault: Amount
    custody: Amount
    in_transit: Amount
    hedged: Amount
    #: The sum of the position accounts: what conversions alone have left with the house.
    position: Amount
    price: MarketPrice | None
    band: ExposureBand

    @property
    def net(self) -> Amount:
        """What is there or bought, less what is owed."""
        there = self.vault + self.custody + self.in_transit + self.hedged
        return there - self.customer_liabilities - self.open_quotes

    @property
    def net_usd(self) -> Amount | None:
        """`net` at the middle of the market; None when the metal never had a price."""
        return self.value_usd(self.net)

    @property
    def position_usd(self) -> Amount | None:
        """`position` at the middle of the market; None when the metal never had a price."""
        return self.value_usd(self.position)

    @property
    def status(self) -> BandStatus:
        """Where the net stands to the band."""
        return self.band.status(self.net)

    def value_usd(self, ounces: Amount) -> Amount | None:
        """Ounces of this metal in dollars, halves away from zero; nothing is worth nothing."""
        if not ounces:
            return Amount(USD, 0)
        if self.price is None:
            return None
        exact = Fraction(self.price.mid) * ounces.units * USD.unit / ounces.asset.unit
        return Amount(USD, round_units(exact, Rounding.HALF_UP))


def metal_exposure(
    metal: Metal,
    *,
    owed: Mapping[str, int],
    quoted: Mapping[str, int],
    positions: Mapping[str, int],
    custody: Mapping[str, int],
    price: MarketPrice | None,
    band: ExposureBand,
) -> MetalExposure:
    """The exposure in a metal out of minor units by asset. What is not built yet holds nothing."""
    nothing = Amount(OUNCES[metal], 0)
    return MetalExposure(
        metal=metal,
        customer_liabilities=ounces_in(metal, owed),
        open_quotes=ounces_in(metal, quoted),
        vault=nothing,
        custody=ounces_in(metal, custody),
        in_transit=nothing,
        hedged=nothing,
        position=ounces_in(metal, positions),
        price=price,
        band=band,
    )


def ounces_in(metal: Metal, units_by_asset: Mapping[str, int]) -> Amount:
    """The ounces of a metal in all assets that stand for it."""
    units = sum(units for code, units in units_by_asset.items() if METAL_OF.get(code) is metal)
    return Amount(OUNCES[metal], units)


def total_usd(values: list[Amount | None]) -> Amount | None:
    """The sum in dollars; None as soon as one of them is unknown, for a part is no total."""
    known = [value.units for value in values if value is not None]
    return Amount(USD, sum(known)) if len(known) == len(values) else None
