"""The periods of statements, and what they are compared with. Pure."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from app.kit.errors import Invalid
from app.kit.labels import LabelledEnum, Mark, StatusEnum

_YEAR_MIN = 1900


@dataclass(frozen=True, slots=True)
class BooksPeriod:
    """A span of time; `end` does not belong to it."""

    start: datetime
    end: datetime


class ComparedPeriod(LabelledEnum):
    """What a statement is compared with."""

    NONE = "none", "Nothing"
    """One column."""
    PERIOD_BEFORE = "period", "The period before"
    """The period of the same length that ends where this one begins."""
    YEAR_BEFORE = "year", "A year before"
    """The same period of the year before."""

    def of(self, period: BooksPeriod) -> BooksPeriod | None:
        """Return the period to compare with; None for none."""
        if self is ComparedPeriod.NONE:
            return None
        if self is ComparedPeriod.YEAR_BEFORE:
            return BooksPeriod(_shift(period.start, -12), _shift(period.end, -12))
        months = 12 * (period.end.year - period.start.year) + period.end.month - period.start.month
        if months > 0 and _shift(period.start, months) == period.end:
            return BooksPeriod(_shift(period.start, -months), period.start)
        return BooksPeriod(period.start - (period.end - period.start), period.start)


class ClosingStatus(StatusEnum):
    """Whether a closing is in force."""

    CLOSED = "closed", "Closed", Mark.DONE
    """Only adjusting entries may be dated before its end."""
    REOPENED = "reopened", "Reopened", Mark.ENDED
    """No longer in force."""


def default_period(now: datetime) -> BooksPeriod:
    """Return the year to date."""
    return BooksPeriod(now.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0), now)


def parse_period(start: str, end: str, now: datetime) -> BooksPeriod:
    """Return the period between two days (UTC), both included, or between two moments. Without a
    start, it begins with the year of its end; without an end, or with one to come, it ends now.

    Raises `Invalid` naming `from` or `to`.
    """
    last = min(parse_moment("to", end, days=1) if end else now, now)
    # A moment before its end, so that a whole year begins with itself.
    year_of = last - timedelta(microseconds=1)
    first = parse_moment("from", start) if start else default_period(year_of).start
    if first >= last:
        raise Invalid("from", "Enter a start that is before the end, and not in the future.")
    return BooksPeriod(first, last)


def parse_moment(name: str, text: str, *, days: int = 0) -> datetime:
    """Return the moment (UTC), or the midnight so many days after the beginning of a day.

    Raises `Invalid` naming the field.
    """
    try:
        if len(text) == len("2026-06-30"):
            day = datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=days)
        else:
            day = datetime.fromisoformat(text)
            day = day.replace(tzinfo=UTC) if day.tzinfo is None else day.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(
            name, "Enter a day, like 2026-06-30, or a moment, like 2026-06-30 14:05 (UTC)."
        ) from None
    if day.year < _YEAR_MIN:
        raise Invalid(name, f"Enter a day of {_YEAR_MIN} or later.")
    return day


def _shift(instant: datetime, months: int) -> datetime:
    """Return the instant so many months later; the last day of a shorter month where it lacks the
    day."""
    month = instant.year * 12 + instant.month - 1 + months
    year, index = divmod(month, 12)
    last = monthrange(year, index + 1)[1]
    return instant.replace(year=year, month=index + 1, day=min(instant.day, last))


def write_start(instant: datetime) -> str:
    """Return the text of which `parse_moment` reads the beginning of a period."""
    is_midnight = instant.time() == time()
    return f"{instant:%Y-%m-%d}" if is_midnight else f"{instant:%Y-%m-%d %H:%M:%S.%f}"


def write_end(instant: datetime) -> str:
    """Return the text of which `parse_moment` reads the end of a period: its last day, or the
    moment itself."""
    if instant.time() == time():
        return f"{instant - timedelta(days=1):%Y-%m-%d}"
    return write_start(instant)
