"""Dollars and the shillings that they stand for at M-Pesa, and how Daraja writes them."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from app.catalog.rules import USD
from app.kit.money import Amount, Rounding, round_units
from app.settings.rules import setting, settings_group

#: Below this rate a shilling is more than a cent.
KES_PER_USD_MIN = 100


@settings_group("mpesa", "M-Pesa")
@dataclass(frozen=True, slots=True)
class MpesaRules:
    """At which rate customers pay and are paid in Kenyan shillings."""

    kes_per_usd: Decimal = setting(
        "Shillings for a dollar",
        Decimal(130),
        minimum=Decimal(KES_PER_USD_MIN),
        maximum=Decimal(1000),
        unit="shillings",
        about="In both directions. Payments and payouts that are in progress keep the rate at which"
        " they were agreed.",
    )


class ExchangeRate:
    """Shillings per dollar. Raises `ValueError` below 100."""

    def __init__(self, kes_per_usd: Decimal) -> None:
        if kes_per_usd < KES_PER_USD_MIN:
            raise ValueError("The rate is below 100 shillings for a dollar.")
        self._kes_per_cent = Fraction(kes_per_usd) / USD.unit

    def shillings_to_charge(self, amount: Amount) -> int:
        """Return the shillings that a customer pays for these dollars."""
        return self._shillings(amount, Rounding.UP)

    def dollars_charged(self, shillings: int) -> Amount:
        """Return the dollars for which a customer was charged these shillings."""
        return Amount(USD, round_units(shillings / self._kes_per_cent, Rounding.DOWN))

    def shillings_to_pay_out(self, amount: Amount) -> int:
        """Return the shillings that a customer receives for these dollars."""
        return self._shillings(amount, Rounding.DOWN)

    def dollars_paid_out(self, shillings: int) -> Amount:
        """Return the dollars for which a customer received these shillings."""
        return Amount(USD, round_units(shillings / self._kes_per_cent, Rounding.UP))

    def _shillings(self, amount: Amount, rounding: Rounding) -> int:
        if amount.asset != USD:
            raise ValueError("Only dollars can be converted.")
        return round_units(amount.units * self._kes_per_cent, rounding)


#: Returns the rate at this moment.
CurrentRate = Callable[[], ExchangeRate]


@dataclass(frozen=True, slots=True)
class AgreedTerms:
    """Dollars, and the shillings that they were agreed to stand for, whatever the rate is now."""

    cents: int
    shillings: int
    #: A payout's number, counted from one: Daraja never pays a second order with the same id.
    order: int = 1

    @classmethod
    def parse(cls, text: str) -> "AgreedTerms | None":
        """Return the terms that `str` wrote, also without the number; None for an empty text."""
        return cls(*(int(number) for number in text.split("."))) if text else None

    def __str__(self) -> str:
        return f"{self.cents}.{self.shillings}.{self.order}"

    def dollars_for(self, shillings: int) -> Amount | None:
        """Return the agreed dollars if these are the agreed shillings, else None."""
        return Amount(USD, self.cents) if shillings == self.shillings else None


def read_shillings(value: object) -> int:
    """Return an amount that Daraja writes as 650, 650.0, "650" or "650.00".

    Raises `ValueError` for anything else: a wallet holds whole shillings.
    """
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("The amount is not a number.") from None
    if not amount.is_finite() or amount < 0 or amount != amount.to_integral_value():
        raise ValueError("The amount is not in whole shillings.")
    return int(amount)
