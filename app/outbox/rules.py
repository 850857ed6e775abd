"""The backoff of jobs, and what may be stored about an error. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from app.kit.errors import NotFinished, Refusal
from app.kit.labels import Mark, StatusEnum

_ERROR_LENGTH_MAX = 300


class JobState(StatusEnum):
    """Whether an unfinished job is tried again. Not stored."""

    WAITING = "waiting", "Waiting", Mark.UNDERWAY
    DEAD = "dead", "Failed", Mark.FAILED
    """Its last try failed; staff may revive it."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait between tries.

    The n-th wait is `base` × 2^(n-1), at most `base` × 2^`doublings`. After `tries_max` tries the
    job is dead. While a job with own transactions runs it is not sent again for 40 times `base`.
    """

    base: timedelta = timedelta(seconds=3)
    doublings: int = 8
    tries_max: int = 14

    @property
    def lease(self) -> timedelta:
        """How long a started job with own transactions is left alone, if its worker is killed."""
        return 40 * self.base


#: Waits from 3 seconds to 12.8 minutes; a job is dead after an hour and a quarter, so that one hour
#: without a provider kills none. The lease of two minutes is the time limit of a job.
BACKOFF = Backoff()


def error_type(description: str) -> str:
    """Return the type of the error in a text that `describe_error` wrote.

    The type is the part that cannot contain personal data.
    """
    return description.partition(":")[0].partition(" (")[0]


def describe_error(error: BaseException) -> str:
    """Return one line for staff: the type of the error, and its message if it is known to contain
    no personal data.

    For a database error the violated constraint is named. The traceback is in the log.
    """
    name = type(error).__name__
    if isinstance(error, Refusal):
        text = f"{name} ({error.code}): {error.detail}"
    elif hasattr(error, "diag") or hasattr(error, "orig"):
        diagnosis = getattr(getattr(error, "orig", error), "diag", None)
        cause = getattr(diagnosis, "constraint_name", None) or getattr(diagnosis, "sqlstate", None)
        text = f"{name}: {cause or 'database error'}"
    elif isinstance(error, NotFinished):
        text = f"{name}: {error}"
    else:
        text = name
    first_line = text.partition("\n")[0]
    return first_line[:_ERROR_LENGTH_MAX]
