"""Market hours. Pure, and in New York time, so that daylight saving needs no special case.

From Sunday 18:00 to Friday 17:00 with a break from 17:00 to 18:00 each day, closed as the calendar
in market_calendar.toml says. The instant of opening is inside the session, that of closing outside.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from app.kit.labels import LabelledEnum

NEW_YORK = ZoneInfo("America/New_York")
CLOSES = time(17)
OPENS = time(18)
#: How long before its end the calendar has to be extended.
NOTICE = timedelta(days=60)
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6
_MOMENT = timedelta(microseconds=1)
# A session begins and one ends within so many days, holidays included.
_DAYS = 8


class ClosedReason(LabelledEnum):
    """Why the market is closed."""

    WEEKEND = "weekend", "Weekend"
    DAILY_BREAK = "daily_break", "Daily break"
    HOLIDAY = "holiday", "Holiday"
    NO_CALENDAR = "no_calendar", "Holidays not known"


@dataclass(frozen=True, slots=True)
class Closure:
    """A holiday, or the early close before one."""

    begins: datetime
    ends: datetime
    holiday: str


@dataclass(frozen=True, slots=True)
class MarketCalendar:
    """The closures of the market between two instants, and where they are from."""

    source: str
    begins: datetime
    ends: datetime
    closures: tuple[Closure, ...]

    def closure_at(self, instant: datetime) -> Closure | None:
        """Return the closure in force at this instant."""
        return next((c for c in self.closures if c.begins <= instant < c.ends), None)

    def needs_extension(self, instant: datetime) -> bool:
        """Return whether the calendar ends soon, or does not cover the instant."""
        return not self.begins <= instant < self.ends - NOTICE


@dataclass(frozen=True, slots=True)
class Closed:
    """That the market is closed, and why; `holiday` names one."""

    reason: ClosedReason
    holiday: str = ""

    @property
    def why(self) -> str:
        """The reason, to follow a colon."""
        return self.holiday or self.reason.label.lower()


def _at_midnight(day: date) -> datetime:
    return datetime.combine(day, time(), NEW_YORK).astimezone(UTC)


def parse_calendar(text: str) -> MarketCalendar:
    """Return a calendar from TOML. Raises `ValueError` for one that contradicts itself."""
    document: dict[str, Any] = tomllib.loads(text)
    closures = tuple(
        Closure(
            each["closes"].replace(tzinfo=NEW_YORK).astimezone(UTC),
            each["opens"].replace(tzinfo=NEW_YORK).astimezone(UTC),
            each["holiday"],
        )
        for each in document["closures"]
    )
    instants = [instant for closure in closures for instant in (closure.begins, closure.ends)]
    if instants != sorted(set(instants)):
        raise ValueError("the closures of the calendar are not in order")
    return MarketCalendar(
        " ".join(document["source"].split()),
        _at_midnight(document["begins"]),
        _at_midnight(document["ends"]),
        closures,
    )


CALENDAR = parse_calendar(Path(__file__).with_name("market_calendar.toml").read_text("utf-8"))


def why_closed(instant: datetime, calendar: MarketCalendar = CALENDAR) -> Closed | None:
    """Return why the market is closed at this (aware) instant; None while it is open."""
    if not calendar.begins <= instant < calendar.ends:
        return Closed(ClosedReason.NO_CALENDAR)
    closure = calendar.closure_at(instant)
    if closure is not None:
        return Closed(ClosedReason.HOLIDAY, closure.holiday)
    local = instant.astimezone(NEW_YORK)
    weekday, clock = local.weekday(), local.time()
    if (
        weekday == _SATURDAY
        or (weekday == _SUNDAY and clock < OPENS)
        or (weekday == _FRIDAY and clock >= CLOSES)
    ):
        return Closed(ClosedReason.WEEKEND)
    return Closed(ClosedReason.DAILY_BREAK) if CLOSES <= clock < OPENS else None


def is_open(instant: datetime) -> bool:
    """Return whether the market is open at this (aware) instant."""
    return why_closed(instant) is None


def next_opening(instant: datetime) -> datetime | None:
    """Return the first instant after this one at which a session begins, in UTC; None if the
    calendar has none."""
    return next((each for each in _boundaries(instant) if _opens(each)), None)


def next_close(instant: datetime) -> datetime | None:
    """Return the first instant after this one at which a session ends, in UTC; None if the calendar
    has none."""
    return next((each for each in _boundaries(instant) if _closes(each)), None)


def last_close(instant: datetime) -> datetime | None:
    """Return the last instant up to this one at which a session ended, in UTC; None if none did in
    the week before."""
    week = _boundaries(instant - timedelta(days=_DAYS - 1))
    return max((each for each in week if each <= instant and _closes(each)), default=None)


def _opens(instant: datetime) -> bool:
    return is_open(instant) and not is_open(instant - _MOMENT)


def _closes(instant: datetime) -> bool:
    return not is_open(instant) and is_open(instant - _MOMENT)


def _boundaries(instant: datetime) -> Iterator[datetime]:
    """Yield, in order, every later instant of the coming days at which the market may change."""
    today = instant.astimezone(NEW_YORK).date()
    daily = (
        datetime.combine(today + timedelta(days=days), clock, NEW_YORK).astimezone(UTC)
        for days in range(_DAYS)
        for clock in (CLOSES, OPENS)
    )
    special = (each for c in CALENDAR.closures for each in (c.begins, c.ends))
    candidates = {*daily, *special, CALENDAR.begins, CALENDAR.ends}
    yield from sorted(each for each in candidates if each > instant)
