"""Background tasks by name. Rooms declare them; only app/jobs knows how they are run."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from inspect import signature
from typing import Any, TypeVar

from app.kit.facts import Fact

Function = TypeVar("Function", bound=Callable[..., Any])


class Queue(StrEnum):
    """The queues, by what may wait. Each worker process serves exactly one, so that no job waits
    for a slower kind."""

    LEDGER = "ledger"
    """The books: roll-up, seal, holds. Seconds matter, and nothing here calls a provider."""
    MESSAGES = "messages"
    """What people receive, and sign-in links that they wait for."""
    PAYMENTS = "payments"
    """Money and tokens in and out, at providers."""
    FULFILLMENT = "fulfillment"
    """What a person ordered and may take minutes: verifications, archives, deliveries."""
    NIGHTLY = "nightly"
    """Comparisons and cleaning, which may take hours."""


class JobOvertime(BaseException):
    """The job ran longer than its time limit. Not an `Exception`, so that a task which goes on
    after the errors of single items ends all the same."""


class JobClaimedElsewhere(Exception):
    """Another worker is executing this job. Nothing failed: the job is retried unless it is done.
    Only tasks with `own_transactions` raise it."""


@dataclass(frozen=True, slots=True)
class Task:
    """A named task. `run(session, **args)` takes effect once, inside the session's transaction: the
    outbox row is locked and marked done in that same transaction.

    With `own_transactions` it is `run(database, **args)`, for a call to a provider between two
    transactions. The outbox row is not locked meanwhile, so such a task records its own progress
    and does nothing when it was done before.

    With `polled` a task of the timetable checks the same thing until it is finished. A try that
    raises `NotFinished` is then not retried: the poll comes anyway.

    `provider` is what the task calls: the jobs of one provider in a queue are limited. Where it
    depends on the job, it is given when the job is staged.
    """

    name: str
    queue: Queue
    run: Callable[..., None]
    own_transactions: bool = False
    polled: bool = False
    provider: str | None = None


_TASKS: dict[str, Task] = {}
_SUBSCRIBERS: dict[type[Fact], list[str]] = {}


def task(
    name: str,
    *,
    queue: Queue,
    own_transactions: bool = False,
    polled: bool = False,
    provider: str | None = None,
    on: type[Fact] | None = None,
) -> Callable[[Function], Function]:
    """Register a function `(session, **args)` as the task `room.verb_noun`; args are JSON.

    With `own_transactions`, which every `polled` task has, the function takes `database` in place
    of `session`. With `on` the task subscribes to a fact, whose fields are its arguments."""

    def register(function: Function) -> Function:
        if name in _TASKS:
            raise ValueError(f"two tasks are named {name}")
        if on is not None:
            _subscribe(on, name, function)
        _TASKS[name] = Task(name, queue, function, own_transactions, polled, provider)
        return function

    return register


def _subscribe(fact: type[Fact], name: str, function: Callable[..., None]) -> None:
    _, *arguments = signature(function).parameters
    stated = [field.name for field in fields(fact)]
    if arguments != stated:
        raise ValueError(f"{name} takes {arguments}, but {fact.__name__} states {stated}")
    _SUBSCRIBERS.setdefault(fact, []).append(name)


def subscribers(fact: type[Fact]) -> tuple[str, ...]:
    """Return the names of the tasks that subscribe to a fact.

    Raises `LookupError` if there is none: what happened would be lost.
    """
    try:
        return tuple(_SUBSCRIBERS[fact])
    except KeyError:
        raise LookupError(f"no task subscribes to {fact.__name__}") from None


def find(name: str) -> Task:
    """Return the task of that name. Raises `LookupError` if none is registered."""
    try:
        return _TASKS[name]
    except KeyError:
        raise LookupError(f"no task is named {name}") from None


def names() -> frozenset[str]:
    """Return the names of all registered tasks."""
    return frozenset(_TASKS)


def registered() -> list[Task]:
    """Return all registered tasks."""
    return list(_TASKS.values())
