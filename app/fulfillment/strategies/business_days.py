"""The days on which carriers collect and deliver. Pure."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.kit.us_holidays import (
    MONDAY,
    SATURDAY,
    THURSDAY,
    find_last_weekday,
    find_weekday,
)


def is_business_day(day: date) -> bool:
    """Return whether FedEx and UPS carry parcels: not at weekends, and not on the holidays that
    both of them keep."""
    return day.weekday() < SATURDAY and day not in _holidays(day.year)


def add_business_days(day: date, count: int) -> date:
    """Return the business day that is so many after a day."""
    while count:
        day += timedelta(days=1)
        count -= is_business_day(day)
    return day


def shipping_day(at: datetime, time_zone: str, cut_off_hour: int) -> date:
    """Return the day on which the carrier takes what is packed at an instant: the same business
    day until the hour, on the clock of the place, and else the next one."""
    local = at.astimezone(ZoneInfo(time_zone))
    day = local.date()
    if local.hour >= cut_off_hour:
        day += timedelta(days=1)
    while not is_business_day(day):
        day += timedelta(days=1)
    return day


def _holidays(year: int) -> frozenset[date]:
    """Return New Year's Day, Memorial Day, Independence Day, Labor Day, Thanksgiving and Christmas,
    on the day on which they are kept."""
    memorial = find_last_weekday(year, 5, MONDAY)
    labor = find_weekday(year, 9, MONDAY)
    thanksgiving = find_weekday(year, 11, THURSDAY, 4)
    return frozenset({date(year, 1, 1), memorial, date(year, 7, 4), labor, thanksgiving,
                      date(year, 12, 25)})  # fmt: skip
