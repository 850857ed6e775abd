"""Market hours: limits, both changes of daylight saving, holidays."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pricing import hours
from app.pricing.hours import CALENDAR, ClosedReason, parse_calendar


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "is_open"),
    [
        # Winter: New York is five hours behind.
        ("2026-02-06T21:59:59.999999", True),  # Friday 16:59:59.999999
        ("2026-02-06T22:00:00", False),  # Friday 17:00:00
        ("2026-02-06T23:30:00", False),  # Friday evening: no session follows
        ("2026-02-07T15:00:00", False),  # Saturday
        ("2026-02-08T15:00:00", False),  # Sunday morning
        ("2026-02-08T22:59:59.999999", False),  # Sunday 17:59:59.999999
        ("2026-02-08T23:00:00", True),  # Sunday 18:00:00
        ("2026-02-09T05:00:00", True),  # Monday midnight
        ("2026-02-09T21:59:59", True),  # Monday 16:59:59
        ("2026-02-09T22:00:00", False),  # Monday 17:00:00
        ("2026-02-09T22:59:59", False),  # Monday 17:59:59
        ("2026-02-09T23:00:00", True),  # Monday 18:00:00
        ("2026-02-12T22:30:00", False),  # Thursday's break
        ("2026-02-12T23:00:00", True),  # Thursday 18:00:00
        # Summer: four hours behind.
        ("2026-07-10T20:59:59", True),  # Friday 16:59:59
        ("2026-07-10T21:00:00", False),  # Friday 17:00:00
        ("2026-07-12T21:59:59", False),  # Sunday 17:59:59
        ("2026-07-12T22:00:00", True),  # Sunday 18:00:00
        # The clocks go forward on Sunday 8 March 2026: Friday closes in winter time, Sunday opens
        # in summer time.
        ("2026-03-06T21:59:59", True),
        ("2026-03-06T22:00:00", False),
        ("2026-03-08T21:59:59", False),
        ("2026-03-08T22:00:00", True),
        # And back on Sunday 1 November 2026.
        ("2026-10-30T20:59:59", True),
        ("2026-10-30T21:00:00", False),
        ("2026-11-01T22:59:59", False),
        ("2026-11-01T23:00:00", True),
        # Good Friday 2027: from Thursday's close to Sunday's opening, in summer time.
        ("2027-03-25T20:59:59.999999", True),  # Thursday 16:59:59.999999
        ("2027-03-25T21:00:00", False),  # Thursday 17:00:00
        ("2027-03-25T22:00:00", False),  # Thursday 18:00:00: no session follows
        ("2027-03-26T15:00:00", False),
        ("2027-03-28T21:59:59.999999", False),  # Sunday 17:59:59.999999
        ("2027-03-28T22:00:00", True),  # Sunday 18:00:00
        # Good Friday 2026, in summer time too.
        ("2026-04-02T20:59:59", True),
        ("2026-04-03T15:00:00", False),
        ("2026-04-05T22:00:00", True),
        # Thanksgiving 2026: an early close, an evening session, and an early close on Friday.
        ("2026-11-26T19:29:59.999999", True),  # Thursday 14:29:59.999999
        ("2026-11-26T19:30:00", False),  # Thursday 14:30:00
        ("2026-11-26T22:59:59.999999", False),  # Thursday 17:59:59.999999
        ("2026-11-26T23:00:00", True),  # Thursday 18:00:00
        ("2026-11-27T18:44:59.999999", True),  # Friday 13:44:59.999999
        ("2026-11-27T18:45:00", False),  # Friday 13:45:00
        ("2026-11-29T22:59:59", False),
        ("2026-11-29T23:00:00", True),  # Sunday 18:00:00
        # Independence Day 2027 is a Sunday: the early close is on Monday, in summer time.
        ("2027-07-04T22:00:00", True),  # Sunday 18:00:00
        ("2027-07-05T18:29:59", True),  # Monday 14:29:59
        ("2027-07-05T18:30:00", False),
        ("2027-07-05T21:59:59", False),
        ("2027-07-05T22:00:00", True),
        # Labor Day 2026: the earlier of the two closes that can be read.
        ("2026-09-07T16:59:59", True),  # Monday 12:59:59
        ("2026-09-07T17:00:00", False),
        ("2026-09-07T22:00:00", True),
        # Christmas 2025, a Thursday: from 13:45 on the day before to 18:00.
        ("2025-12-24T18:44:59", True),
        ("2025-12-24T18:45:00", False),
        ("2025-12-25T22:59:59", False),
        ("2025-12-25T23:00:00", True),
        # Christmas 2027, a Saturday, is observed on Friday.
        ("2027-12-23T21:59:59", True),
        ("2027-12-23T22:00:00", False),
        ("2027-12-24T15:00:00", False),
        ("2027-12-26T23:00:00", True),
        # New Year 2026, a Thursday: no session on the evening before.
        ("2025-12-31T21:59:59.999999", True),  # Wednesday 16:59:59.999999
        ("2025-12-31T22:00:00", False),
        ("2025-12-31T23:30:00", False),  # 31 December, 18:30
        ("2026-01-01T22:59:59.999999", False),
        ("2026-01-01T23:00:00", True),  # Thursday 18:00:00
        # New Year 2027, a Friday.
        ("2026-12-31T23:30:00", False),
        ("2027-01-03T22:59:59", False),
        ("2027-01-03T23:00:00", True),
        # Beyond what the calendar covers, nothing is known.
        ("2024-12-30T15:00:00", False),
        ("2029-01-02T15:00:00", False),
    ],
)
def test_market_is_open_in_session_only(instant: str, is_open: bool) -> None:
    assert hours.is_open(utc(instant)) is is_open


@pytest.mark.parametrize(
    ("instant", "opening"),
    [
        ("2026-02-06T22:00:00", "2026-02-08T23:00:00"),  # over a weekend
        ("2026-02-09T22:00:00", "2026-02-09T23:00:00"),  # over the daily break
        ("2026-03-06T22:00:00", "2026-03-08T22:00:00"),  # over the clocks going forward
        ("2026-10-30T21:00:00", "2026-11-01T23:00:00"),  # over the clocks going back
        ("2025-12-24T18:45:00", "2025-12-25T23:00:00"),  # over Christmas in mid-week
        ("2026-12-25T05:00:00", "2026-12-27T23:00:00"),  # Christmas on a Friday
        ("2027-03-26T15:00:00", "2027-03-28T22:00:00"),  # over Good Friday
        ("2026-11-26T20:00:00", "2026-11-26T23:00:00"),  # after an early close
        ("2028-12-22T22:00:00", "2028-12-25T23:00:00"),  # Christmas on a Monday
        ("2026-02-08T23:00:00", "2026-02-09T23:00:00"),  # already open: the next one
    ],
)
def test_next_opening_is_the_start_of_the_next_session(instant: str, opening: str) -> None:
    assert hours.next_opening(utc(instant)) == utc(opening)


@pytest.mark.parametrize(
    ("instant", "close"),
    [
        ("2026-02-09T15:00:00", "2026-02-09T22:00:00"),  # the daily break
        ("2026-02-07T15:00:00", "2026-02-09T22:00:00"),  # closed: the end of the next session
        ("2026-11-26T15:00:00", "2026-11-26T19:30:00"),  # Thanksgiving
        ("2026-11-26T19:30:00", "2026-11-27T18:45:00"),  # and the day after
        ("2028-12-31T12:00:00", None),  # the calendar has no later session
    ],
)
def test_next_close_is_the_end_of_the_next_session(instant: str, close: str | None) -> None:
    assert hours.next_close(utc(instant)) == (close and utc(close))


@pytest.mark.parametrize(
    ("instant", "reason", "why"),
    [
        ("2026-02-07T15:00:00", ClosedReason.WEEKEND, "weekend"),
        ("2026-02-06T22:00:00", ClosedReason.WEEKEND, "weekend"),
        ("2026-02-08T15:00:00", ClosedReason.WEEKEND, "weekend"),
        ("2026-02-09T22:30:00", ClosedReason.DAILY_BREAK, "daily break"),
        ("2027-03-26T15:00:00", ClosedReason.HOLIDAY, "Good Friday"),
        ("2029-01-01T04:59:59", ClosedReason.HOLIDAY, "New Year's Day"),
        ("2029-01-01T05:00:00", ClosedReason.NO_CALENDAR, "holidays not known"),
    ],
)
def test_closed_market_says_why(instant: str, reason: ClosedReason, why: str) -> None:
    closed = hours.why_closed(utc(instant))
    assert closed is not None
    assert (closed.reason, closed.why) == (reason, why)


def test_calendar_needs_extension_60_days_before_its_end() -> None:
    last = CALENDAR.ends - timedelta(days=60)
    assert not CALENDAR.needs_extension(last - timedelta(microseconds=1))
    assert CALENDAR.needs_extension(last)
    assert CALENDAR.needs_extension(CALENDAR.begins - timedelta(days=1))


def test_closures_begin_in_a_session_and_end_with_an_opening() -> None:
    """Each one closes the market, and none of them outlasts its week."""
    for closure in CALENDAR.closures:
        assert closure.holiday
        assert closure.begins < closure.ends <= closure.begins + timedelta(days=4)
        assert closure.ends >= CALENDAR.ends or hours.is_open(closure.ends)
        assert not hours.is_open(closure.begins)


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    """Return the nth such weekday of a month; the last one for -1."""
    first = date(year, month, 1)
    days = [first + timedelta(days) for days in range(31)]
    return [day for day in days if day.month == month and day.weekday() == weekday][
        number - 1 if number > 0 else number
    ]


def _good_friday(year: int) -> date:
    """Return the Friday before Easter, by the anonymous Gregorian algorithm."""
    century, rest = divmod(year, 100)
    golden = year % 19
    skipped = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - skipped + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    shift = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1) - timedelta(days=2)


def _observed(day: date) -> date:
    """Return the day on which a holiday at a weekend is observed."""
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


def _halts(year: int) -> dict[date, tuple[int, int]]:
    """Return the early closes of a year by the exchange's rules, in the time of Chicago."""
    thanksgiving = _nth(year, 11, 3, 4)
    return {
        _nth(year, 1, 0, 3): (13, 30),
        _nth(year, 2, 0, 3): (13, 30),
        _nth(year, 5, 0, -1): (13, 30),
        _observed(date(year, 6, 19)): (13, 30),
        _observed(date(year, 7, 4)): (13, 30),
        _nth(year, 9, 0, 1): (12, 0),
        thanksgiving: (13, 30),
        thanksgiving + timedelta(days=1): (12, 45),
    }


@pytest.mark.parametrize("year", range(CALENDAR.begins.year, CALENDAR.ends.year))
def test_every_early_close_is_by_the_exchange_s_rules(year: int) -> None:
    chicago = ZoneInfo("America/Chicago")
    closes = [closure.begins.astimezone(chicago) for closure in CALENDAR.closures]
    # The others are holidays, which close with the session before them or on 24 December.
    early = {
        close.date(): (close.hour, close.minute)
        for close in closes
        if close.year == year and close.hour < 16 and (close.month, close.day) != (12, 24)
    }
    assert early == _halts(year)


@pytest.mark.parametrize("year", range(CALENDAR.begins.year, CALENDAR.ends.year))
def test_exchange_is_closed_on_holidays(year: int) -> None:
    new_year, christmas = date(year, 1, 1), _observed(date(year, 12, 25))
    closed = [_good_friday(year), christmas]
    # One at a Saturday is not observed: the last session of the year is a whole one.
    closed += [_observed(new_year)] if new_year.weekday() != 5 else []
    for day in closed:
        for hour in (0, 9, 12, 16):
            noon = datetime.combine(day, time(hour), hours.NEW_YORK)
            assert not hours.is_open(noon), noon


def test_calendar_whose_closures_overlap_is_refused() -> None:
    line = '{ closes = 2026-01-19T14:30:00, opens = 2026-01-19T18:00:00, holiday = "A" },'
    text = f'source = "a"\nbegins = 2026-01-01\nends = 2027-01-01\nclosures = [{line} {line}]'
    with pytest.raises(ValueError, match="in order"):
        parse_calendar(text)


@given(
    # From the first to the last opening that the calendar knows, by the second.
    st.integers(1_735_772_400, 1_861_570_799).map(lambda at: datetime.fromtimestamp(at, UTC)),
    st.integers(0, 999),
)
def test_closed_market_stays_closed_until_the_next_opening(
    instant: datetime, thousandth: int
) -> None:
    opening = hours.next_opening(instant)
    assert opening is not None
    assert opening > instant
    assert hours.is_open(opening)
    assert not hours.is_open(opening - timedelta(microseconds=1))
    if not hours.is_open(instant):
        assert not hours.is_open(instant + (opening - instant) * thousandth / 1000)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        # In a session: the close of the one before, at the end of the day before.
        ("2026-11-24T15:00", "2026-11-23T22:00"),
        # The instant of closing belongs to the break that it begins.
        ("2026-11-24T22:00", "2026-11-24T22:00"),
        ("2026-11-24T21:59:59", "2026-11-23T22:00"),
        # A Saturday, and Sunday before the session: Friday's.
        ("2026-11-21T12:00", "2026-11-20T22:00"),
        ("2026-11-22T22:59", "2026-11-20T22:00"),
    ],
)
def test_last_close_is_the_end_of_the_session_before(at: str, expected: str) -> None:
    assert hours.last_close(utc(at)) == utc(expected)
