"""Which assets and phones each payment method carries, and what an amount is worth. Pure."""

import re
from collections.abc import Mapping
from decimal import Decimal

from app.catalog.rules import PAXG, USD, USDC, PaymentMethod, Priced
from app.kit import phones
from app.kit.errors import Invalid
from app.kit.money import Amount, Asset, Rounding
from app.pricing.valuation import value_in_usd

#: The assets that can be paid in, and paid out, by each method.
ASSETS_BY_METHOD = {
    PaymentMethod.CARD: frozenset({USD}),
    PaymentMethod.BANK: frozenset({USD}),
    PaymentMethod.MOBILE_MONEY: frozenset({USD}),
    PaymentMethod.CRYPTO: frozenset({USDC, PAXG}),
}
_KENYAN_MOBILE = re.compile(r"\+254[17][0-9]{8}", re.ASCII)
PAYOUT_METHODS = frozenset(
    {PaymentMethod.BANK, PaymentMethod.MOBILE_MONEY, PaymentMethod.CRYPTO},
)


def mobile_money_phone(field: str, text: str) -> str:
    """Return the phone number in E.164. Raises `Invalid` naming the field unless it is a mobile
    phone's in Kenya, where M-Pesa is."""
    phone = phones.parse_phone(text, country="KE")
    if phone is None or not _KENYAN_MOBILE.fullmatch(phone):
        raise Invalid(field, "Enter a mobile phone number in Kenya, like 0712345678.")
    return phone


def check_asset(method: PaymentMethod, asset: Asset) -> None:
    """Raise `Invalid` unless the method carries the asset."""
    if asset not in ASSETS_BY_METHOD[method]:
        codes = " or ".join(sorted(allowed.code for allowed in ASSETS_BY_METHOD[method]))
        raise Invalid("asset", f"Choose {codes} for the method {method}.")


def value_at_bid(amount: Amount, bids: Mapping[Priced, Decimal]) -> Amount | None:
    """Return what the amount would sell for at its bid, before any fee, rounded down to cents.

    None when it never had a price.
    """
    return value_in_usd([amount], bids, Rounding.DOWN)
