"""The current time. Nothing else reads the clock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from app.kit import ids

_ahead = timedelta()


def now() -> datetime:
    """Return the current instant, aware, in UTC."""
    return datetime.now(UTC) + _ahead


def rfc3339(instant: datetime) -> str:
    """Return an aware instant as the API writes it: UTC, milliseconds, `Z`."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def time_travel() -> Iterator[Callable[[datetime], None]]:
    """Yield a function that sets the clock of this process, which runs on from there.

    Only `app.sample` may use it, as a test holds: it dates the sample's acts, and is refused in
    production. At the end the clock is right again.
    """

    def set_clock(instant: datetime) -> None:
        _run_ahead(instant - datetime.now(UTC))

    try:
        yield set_clock
    finally:
        _run_ahead(timedelta())


def _run_ahead(ahead: timedelta) -> None:
    global _ahead  # noqa: PLW0603 - all threads of this process see the same time
    _ahead = ahead
    ids.run_ahead(ahead // timedelta(milliseconds=1))
