"""Which transfers between a customer's two accounts are allowed. Pure."""

from fractions import Fraction

from app.catalog.rules import PAXG, XAU, Wallet
from app.kit.errors import Invalid
from app.kit.money import Amount, Asset
from app.pricing.gate import TransferLimits


def counterpart_asset(asset: Asset, origin: Wallet, destination: Wallet) -> Asset:
    """Return the asset that `asset` becomes when it moves from `origin` to `destination`.

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
    """Raise `Invalid` unless one transfer may have this size."""
    ounces = Fraction(amount.units, amount.asset.unit)
    if not limits.ounces_min <= ounces <= limits.ounces_max:
        raise Invalid("amount", f"Enter {limits.ounces_min} to {limits.ounces_max} troy ounces.")
