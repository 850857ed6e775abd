"""Periods: what is typed, what it is compared with, and how it is written in URLs."""

from datetime import UTC, datetime, timedelta

import pytest

from app.books.periods import (
    BooksPeriod,
    ComparedPeriod,
    parse_moment,
    parse_period,
    write_end,
    write_start,
)
from app.kit.errors import Invalid

NOW = datetime(2026, 8, 15, 10, 30, tzinfo=UTC)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-04-01", "2026-06-30", (day("2026-04-01"), day("2026-07-01"))),
        ("", "2025-12-31", (day("2025-01-01"), day("2026-01-01"))),
        ("", "", (day("2026-01-01"), NOW)),
        ("2026-08-15", "2026-12-31", (day("2026-08-15"), NOW)),
        ("2026-08-15 10:29", "2026-08-15 12:30+02:00", (NOW - timedelta(minutes=1), NOW)),
    ],
)
def test_period_is_between_days_or_moments_until_now(
    start: str, end: str, expected: tuple[datetime, datetime]
) -> None:
    assert parse_period(start, end, NOW) == BooksPeriod(*expected)


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("2026-06-31", "", "from"),
        ("30.06.2026", "", "from"),
        ("", "yesterday", "to"),
        ("1899-12-31", "", "from"),
        ("2026-08-15 10:30", "", "from"),
        ("2026-07-01", "2026-06-30", "from"),
    ],
)
def test_wrong_period_names_its_field(start: str, end: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_period(start, end, NOW)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("comparison", "start", "end", "expected"),
    [
        (ComparedPeriod.PERIOD_BEFORE, "2026-04-01", "2026-07-01", ("2026-01-01", "2026-04-01")),
        (ComparedPeriod.PERIOD_BEFORE, "2026-01-01", "2027-01-01", ("2025-01-01", "2026-01-01")),
        # Eleven days, which are no months.
        (ComparedPeriod.PERIOD_BEFORE, "2026-04-01", "2026-04-12", ("2026-03-21", "2026-04-01")),
        (ComparedPeriod.YEAR_BEFORE, "2024-02-29", "2024-03-01", ("2023-02-28", "2023-03-01")),
    ],
)
def test_compared_period_follows_the_calendar(
    comparison: ComparedPeriod, start: str, end: str, expected: tuple[str, str]
) -> None:
    compared = comparison.of(BooksPeriod(day(start), day(end)))
    assert compared == BooksPeriod(*map(day, expected))


@pytest.mark.parametrize("moment", [day("2026-07-01"), NOW + timedelta(microseconds=1)])
def test_written_moment_is_read_again(moment: datetime) -> None:
    assert parse_moment("from", write_start(moment)) == moment
    assert parse_moment("to", write_end(moment), days=1) == moment
