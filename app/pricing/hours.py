"""Market hours. Pure, and in New York time, so that daylight saving needs no special case.

From Sunday 18:00 to Friday 17:00 with a break from 17:00 to 18:00 each day, closed on Christmas
Day and New Year's Day. The instant of opening is inside the session, that of closing outside.
"""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
CLOSES = time(17)
OPENS = time(18)
HOLIDAYS = frozenset({(12, 25), (1, 1)})
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6


def is_open(instant: datetime) -> bool:
    """Return whether the market is open at this (aware) instant."""
    local = instant.astimezone(NEW_YORK)
    if (local.month, local.day) in HOLIDAYS:
        return False
    weekday, clock = local.weekday(), local.time()
    if weekday == _SATURDAY:
        return False
    if weekday == _SUNDAY:
        return clock >= OPENS
    return clock < CLOSES or (clock >= OPENS and weekday != _FRIDAY)


def next_opening(instant: datetime) -> datetime:
    """Return the first instant after this one at which a session begins, in UTC."""
    today = instant.astimezone(NEW_YORK).date()
    # A holiday next to a weekend closes the market for at most four days.
    for days in range(7):
        for opening in (time(0), OPENS):
            local = datetime.combine(today + timedelta(days=days), opening, NEW_YORK)
            begins = local.astimezone(UTC)
            if begins > instant and is_open(begins) and not is_open(_just_before(begins)):
                return begins
    raise AssertionError("every week has an opening")


def _just_before(instant: datetime) -> datetime:
    return instant - timedelta(microseconds=1)
