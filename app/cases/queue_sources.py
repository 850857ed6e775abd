"""What waits for staff: each room declares its own work; the helpdesk shows all in one queue."""

from collections.abc import Callable
from dataclasses import dataclass

from app.access import Actor, Permission
from app.kit.statements import AnySelect


@dataclass(frozen=True, slots=True)
class QueueSource:
    """Work of one room. `name` is stored with claims.

    `select` returns the work that the actor may do, with the columns `subject_id` (unique in all
    rooms), `user_id` (the customer, or null) and `since` (when it began to wait). It lets holders
    of `permission` decide. `prefix` is that of the subject's public id. Where the work itself never
    ends, such as a payment that failed, staff say when they are done (`ends_by_hand`).
    """

    name: str
    title: str
    permission: Permission
    prefix: str
    select: Callable[[Actor], AnySelect]
    ends_by_hand: bool = False


_SOURCES: dict[str, QueueSource] = {}


def register(source: QueueSource) -> None:
    """Register a source. A second one with the same name stops the program at start."""
    if _SOURCES.setdefault(source.name, source) is not source:
        raise TypeError(f"two sources of the queue are named {source.name}")


def source_named(name: str) -> QueueSource:
    """Return the source with this name. Raises `KeyError`."""
    return _SOURCES[name]


def list_sources() -> list[QueueSource]:
    """Return every source, in the order of their titles."""
    return sorted(_SOURCES.values(), key=lambda source: source.title)
