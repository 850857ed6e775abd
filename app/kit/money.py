"""Exact amounts: integer minor units of an asset with a fixed scale. Rounding is always named."""

import re
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from enum import Enum
from fractions import Fraction
from typing import Self

# ASCII digits only: `str.isdigit` and Decimal() also take other scripts, exponents, NaN and signs.
_PLAIN_DECIMAL = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
_LENGTH_MAX = 40
# Far above any real amount, and far enough below 2**63 that no sum of two overflows in PostgreSQL.
UNITS_MAX = 10**18


class InvalidAmount(ValueError):
    """The text is not an amount of this asset. The message says what to enter."""


class Rounding(Enum):
    """How a fraction of a minor unit is rounded. Always named at the call."""

    DOWN = "toward zero"
    UP = "away from zero"
    HALF_UP = "to the nearest, halves away from zero"


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset. `scale` is its number of decimals and never changes."""

    code: str
    scale: int

    @property
    def unit(self) -> int:
        """Minor units in one unit: 100 for USD, 100,000,000 for a troy ounce."""
        return int(10**self.scale)


@dataclass(frozen=True, slots=True)
class Amount:
    """`units` minor units of `asset`; may be negative. Arithmetic only within one asset."""

    asset: Asset
    units: int

    @classmethod
    def parse(cls, asset: Asset, text: str) -> Self:
        """Return the positive amount in `text`, which is in plain decimal notation.

        Raises `InvalidAmount` for anything else: signs, exponents, zero, other digits, more
        decimals than the asset has, or more than 10^18 minor units.
        """
        if len(text) > _LENGTH_MAX or not _PLAIN_DECIMAL.fullmatch(text):
            raise InvalidAmount('Enter an amount as a decimal string, like "12.5".')
        whole, _, decimals = text.partition(".")
        if len(decimals) > asset.scale:
            raise InvalidAmount(
                f"Enter an amount with at most {asset.scale} decimals of {asset.code}."
            )
        units = int(whole + decimals.ljust(asset.scale, "0"))
        if units == 0:
            raise InvalidAmount("Enter an amount above zero.")
        if units > UNITS_MAX:
            raise InvalidAmount("Enter a smaller amount. This one is more than can be moved.")
        return cls(asset, units)

    def __str__(self) -> str:
        """Return plain decimal notation with the asset's full scale: `1250.00`."""
        sign = "-" if self.units < 0 else ""
        digits = str(abs(self.units)).rjust(self.asset.scale + 1, "0")
        if self.asset.scale == 0:
            return sign + digits
        return f"{sign}{digits[: -self.asset.scale]}.{digits[-self.asset.scale :]}"

    def __add__(self, other: "Amount") -> "Amount":
        self._require_same_asset(other)
        return Amount(self.asset, self.units + other.units)

    def __sub__(self, other: "Amount") -> "Amount":
        self._require_same_asset(other)
        return Amount(self.asset, self.units - other.units)

    def __neg__(self) -> "Amount":
        return Amount(self.asset, -self.units)

    def __lt__(self, other: "Amount") -> bool:
        self._require_same_asset(other)
        return self.units < other.units

    def __le__(self, other: "Amount") -> bool:
        self._require_same_asset(other)
        return self.units <= other.units

    def __bool__(self) -> bool:
        return self.units != 0

    def _require_same_asset(self, other: "Amount") -> None:
        if self.asset != other.asset:
            raise TypeError(f"cannot combine {self.asset.code} with {other.asset.code}")


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Return `numerator / denominator` as an integer. `denominator` is positive."""
    quotient, remainder = divmod(abs(numerator), denominator)
    if rounding is Rounding.UP:
        quotient += remainder > 0
    elif rounding is Rounding.HALF_UP:
        quotient += 2 * remainder >= denominator
    return quotient if numerator >= 0 else -quotient


def round_units(exact: Fraction, rounding: Rounding) -> int:
    """Return an exact number of minor units as an integer."""
    return divide(exact.numerator, exact.denominator, rounding)


def quantize_down(value: Decimal, decimals: int) -> Decimal:
    """Return `value` truncated to so many decimals, toward zero."""
    return value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN)
