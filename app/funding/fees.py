"""Fees of deposits and withdrawals: settings by method and asset, never below the provider's cost.

A fee is taken from the amount: of a withdrawal of 100.00 with a fee of 0.25, 99.75 are paid out;
of a card payment of 100.00 with a fee of 3.20, 96.80 are credited.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from app.catalog.rules import PAXG, USD, USDC, PaymentMethod
from app.funding.errors import FeeChanged
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_amount
from app.kit.labels import LabelledEnum
from app.kit.money import Amount, Asset, Rounding, divide
from app.settings.queries import current
from app.settings.rules import setting, settings_group

BPS = 10_000


class PaymentDirection(LabelledEnum):
    """Whether a payment comes in or goes out."""

    DEPOSIT = "deposit", "Deposit"
    WITHDRAWAL = "withdrawal", "Withdrawal"


@dataclass(frozen=True, slots=True)
class FeeRate:
    """A fee: a fixed part, and a share of the amount."""

    fixed: Amount
    bps: int = 0

    def fee_on(self, amount: Amount) -> Amount:
        """Return the fee on an amount; its share is rounded up."""
        share = divide(amount.units * self.bps, BPS, Rounding.UP)
        return Amount(amount.asset, self.fixed.units + share)

    def amount_leaving(self, received: Amount) -> Amount:
        """Return the least amount of which so much is left after the fee."""
        asset = received.asset
        exact = divide((received.units + self.fixed.units) * BPS, BPS - self.bps, Rounding.DOWN)
        amount = Amount(asset, exact)
        # The share is rounded up, by less than a unit.
        while amount - self.fee_on(amount) < received:
            amount += Amount(asset, 1)
        return amount


#: The settings of each payment start with this: `bank_withdrawal_fee`, `bank_withdrawal_cost`.
_NAMES: Mapping[tuple[PaymentDirection, PaymentMethod, Asset], str] = MappingProxyType(
    {
        (PaymentDirection.DEPOSIT, PaymentMethod.CARD, USD): "card_deposit",
        (PaymentDirection.DEPOSIT, PaymentMethod.BANK, USD): "bank_deposit",
        (PaymentDirection.DEPOSIT, PaymentMethod.MOBILE_MONEY, USD): "mobile_money_deposit",
        (PaymentDirection.DEPOSIT, PaymentMethod.CRYPTO, USDC): "usdc_deposit",
        (PaymentDirection.DEPOSIT, PaymentMethod.CRYPTO, PAXG): "paxg_deposit",
        (PaymentDirection.WITHDRAWAL, PaymentMethod.BANK, USD): "bank_withdrawal",
        (PaymentDirection.WITHDRAWAL, PaymentMethod.MOBILE_MONEY, USD): "mobile_money_withdrawal",
        (PaymentDirection.WITHDRAWAL, PaymentMethod.CRYPTO, USDC): "usdc_withdrawal",
        (PaymentDirection.WITHDRAWAL, PaymentMethod.CRYPTO, PAXG): "paxg_withdrawal",
    }
)
#: What can be paid in or out.
PAYMENTS = tuple(_NAMES)
#: The largest fee and cost that can be set.
_MAXIMA = {USD: "100", USDC: "100", PAXG: "0.1"}


def _amount(label: str, asset: Asset, text: str, about: str = "") -> Any:
    units = Amount.parse(asset, text).units if text != "0" else 0
    return setting(
        label,
        Amount(asset, units),
        minimum=Amount(asset, 0),
        maximum=Amount.parse(asset, _MAXIMA[asset]),
        about=about,
    )


def _fee(payment: str, asset: Asset, text: str) -> Any:
    return _amount(f"Fee of {payment}", asset, text, "Taken from the amount.")


def _cost(payment: str, asset: Asset, text: str) -> Any:
    about = "What the provider charges us, the dearest one where there are several."
    return _amount(f"Cost of {payment}", asset, text, about)


def _share(label: str) -> Any:
    return setting(label, 290, minimum=0, maximum=1000, unit="basis points")


@settings_group("payment_fees", "Fees of payments")
@dataclass(frozen=True, slots=True)
class PaymentFees:
    """What each payment costs the customer, and what it costs us."""

    card_deposit_fee: Amount = _fee("a card payment, fixed part", USD, "0.30")
    card_deposit_fee_bps: int = _share("Fee of a card payment, share")
    card_deposit_cost: Amount = _cost("a card payment, fixed part", USD, "0.30")
    card_deposit_cost_bps: int = _share("Cost of a card payment, share")
    bank_deposit_fee: Amount = _fee("a deposit by bank", USD, "0")
    bank_deposit_cost: Amount = _cost("a deposit by bank", USD, "0")
    mobile_money_deposit_fee: Amount = _fee("a deposit by mobile money", USD, "0")
    mobile_money_deposit_cost: Amount = _cost("a deposit by mobile money", USD, "0")
    usdc_deposit_fee: Amount = _fee("a deposit of USDC", USDC, "0")
    usdc_deposit_cost: Amount = _cost("a deposit of USDC", USDC, "0")
    paxg_deposit_fee: Amount = _fee("a deposit of PAXG", PAXG, "0")
    paxg_deposit_cost: Amount = _cost("a deposit of PAXG", PAXG, "0")
    bank_withdrawal_fee: Amount = _fee("a withdrawal to a bank", USD, "0.25")
    bank_withdrawal_cost: Amount = _cost("a withdrawal to a bank", USD, "0.25")
    mobile_money_withdrawal_fee: Amount = _fee("a withdrawal to mobile money", USD, "0.10")
    mobile_money_withdrawal_cost: Amount = _cost("a withdrawal to mobile money", USD, "0.10")
    usdc_withdrawal_fee: Amount = _fee("a withdrawal of USDC", USDC, "4")
    usdc_withdrawal_cost: Amount = _cost("a withdrawal of USDC", USDC, "4")
    paxg_withdrawal_fee: Amount = _fee("a withdrawal of PAXG", PAXG, "0.0008")
    paxg_withdrawal_cost: Amount = _cost("a withdrawal of PAXG", PAXG, "0.0008")

    def __post_init__(self) -> None:
        """Check that no payment costs us more than it costs the customer."""
        for field in fields(self):
            if "_cost" in field.name and self._is_below_cost(field.name):
                payment = field.name.partition("_cost")[0].replace("_", " ")
                for token in (USDC.code, PAXG.code):
                    payment = payment.replace(token.lower(), token)
                raise ValueError(f"The fee of a {payment} cannot be below its cost.")

    def _is_below_cost(self, name: str) -> bool:
        return bool(getattr(self, name.replace("_cost", "_fee")) < getattr(self, name))

    def rate(self, direction: PaymentDirection, method: PaymentMethod, asset: Asset) -> FeeRate:
        """Return the fee of a payment. Raises `KeyError` for one that is not in `PAYMENTS`."""
        name = _NAMES[direction, method, asset]
        is_card = method is PaymentMethod.CARD
        return FeeRate(getattr(self, f"{name}_fee"), self.card_deposit_fee_bps if is_card else 0)


@dataclass(frozen=True, slots=True)
class PaymentQuote:
    """What a payment of an amount costs, and what is left of it."""

    direction: PaymentDirection
    method: PaymentMethod
    amount: Amount
    fee: Amount

    @property
    def receives(self) -> Amount:
        """What is credited of a deposit, or paid out of a withdrawal."""
        return self.amount - self.fee


def quote(
    session: Session,
    direction: PaymentDirection,
    method: PaymentMethod,
    amount: Amount,
    *,
    agreed_max: Amount | None = None,
) -> PaymentQuote:
    """Return the fee of a payment and what is left.

    Raises `Invalid` if nothing is, and `FeeChanged` above the fee that the customer agreed to.
    """
    fee = current(session, PaymentFees).rate(direction, method, amount.asset).fee_on(amount)
    if not fee < amount:
        raise Invalid("amount", f"Enter more than the fee of {format_amount(fee)}.")
    if agreed_max is not None and agreed_max < fee:
        raise FeeChanged(f"The fee is {format_amount(fee)} now.")
    return PaymentQuote(direction, method, amount, fee)


def quote_deposit_of(session: Session, method: PaymentMethod, received: Amount) -> PaymentQuote:
    """Return the least deposit of which so much is credited, with its fee."""
    rate = current(session, PaymentFees).rate(PaymentDirection.DEPOSIT, method, received.asset)
    amount = rate.amount_leaving(received)
    return PaymentQuote(PaymentDirection.DEPOSIT, method, amount, rate.fee_on(amount))


def fee_on_arrival(session: Session, method: PaymentMethod, amount: Amount) -> Amount:
    """Return the fee on money that arrived, at most all of it."""
    rates = current(session, PaymentFees)
    return min(rates.rate(PaymentDirection.DEPOSIT, method, amount.asset).fee_on(amount), amount)
