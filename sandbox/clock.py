"""The sandbox's clock: the machine's, unless it was set. Pauses between tries are real time."""

import time
from datetime import UTC, datetime

_ahead = 0.0


def now() -> float:
    """Return the second of the epoch."""
    return time.time() + _ahead


def instant() -> datetime:
    """Return the current instant, aware, in UTC."""
    return datetime.fromtimestamp(now(), UTC)


def text(timespec: str = "milliseconds") -> str:
    """Return the current instant in UTC, as in JSON: with `Z`."""
    return instant().isoformat(timespec=timespec).replace("+00:00", "Z")


def set_to(at: datetime | None) -> None:
    """Set the clock, which runs on from there; None sets it right again."""
    global _ahead  # noqa: PLW0603 - all threads of the sandbox see the same time
    _ahead = 0.0 if at is None else at.timestamp() - time.time()
