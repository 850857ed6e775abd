"""The gate between PAXG and XAU-s, and what holdings are worth. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from app.catalog.rules import DOLLARS, METAL_OF, PAXG, USD, XAU, Priced, Wallet
from app.kit.errors import Invalid
from app.kit.money import Amount, Asset, Rounding, round_units

BPS = 10_000


@dataclass(frozen=True, slots=True)
class TransferLimits:
    """Troy ounces, and how far PAXG may stray from gold before the gate closes."""

    ounces_min: Decimal = Decimal("0.0001")
    ounces_max: Decimal = Decimal(100)
    ounces_per_day: Decimal = Decimal(250)
    deviation_bps_max: int = 100


def counterpart_asset(asset: Asset, origin: Wallet, destination: Wallet) -> Asset:
    """The asset that a transfer of `asset` between these accounts becomes.

    Raises `Invalid` for all but PAXG from funding to trading and XAU-s from trading to funding.
    """
    if origin is destination:
        raise Invalid("to", f"Choose another account than {origin}.")
    if asset == PAXG and origin is Wallet.FUNDING:
        return XAU
    if asset == XAU and origin is Wallet.TRADING:
        return PAXG
    raise Invalid("asset", "Choose PAXG from funding to trading, or XAU-s from trading to funding.")


def check_transfer_size(amount: Amount, limits: TransferLimits) -> None:
    """Raises `Invalid` unless one transfer may be this large."""
    ounces = Fraction(amount.units, amount.asset.unit)
    if not limits.ounces_min <= ounces <= limits.ounces_max:
        raise Invalid("amount", f"Enter {limits.ounces_min} to {limits.ounces_max} troy ounces.")


def deviates(paxg_mid: Decimal, gold_mid: Decimal, bps_max: int) -> bool:
    """Whether PAXG is further from gold than the gate allows."""
    return abs(paxg_mid - gold_mid) * BPS > gold_mid * bps_max


def value_in_usd(amount: Amount, bids: Mapping[Priced, Decimal]) -> Amount | None:
    """What the amount would sell for at the bid, before any fee, in whole cents rounded down.

    None when its metal never had a price.
    """
    price = Decimal(1) if amount.asset in DOLLARS else bids.get(METAL_OF[amount.asset.code])
    if price is None:
        return None
    exact = Fraction(price) * amount.units * USD.unit / amount.asset.unit
    return Amount(USD, round_units(exact, Rounding.DOWN))
