"""Weekdays of a month, and the holidays of the Federal Reserve Banks. Pure."""

from datetime import date, timedelta

MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6


def find_weekday(year: int, month: int, weekday: int, count: int = 1) -> date:
    """Return the first weekday of a month, counted from Monday as 0, or the `count`-th one."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7, weeks=count - 1)


def find_last_weekday(year: int, month: int, weekday: int) -> date:
    """Return the last weekday of a month that is no December, counted from Monday as 0."""
    return find_weekday(year, month + 1, weekday) - timedelta(weeks=1)


def is_banking_day(day: date) -> bool:
    """Return whether the Federal Reserve Banks are open: no weekend and no holiday."""
    return day.weekday() < SATURDAY and day not in _bank_holidays(day.year)


def _bank_holidays(year: int) -> frozenset[date]:
    """Return the holidays of a year. One on a Sunday is kept on Monday, one on a Saturday is
    not kept on another day."""
    fixed = (date(year, month, day) for month, day in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25)))
    return frozenset(
        {
            *(day + timedelta(days=day.weekday() == SUNDAY) for day in fixed),
            find_weekday(year, 1, MONDAY, 3),
            find_weekday(year, 2, MONDAY, 3),
            find_last_weekday(year, 5, MONDAY),
            find_weekday(year, 9, MONDAY),
            find_weekday(year, 10, MONDAY, 2),
            find_weekday(year, 11, THURSDAY, 4),
        }
    )
