"""Market hours: limits, both changes of daylight saving, holidays."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pricing import hours


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
        # Christmas Day 2024 was a Wednesday: closed from midnight to midnight in New York.
        ("2024-12-25T04:59:59", True),
        ("2024-12-25T05:00:00", False),
        ("2024-12-25T23:30:00", False),
        ("2024-12-26T04:59:59", False),
        ("2024-12-26T05:00:00", True),
        # New Year's Day 2025, a Wednesday too; in London it is New Year five hours earlier.
        ("2025-01-01T00:00:00", True),
        ("2025-01-01T05:00:00", False),
        ("2025-01-02T05:00:00", True),
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
        ("2024-12-25T12:00:00", "2024-12-26T05:00:00"),  # after Christmas in mid-week
        ("2026-12-25T05:00:00", "2026-12-27T23:00:00"),  # Christmas on a Friday
        ("2022-12-25T23:30:00", "2022-12-26T05:00:00"),  # Christmas on a Sunday
        ("2026-02-08T23:00:00", "2026-02-09T23:00:00"),  # already open: the next one
    ],
)
def test_next_opening_is_the_start_of_the_next_session(instant: str, opening: str) -> None:
    assert hours.next_opening(utc(instant)) == utc(opening)


@given(
    # 2020 to 2040, by the second.
    st.integers(1_577_836_800, 2_208_988_800).map(lambda at: datetime.fromtimestamp(at, UTC)),
    st.integers(0, 999),
)
def test_closed_market_stays_closed_until_the_next_opening(
    instant: datetime, thousandth: int
) -> None:
    opening = hours.next_opening(instant)
    assert opening > instant
    assert hours.is_open(opening)
    assert not hours.is_open(opening - timedelta(microseconds=1))
    if not hours.is_open(instant):
        assert not hours.is_open(instant + (opening - instant) * thousandth / 1000)
