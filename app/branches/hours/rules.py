"""Opening hours on the clock of the branch, and when it is open. Pure.

The hours of a day are a text like `09:00-12:30, 14:00-18:00`, and empty if it is closed. A period
that closes before it opens ends on the next day. The hours of a day that differs replace those of
its weekday. A time that the clock skips is the one after it, and one that it shows twice the first.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from app.kit.errors import Invalid

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
#: The hours of a branch that has none yet.
ALWAYS_CLOSED: tuple[str, ...] = ("",) * len(WEEKDAYS)
#: How many days ahead an opening or closing is looked for.
HORIZON_DAYS = 60
_DAY = 24 * 60
_PERIOD = re.compile(r"(\d\d):(\d\d)\s?[-\u2013]\s?(\d\d):(\d\d)", re.ASCII)
_PERIODS_MAX = 4


@dataclass(frozen=True, slots=True)
class DayPeriod:
    """Minutes since midnight; `closes` is beyond the day where the branch closes after midnight."""

    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a branch is open: the hours of each weekday from Monday on, and of days that differ."""

    time_zone: str
    week: Sequence[str] = ALWAYS_CLOSED
    days: Mapping[date, str] = field(default_factory=dict)

    def hours_of(self, day: date) -> str:
        """Return the hours of a day, as text."""
        return self.days.get(day, self.week[day.weekday()])


@dataclass(frozen=True, slots=True)
class OpeningState:
    """Whether a branch is open, and when that changes; None if not within `HORIZON_DAYS`."""

    is_open: bool
    changes_at: datetime | None


def parse_hours(field_name: str, text: str) -> list[DayPeriod]:
    """Return the periods of a day in their order; none if it is closed.

    Raises `Invalid` naming the field for another form, and for periods that overlap.
    """
    periods: list[DayPeriod] = []
    for part in text.split(",") if text.strip() else ():
        period = _parse_period(part.strip())
        if period is None or len(periods) == _PERIODS_MAX:
            raise Invalid(
                field_name, "Enter hours like 09:00-12:30, 14:00-18:00. Leave it empty if closed."
            )
        if periods and period.opens < periods[-1].closes:
            raise Invalid(field_name, "Enter the hours in their order, without overlap.")
        periods.append(period)
    return periods


def _parse_period(text: str) -> DayPeriod | None:
    match = _PERIOD.fullmatch(text)
    if match is None:
        return None
    hour, minute, end_hour, end_minute = map(int, match.groups())
    opens, closes = hour * 60 + minute, end_hour * 60 + end_minute
    if max(minute, end_minute) >= 60 or opens >= _DAY or closes > _DAY or opens == closes:  # noqa: PLR2004 - minutes of an hour
        return None
    return DayPeriod(opens, closes if closes > opens else closes + _DAY)


def clean_hours(field_name: str, text: str) -> str:
    """Return the hours of a day as they are stored. Raises `Invalid` as `parse_hours` does."""
    return ", ".join(
        f"{write_minutes(period.opens)}-{write_minutes(period.closes)}"
        for period in parse_hours(field_name, text)
    )


def write_minutes(minutes: int) -> str:
    """Return the time on the clock, 24:00 at the end of the day."""
    shown = minutes if minutes <= _DAY else minutes - _DAY
    return f"{shown // 60:02}:{shown % 60:02}"


def clean_time_zone(text: str) -> str:
    """Return the time zone. Raises `Invalid` for one that the tz database does not have."""
    if text not in available_timezones():
        raise Invalid("time_zone", "Enter a time zone, like America/New_York.")
    return text


def state_at(schedule: Schedule, instant: datetime) -> OpeningState:
    """Return whether the branch is open at an instant, and when that changes. It is open when it
    opens, and closed when it closes."""
    today = instant.astimezone(ZoneInfo(schedule.time_zone)).date()
    horizon = instant + timedelta(days=HORIZON_DAYS)
    for opens, closes in _merge(_list_periods(schedule, today)):
        if closes > instant:
            is_open = opens <= instant
            change = closes if is_open else opens
            return OpeningState(is_open, change if change < horizon else None)
    return OpeningState(is_open=False, changes_at=None)


def _list_periods(schedule: Schedule, today: date) -> Iterator[tuple[datetime, datetime]]:
    zone = ZoneInfo(schedule.time_zone)
    # Yesterday's last period may end today.
    for offset in range(-1, HORIZON_DAYS + 2):
        day = today + timedelta(days=offset)
        for period in parse_hours("hours", schedule.hours_of(day)):
            opens, closes = (_at(day, minutes, zone) for minutes in (period.opens, period.closes))
            # The clock may skip a whole period.
            if opens < closes:
                yield opens, closes


def _at(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    days, rest = divmod(minutes, _DAY)
    clock_time = time(rest // 60, rest % 60)
    return datetime.combine(day + timedelta(days=days), clock_time, zone).astimezone(UTC)


def _merge(periods: Iterator[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """Return the periods in order; those that touch or overlap are one."""
    merged: list[tuple[datetime, datetime]] = []
    for opens, closes in sorted(periods):
        if merged:
            first, last = merged[-1]
            if opens <= last:
                merged[-1] = (first, max(last, closes))
                continue
        merged.append((opens, closes))
    yield from merged
