"""The calculation of exposure. Pure; ounces are `Amount`s of a metal, dollars are `Amount`s of USD.

Negative is short: PBCEx owes more metal than it has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Self

from app.catalog.rules import METAL_OF, SYNTHETIC, USD, Metal
from app.kit.labels import Mark, StatusEnum
from app.kit.money import UNITS_MAX, Amount, Asset, Rounding, round_units
from app.pricing.rules import MarketPrice

#: The asset that counts troy ounces of each metal, in whatever form they are held.
OUNCES = {metal: Asset(metal.value, SYNTHETIC[metal].scale) for metal in Metal}

DEFAULT_BAND_OUNCES = {
    Metal.AU: Decimal(100),
    Metal.AG: Decimal(5_000),
    Metal.PT: Decimal(200),
    Metal.PD: Decimal(200),
    Metal.CU: Decimal(500_000),
}


class BandStatus(StatusEnum):
    """The position of a metal's net exposure relative to its band."""

    IN_BAND = "in_band", "In band", Mark.DONE
    SHORT = "short", "Short", Mark.BELOW
    LONG = "long", "Long", Mark.ABOVE


@dataclass(frozen=True, slots=True)
class ExposureBand:
    """The range of net ounces in which nothing needs to be done. Both ends are included."""

    low: Amount
    high: Amount

    def status(self, net: Amount) -> BandStatus:
        """Return the position of `net` relative to the band."""
        if net < self.low:
            return BandStatus.SHORT
        return BandStatus.LONG if self.high < net else BandStatus.IN_BAND


@dataclass(frozen=True, slots=True)
class ExposureRules:
    """The configured bands."""

    bands: Mapping[Metal, ExposureBand]

    @classmethod
    def from_widths(cls, widths_by_metal: Mapping[str, Decimal]) -> Self:
        """Return bands that reach the given ounces, or the default, to either side of zero.

        Raises `ValueError` for an unknown metal or an impossible width.
        """
        widths = DEFAULT_BAND_OUNCES | {
            Metal(name): width for name, width in widths_by_metal.items()
        }
        bands = {}
        for metal, width in widths.items():
            asset = OUNCES[metal]
            units = width * asset.unit
            if not 0 <= units <= UNITS_MAX or units != int(units):
                raise ValueError(f"the band of {metal} must be ounces with at most 8 decimals")
            reach = Amount(asset, int(units))
            bands[metal] = ExposureBand(-reach, reach)
        return cls(bands)


@dataclass(frozen=True, slots=True)
class MetalExposure:
    """The exposure in one metal: what is owed, what is held, and what conversions left open."""

    metal: Metal
    customer_liabilities: Amount
    #: What filling the open quotes would add to what is owed; negative if customers would give
    #: more.
    open_quotes: Amount
    vault: Amount
    custody: Amount
    in_transit: Amount
    hedged: Amount
    #: The sum of the position accounts: what conversions alone have left with PBCEx.
    position: Amount
    price: MarketPrice | None
    band: ExposureBand

    @property
    def net(self) -> Amount:
        """What is held or hedged, less what is owed."""
        held = self.vault + self.custody + self.in_transit + self.hedged
        return held - self.customer_liabilities - self.open_quotes

    @property
    def net_usd(self) -> Amount | None:
        """`net` in dollars at mid; None if the metal has no price."""
        return self.value_usd(self.net)

    @property
    def position_usd(self) -> Amount | None:
        """`position` in dollars at mid; None if the metal has no price."""
        return self.value_usd(self.position)

    @property
    def status(self) -> BandStatus:
        """The position of `net` relative to the band."""
        return self.band.status(self.net)

    def value_usd(self, ounces: Amount) -> Amount | None:
        """Return ounces of this metal in dollars at mid, halves rounded away from zero.

        None if the metal has no price, except for zero ounces.
        """
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
    """Return the exposure in a metal from minor units by asset. Vault, transit and hedges are 0."""
    zero = Amount(OUNCES[metal], 0)
    return MetalExposure(
        metal=metal,
        customer_liabilities=ounces_in(metal, owed),
        open_quotes=ounces_in(metal, quoted),
        vault=zero,
        custody=ounces_in(metal, custody),
        in_transit=zero,
        hedged=zero,
        position=ounces_in(metal, positions),
        price=price,
        band=band,
    )


def ounces_in(metal: Metal, units_by_asset: Mapping[str, int]) -> Amount:
    """Return the ounces of a metal in all assets that represent it."""
    units = sum(units for code, units in units_by_asset.items() if METAL_OF.get(code) is metal)
    return Amount(OUNCES[metal], units)


def total_usd(values: list[Amount | None]) -> Amount | None:
    """Return the sum in dollars; None if any value is unknown."""
    known = [value.units for value in values if value is not None]
    return Amount(USD, sum(known)) if len(known) == len(values) else None
