"""Background tasks by name. A capability declares them; only app/jobs knows how they are run."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class Queue(StrEnum):
    """Every queue, named once. Each worker process serves exactly one."""

    DEFAULT = "default"


class JobClaimedElsewhere(Exception):
    """Another worker is at this very job. Nothing failed: the job comes again, unless it is done.
    Only tasks with transactions of their own raise it."""


@dataclass(frozen=True, slots=True)
class Task:
    """A named task. `run(session, **args)` does its effect inside the session's transaction, once:
    the outbox row is locked and marked done in that same transaction.

    With `own_transactions` it is `run(database, **args)`, for a call to somebody else between two
    transactions. No row of the outbox is locked meanwhile, so such a task keeps its own record of
    what it did, and does nothing when it finds itself done.

    What is `polled` is looked at again and again until it is over, by a task of the timetable. So a
    try that ends with `NotFinished` is enough: more would only add to those of the poll.
    """

    name: str
    queue: Queue
    run: Callable[..., None]
    own_transactions: bool = False
    polled: bool = False


_TASKS: dict[str, Task] = {}


def task(
    name: str,
    *,
    queue: Queue = Queue.DEFAULT,
    own_transactions: bool = False,
    polled: bool = False,
) -> Callable[[F], F]:
    """Register a function `(session, **args)` as the task `package.verb_noun`; args are JSON.
    With `own_transactions`, as all that is `polled` has, the function takes `database` in place of
    `session`."""

    def register(function: F) -> F:
        if name in _TASKS:
            raise ValueError(f"two tasks are named {name}")
        _TASKS[name] = Task(name, queue, function, own_transactions, polled)
        return function

    return register


def find(name: str) -> Task:
    """The task of that name. Raises `LookupError` naming it if nothing registered it."""
    try:
        return _TASKS[name]
    except KeyError:
        raise LookupError(f"no task is named {name}") from None


def names() -> frozenset[str]:
    """The names of all registered tasks."""
    return frozenset(_TASKS)
