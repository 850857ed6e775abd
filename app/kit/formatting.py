"""How amounts, prices and times are written for people. Nothing else decides it.

Nothing is rounded away, everything is in UTC and in English whatever the locale, and negative
numbers have a minus sign. What programs read (the API's JSON, CSV, `datetime` and `value`
attributes) is written by `clock.rfc3339` and `str(amount)` instead.

An amount has at least two decimals if it counts dollars and four if it counts ounces, its other
decimals as far as they are not zero, and the code of its asset after it: `15,000.00 USD`,
`1.5000 XAU-s`, `0.02487501 XAU-s`. Where ounces have no asset, as in the chart of exposure, their
unit is `ozt`. A figure is an amount in a column whose head has the unit: all its decimals are
there, so that the points are in line.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from app.kit.money import Amount

_MINUS = "\N{MINUS SIGN}"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Dollars and tokens of dollars have no more decimals than this, ounces have more.
_DOLLAR_SCALE_MAX = 6
_DOLLAR_DECIMALS, _OUNCE_DECIMALS = 2, 4
#: Prices below this, in dollars, have as many decimals as ounces: copper costs cents.
_LOW_PRICE = 10
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Figure:
    """The parts of a number that a page shows differently; joined they are the number.

    `coarse` begins with the decimal point. `fine` has the decimals that a page subdues.
    """

    sign: str
    whole: str
    coarse: str
    fine: str

    def __str__(self) -> str:
        """Return the number with all its decimals."""
        return f"{self.sign}{self.whole}{self.coarse}{self.fine}"

    def trim(self) -> str:
        """Return the number without the zeros that end its fine part."""
        return f"{self.sign}{self.whole}{self.coarse}{self.fine.rstrip('0')}"


def split_amount(amount: Amount) -> Figure:
    """Return the parts of the amount."""
    return _split_exact(str(amount))


def format_figure(amount: Amount) -> str:
    """Return the amount for a column: `1,250.50000000`."""
    return str(split_amount(amount))


def format_amount(amount: Amount) -> str:
    """Return the amount with its asset's code: `15,000.00 USD`."""
    return format_exact_amount(f"{amount} {amount.asset.code}")


def format_exact_amount(text: str) -> str:
    """Return an amount stored as an exact text, `15000.00 USD`, as `format_amount` does."""
    number, code = text.split(" ")
    return f"{_split_exact(number).trim()} {code}"


def format_tersely(amount: Amount) -> str:
    """Return the number alone, without zeros at its end: `1,250.5`."""
    return str(split_amount(amount)).rstrip("0").rstrip(".")


def format_price(price: Decimal) -> str:
    """Return a price in dollars: `4,012.50 USD`, `0.3125 USD`."""
    decimals = _DOLLAR_DECIMALS if abs(price) >= _LOW_PRICE else _OUNCE_DECIMALS
    return f"{_split(f'{price:f}', decimals).trim()} USD"


def format_count(count: int) -> str:
    """Return a number of things: `12,500`."""
    return str(_split(str(count), 0))


def format_number_of(count: int, one: str, several: str = "") -> str:
    """Return a number with its noun: `1 job`, `12,500 jobs`; `several` is given for `entries`."""
    return f"{format_count(count)} {one if count == 1 else several or f'{one}s'}"


def format_time(instant: datetime) -> str:
    """Return an aware instant to the minute: `28 Nov 2026, 23:21 UTC`."""
    at = instant.astimezone(UTC)
    return f"{format_date(at)}, {at:%H:%M} UTC"


def format_exact_time(instant: datetime) -> str:
    """Return an aware instant to the second: `28 Nov 2026, 23:21:05 UTC`."""
    return f"{format_date(instant)}, {format_clock(instant)}"


def format_clock(instant: datetime) -> str:
    """Return the time of day of an aware instant: `23:21:05 UTC`."""
    return f"{instant.astimezone(UTC):%H:%M:%S} UTC"


def format_date(day: date) -> str:
    """Return a day, or the day in UTC of an aware instant: `28 Nov 2026`."""
    if isinstance(day, datetime):
        day = day.astimezone(UTC)
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def format_duration(seconds: float) -> str:
    """Return a duration or an age, rounded down to its coarsest useful unit: `45 s`, `12 min`."""
    if seconds < _MINUTE:
        return f"{int(seconds)} s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min"
    if seconds < 2 * _DAY:
        return f"{int(seconds // _HOUR)} h"
    return format_number_of(int(seconds // _DAY), "day")


def format_wait(seconds: int) -> str:
    """Return how long to wait, rounded up to a useful unit: `45 seconds`, `2 minutes`, `1 day`."""
    units = ((_MINUTE, 1, "second"), (_HOUR, _MINUTE, "minute"), (_DAY, _HOUR, "hour"))
    for limit, unit, name in units:
        if (count := -(-seconds // unit)) * unit < limit:
            return format_number_of(max(1, count), name)
    return format_number_of(-(-seconds // _DAY), "day")


def _split_exact(number: str) -> Figure:
    """Return the parts of a number that has all the decimals of its asset."""
    scale = len(number.partition(".")[2])
    return _split(number, _DOLLAR_DECIMALS if scale <= _DOLLAR_SCALE_MAX else _OUNCE_DECIMALS)


def _split(text: str, coarse: int) -> Figure:
    """Return the parts of a plain decimal number with at least `coarse` decimals."""
    sign = _MINUS if text.startswith("-") else ""
    whole, _, decimals = text.removeprefix("-").partition(".")
    decimals = decimals.ljust(coarse, "0")
    point = "." if decimals else ""
    return Figure(sign, f"{int(whole):,}", point + decimals[:coarse], decimals[coarse:])
