"""How long to wait, when to give up, and what may be written down about an error."""

from dataclasses import dataclass
from datetime import timedelta

from app.kit.errors import NotFinished, Refusal

_ERROR_LENGTH_MAX = 300


@dataclass(frozen=True, slots=True)
class Backoff:
    """The n-th wait is `base` × 2^(n-1), at most `base` × 2^`doublings`; `tries_max` tries."""

    base: timedelta = timedelta(seconds=3)
    doublings: int = 8
    tries_max: int = 12


#: From 3 seconds to 12.8 minutes; given up after a little over an hour.
BACKOFF = Backoff()


def error_type(description: str) -> str:
    """Of what `describe` wrote, the part that can hold nothing of anybody's: the type."""
    return description.partition(":")[0].partition(" (")[0]


def describe_error(error: BaseException) -> str:
    """One line for staff: the type, and a message only if it is known to quote nobody.

    Of a database error the rule that was hit is kept; where an error came from is in the log.
    """
    name = type(error).__name__
    if isinstance(error, Refusal):
        text = f"{name} ({error.code}): {error.detail}"
    elif hasattr(error, "diag") or hasattr(error, "orig"):
        diagnosis = getattr(getattr(error, "orig", error), "diag", None)
        rule = getattr(diagnosis, "constraint_name", None) or getattr(diagnosis, "sqlstate", None)
        text = f"{name}: {rule or 'database error'}"
    elif isinstance(error, NotFinished):
        text = f"{name}: {error}"
    else:
        text = name
    first_line = text.partition("\n")[0]
    return first_line[:_ERROR_LENGTH_MAX]
