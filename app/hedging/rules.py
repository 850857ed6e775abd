"""The calculation of exposure. Pure; ounces are `Amount`s of a metal, dollars are `Amount`s of USD.

Negative is short: PBCEx owes more metal than it has.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.catalog.rules import METAL_OF, SYNTHETIC, TRADABLE, USD, Metal, Priced
from app.kit.labels import Mark, StatusEnum
from app.kit.money import Amount, Asset, Rounding
from app.pricing.valuation import value_in_usd
from app.settings.rules import setting, settings_group

#: The asset that counts troy ounces of each metal, in whatever form they are held.
OUNCES = {metal: Asset(metal.value, SYNTHETIC[metal].scale) for metal in Metal}


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


def _band(metal: str, ounces: int) -> Any:
    return setting(
        f"Band of {metal}",
        Decimal(ounces),
        minimum=Decimal(0),
        maximum=Decimal(10_000_000),
        unit="troy ounces",
        about="How far net exposure may be from zero, to either side, and still be in its band.",
        needs_approval=False,
    )


@settings_group("exposure", "Exposure")
@dataclass(frozen=True, slots=True)
class ExposureRules:
    """How far the net exposure to each metal may be from zero, in troy ounces."""

    band_au: Decimal = _band("gold", 100)
    band_ag: Decimal = _band("silver", 5_000)
    band_pt: Decimal = _band("platinum", 200)
    band_pd: Decimal = _band("palladium", 200)
    band_cu: Decimal = _band("copper", 500_000)

    def band(self, metal: Metal) -> ExposureBand:
        """Return the band of the metal."""
        ounces: Decimal = getattr(self, f"band_{metal.lower()}")
        asset = OUNCES[metal]
        reach = Amount(asset, int(ounces * asset.unit))
        return ExposureBand(-reach, reach)


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
    #: Bought from suppliers at an agreed price, and not received.
    in_transit: Amount
    hedged: Amount
    #: The sum of the position accounts: what conversions alone have left with PBCEx.
    position: Amount
    #: The same in dollars at mid, each asset at its own; None if one that is not zero has no price.
    liabilities_usd: Amount | None
    net_usd: Amount | None
    position_usd: Amount | None
    band: ExposureBand

    @property
    def net(self) -> Amount:
        """What is held or hedged, less what is owed."""
        held = self.vault + self.custody + self.in_transit + self.hedged
        return held - self.customer_liabilities - self.open_quotes

    @property
    def status(self) -> BandStatus:
        """The position of `net` relative to the band."""
        return self.band.status(self.net)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is owed, held, hedged or quoted."""
        return not any(
            (
                self.customer_liabilities,
                self.open_quotes,
                self.vault,
                self.custody,
                self.in_transit,
                self.hedged,
                self.position,
            )
        )


def metal_exposure(
    metal: Metal,
    *,
    owed: Mapping[str, int],
    quoted: Mapping[str, int],
    positions: Mapping[str, int],
    custody: Mapping[str, int],
    vault: Mapping[str, int],
    in_transit: Mapping[str, int],
    mids: Mapping[Priced, Decimal],
    band: ExposureBand,
) -> MetalExposure:
    """Return the exposure in a metal from minor units by asset. Hedges are 0."""
    zero = Amount(OUNCES[metal], 0)
    net = Counter(custody)
    net.update(vault)
    net.update(in_transit)
    net.subtract(owed)
    net.subtract(quoted)
    return MetalExposure(
        metal=metal,
        customer_liabilities=ounces_in(metal, owed),
        open_quotes=ounces_in(metal, quoted),
        vault=ounces_in(metal, vault),
        custody=ounces_in(metal, custody),
        in_transit=ounces_in(metal, in_transit),
        hedged=zero,
        position=ounces_in(metal, positions),
        liabilities_usd=_value_usd(metal, owed, mids),
        net_usd=_value_usd(metal, net, mids),
        position_usd=_value_usd(metal, positions, mids),
        band=band,
    )


def ounces_in(metal: Metal, units_by_asset: Mapping[str, int]) -> Amount:
    """Return the ounces of a metal in all assets that represent it."""
    units = sum(units for code, units in units_by_asset.items() if METAL_OF.get(code) is metal)
    return Amount(OUNCES[metal], units)


def _value_usd(
    metal: Metal, units_by_asset: Mapping[str, int], mids: Mapping[Priced, Decimal]
) -> Amount | None:
    """Return the worth of the assets that represent the metal, halves rounded away from zero."""
    amounts = [
        Amount(TRADABLE[code], units)
        for code, units in units_by_asset.items()
        if METAL_OF.get(code) is metal and units
    ]
    return value_in_usd(amounts, mids, Rounding.HALF_UP)


def total_usd(values: list[Amount | None]) -> Amount | None:
    """Return the sum in dollars; None if any value is unknown."""
    known = [value.units for value in values if value is not None]
    return Amount(USD, sum(known)) if len(known) == len(values) else None
