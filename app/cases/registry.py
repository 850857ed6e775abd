"""Kinds of cases. A room whose cases need more than what is ordinary registers their kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import UUID

from app.access import Actor, Permission
from app.kit.db import Session

#: How an ordinary case may end: a word for the tables, and what it means.
ORDINARY: Mapping[str, str] = MappingProxyType(
    {"resolved": "Resolved", "no_action": "No action needed"}
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a case ended, for the room that opened it. `actor` is None for the program."""

    case_id: UUID
    key: str
    person_id: UUID | None
    disposition: str
    actor: Actor | None


def _nothing_follows(_session: Session, _ended: Ended) -> None:
    """Closing it is all."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What cases of one kind have in common.

    `read` says who sees them; who sees them and may work on cases looks into them. `closed` does
    what follows from the disposition, and `reopened` takes that back, each in the same transaction
    with the case locked.
    """

    name: str
    title: str
    dispositions: Mapping[str, str] = field(default_factory=lambda: ORDINARY)
    read: Permission = Permission.CASES_READ
    closed: Callable[[Session, Ended], None] = _nothing_follows
    reopened: Callable[[Session, Ended], None] = _nothing_follows


_KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Make a kind known. A name that is taken stops the program at start."""
    if _KINDS.setdefault(kind.name, kind) is not kind:
        raise TypeError(f"two kinds of cases are named {kind.name}")


def kind_named(name: str) -> Kind:
    """The kind of that name; an ordinary one where no room registered it."""
    return _KINDS.get(name) or Kind(name, name.replace(".", " ").replace("_", " ").capitalize())


def hidden_from(actor: Actor) -> list[str]:
    """The kinds that this actor may not see."""
    return sorted(kind.name for kind in _KINDS.values() if kind.read not in actor.permissions)
