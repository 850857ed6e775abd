"""What storing costs, the status of a charge, and how its arithmetic is written. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from app.catalog.rules import PRICED_NAMES, SYNTHETIC, USD, Metal
from app.kit.formatting import format_amount, format_date, format_tersely
from app.kit.labels import Mark, StatusEnum
from app.kit.money import Amount, Rounding, round_units
from app.kit.states import Transitions
from app.settings.rules import setting, settings_group

#: The prefix of a charge's public id: the reference of its entry in the ledger.
PREFIX = "sfe"
#: Rates are of a year of so many days, also in leap years.
YEAR_DAYS = 365
_DAY = timedelta(days=1)


class ChargeStatus(StatusEnum):
    """The status of a charge."""

    DUE = "due", "To be charged", Mark.UNDERWAY
    """Its month is closed, and nothing is taken yet."""
    CHARGED = "charged", "Charged", Mark.DONE
    """It is posted. What the customer could not pay, they owe."""
    WAIVED = "waived", "Waived", Mark.ENDED
    """Staff waived it. What was taken is given back."""


TRANSITIONS = Transitions(
    {
        ChargeStatus.DUE: frozenset({ChargeStatus.CHARGED, ChargeStatus.WAIVED}),
        ChargeStatus.CHARGED: frozenset({ChargeStatus.WAIVED}),
    }
)


def _rate(name: str, percent: str) -> Any:
    return setting(
        f"Storage fee of {name}",
        Decimal(percent),
        minimum=Decimal(0),
        maximum=Decimal(10),
        unit="percent a year",
        about="A change applies from the day on which it takes effect.",
    )


def _allowance(name: str, ounces: str) -> Any:
    return setting(
        f"Free storage of {name}",
        Decimal(ounces),
        minimum=Decimal(0),
        maximum=Decimal(1_000_000),
        unit="troy ounces",
        about="So much of each customer's metal is kept free of charge.",
    )


@settings_group("storage_fees", "Storage fees")
@dataclass(frozen=True, slots=True)
class StorageFeeRules:
    """What storing metal costs, and above how many ounces."""

    rate_au: Decimal = _rate("gold", "0.12")
    rate_ag: Decimal = _rate("silver", "0.48")
    rate_pt: Decimal = _rate("platinum", "0.48")
    rate_pd: Decimal = _rate("palladium", "0.48")
    rate_cu: Decimal = _rate("copper", "0.48")
    free_au: Decimal = _allowance("gold", "1")
    free_ag: Decimal = _allowance("silver", "50")
    free_pt: Decimal = _allowance("platinum", "1")
    free_pd: Decimal = _allowance("palladium", "1")
    free_cu: Decimal = _allowance("copper", "1000")
    goods_free_days: int = setting(
        "Free storage of goods that wait for their owner",
        30,
        minimum=0,
        maximum=365,
        unit="days",
        about="Coins and bars that a customer owns and has not received count as stored from then"
        " on.",
    )
    sale_wait_days: int = setting(
        "A charge waits for the sale of metal",
        5,
        minimum=0,
        maximum=28,
        unit="days",
        about="Where the customer agreed to it and the market is closed or halted. Then they owe"
        " what their dollars do not cover.",
    )
    approval_from: Amount = setting(
        "A second person approves waived storage fees from",
        Amount(USD, 50_00),
        minimum=Amount(USD, 1),
        maximum=Amount(USD, 1_000_000_00),
    )

    def rate_of(self, metal: Metal) -> Decimal:
        """Return the rate, in percent a year."""
        rate: Decimal = getattr(self, f"rate_{metal.lower()}")
        return rate

    def allowance_of(self, metal: Metal) -> Amount:
        """Return the ounces that are free."""
        asset = SYNTHETIC[metal]
        ounces: Decimal = getattr(self, f"free_{metal.lower()}")
        return Amount(asset, int(ounces * asset.unit))


@dataclass(frozen=True, slots=True)
class FeeLine:
    """The fee of one metal for the days of a month that have one rate and one allowance.

    The parts of a metal add up to its fee of the month, which is rounded once, halves up.
    """

    metal: Metal
    days: int
    #: The ounces of each day added up, in 10^-8 ounce-days.
    ounce_days_units: Decimal
    allowance_units: int
    rate_percent: Decimal
    #: What the ounces above the allowance are worth, each day's at its own price, added up: in
    #: dollars times 10^-8 ounces.
    value_days: Decimal
    fee_units: int

    @property
    def metal_name(self) -> str:
        """The name of the metal, for people."""
        return PRICED_NAMES[self.metal].capitalize()

    @property
    def average(self) -> Amount:
        """The ounces on an average day, to the nearest 10^-8."""
        return self._ounces(Fraction(self.ounce_days_units) / self.days)

    @property
    def allowance(self) -> Amount:
        """The ounces that were free."""
        return self._ounces(Fraction(self.allowance_units))

    @property
    def value(self) -> Amount:
        """What the ounces above the allowance were worth on an average day, to the nearest cent."""
        exact = Fraction(self.value_days) * USD.unit / (SYNTHETIC[self.metal].unit * self.days)
        return Amount(USD, round_units(exact, Rounding.HALF_UP))

    @property
    def fee(self) -> Amount:
        """What it costs."""
        return Amount(USD, self.fee_units)

    @property
    def rate(self) -> str:
        """The rate in percent a year, without zeros at its end: `0.12`."""
        return f"{self.rate_percent.normalize():f}"

    @property
    def explanation(self) -> str:
        """The arithmetic in one line."""
        return (
            f"{self.metal_name}: {format_tersely(self.average)} ozt on average, "
            f"{format_tersely(self.allowance)} ozt free; worth {format_amount(self.value)} x "
            f"{self.rate} % x {self.days}/{YEAR_DAYS} days = "
            f"{format_amount(self.fee)}"
        )

    def _ounces(self, exact_units: Fraction) -> Amount:
        return Amount(SYNTHETIC[self.metal], round_units(exact_units, Rounding.HALF_UP))


def fee_by_metal(lines: tuple[FeeLine, ...]) -> Mapping[Metal, Amount]:
    """Return the fee of each metal that costs something, the dearest one first."""
    totals: dict[Metal, int] = {}
    for line in lines:
        totals[line.metal] = totals.get(line.metal, 0) + line.fee_units
    dearest = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    return {metal: Amount(USD, units) for metal, units in dearest if units}


def day_end(day: date) -> datetime:
    """Return the instant 24:00 UTC of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + _DAY


def days_to_accrue(last_accrued: date | None, now: datetime, margin: timedelta) -> list[date]:
    """Return the days that ended at least `margin` ago and are not accrued, the oldest first; only
    the last one where none ever was."""
    last_ended = (now - margin).date() - _DAY
    if last_accrued is None:
        return [last_ended]
    count = (last_ended - last_accrued).days
    return [last_accrued + number * _DAY for number in range(1, count + 1)]


def next_month(month: date) -> date:
    """Return the first day of the month after that of `month`."""
    return (month.replace(day=28) + 4 * _DAY).replace(day=1)


def format_month(month: date) -> str:
    """Return a month, by its first day, for people: `Nov 2026`."""
    return format_date(month).removeprefix("1 ")
