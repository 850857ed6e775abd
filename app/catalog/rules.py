"""The tradable assets, whose scales are part of the ledger's meaning and never change, and the
methods of paying."""

from collections.abc import Mapping
from enum import StrEnum

from app.kit.labels import LabelledEnum
from app.kit.money import Asset


class Metal(StrEnum):
    """Metals by their chemical symbol."""

    AU = "AU"
    AG = "AG"
    PT = "PT"
    PD = "PD"
    CU = "CU"


class Token(StrEnum):
    """Tokens with a market price of their own, beside the price of their metal."""

    PAXG = "PAXG"


class Stablecoin(StrEnum):
    """Tokens that count as a dollar. Where one loses its value, staff halt its orders."""

    USDC = "USDC"


#: What has a market price, in US dollars per troy ounce.
Priced = Metal | Token
#: What staff can halt.
Haltable = Priced | Stablecoin


class Wallet(StrEnum):
    """A customer's two accounts."""

    FUNDING = "funding"
    """Holds dollars and tokens, which are paid in and out."""
    TRADING = "trading"
    """Holds metal."""


class PaymentMethod(LabelledEnum):
    """How a customer pays in or is paid out."""

    CARD = "card", "Card"
    BANK = "bank", "Bank transfer"
    CRYPTO = "crypto", "Crypto"
    MOBILE_MONEY = "mobile_money", "Mobile money"


class CashInstrument(LabelledEnum):
    """What the law counts as cash, by what it is."""

    CASH = "cash", "Cash"
    """Notes and coins."""
    CASHIERS_CHEQUE = "cashiers_cheque", "Cashier's cheque"
    MONEY_ORDER = "money_order", "Money order"


USD = Asset("USD", 2)
USDC = Asset("USDC", 6)
PAXG = Asset("PAXG", 8)
XAU = Asset("XAU-s", 8)
XAG = Asset("XAG-s", 8)
XPT = Asset("XPT-s", 8)
XPD = Asset("XPD-s", 8)
XCU = Asset("XCU-s", 8)

DOLLARS = (USD, USDC)
FUNDING = (USD, USDC, PAXG)
TRADING = (XAU, XAG, XPT, XPD, XCU)
TRADABLE = {asset.code: asset for asset in (*FUNDING, *TRADING)}

#: The synthetic of each metal: one unit is one troy ounce of fine weight.
SYNTHETIC = {Metal.AU: XAU, Metal.AG: XAG, Metal.PT: XPT, Metal.PD: XPD, Metal.CU: XCU}
#: The metal that an asset is ounces of. PAXG is an ounce of gold.
METAL_OF = {asset.code: metal for metal, asset in SYNTHETIC.items()} | {PAXG.code: Metal.AU}
#: The price that an asset has.
PRICED_AS: Mapping[str, Priced] = {**METAL_OF, PAXG.code: Token.PAXG}
PRICED_NAMES: Mapping[Priced, str] = {
    Metal.AU: "gold",
    Metal.AG: "silver",
    Metal.PT: "platinum",
    Metal.PD: "palladium",
    Metal.CU: "copper",
    Token.PAXG: "PAX Gold",
}

HALTABLE_NAMES: Mapping[Haltable, str] = dict(PRICED_NAMES) | {Stablecoin.USDC: "USD Coin"}


def parse_haltable(code: str) -> Haltable:
    """Return what can be halted by its code. Raises `ValueError` for any other."""
    return Stablecoin(code) if code in set(Stablecoin) else parse_priced(code)


def parse_priced(code: str) -> Priced:
    """Return the metal or token with this code. Raises `ValueError` for any other."""
    return Token(code) if code == Token.PAXG else Metal(code)


def wallet_of(asset: Asset) -> Wallet:
    """Return the account of a customer that holds this asset."""
    return Wallet.FUNDING if asset in FUNDING else Wallet.TRADING
