"""Dollars as whole shillings and back, at one rate. Both roundings are in our favour, and undo each
other as long as a shilling is at most a cent."""

from decimal import Decimal
from fractions import Fraction

from app.catalog.rules import USD
from app.kit.money import Amount, Rounding, round_units

#: Below this a shilling is more than a cent.
KES_PER_USD_MIN = 100


class ExchangeRate:
    """Shillings for a dollar. Raises `ValueError` below 100."""

    def __init__(self, kes_per_usd: Decimal) -> None:
        if kes_per_usd < KES_PER_USD_MIN:
            raise ValueError("fewer than a hundred shillings for a dollar")
        self._kes_per_cent = Fraction(kes_per_usd) / USD.unit

    def shillings_to_charge(self, amount: Amount) -> int:
        """The shillings that a customer pays for these dollars."""
        return self._shillings(amount, Rounding.UP)

    def dollars_charged(self, shillings: int) -> Amount:
        """The dollars that were asked for when a customer paid this."""
        return Amount(USD, round_units(shillings / self._kes_per_cent, Rounding.DOWN))

    def shillings_to_pay_out(self, amount: Amount) -> int:
        """The shillings that a customer gets for these dollars."""
        return self._shillings(amount, Rounding.DOWN)

    def dollars_paid_out(self, shillings: int) -> Amount:
        """The dollars that were to be sent when a customer got this."""
        return Amount(USD, round_units(shillings / self._kes_per_cent, Rounding.UP))

    def _shillings(self, amount: Amount, rounding: Rounding) -> int:
        if amount.asset != USD:
            raise ValueError("only dollars are sent and taken")
        return round_units(amount.units * self._kes_per_cent, rounding)
