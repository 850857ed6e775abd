"""Kinds of cases. A room whose cases need more than what is ordinary registers their kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import UUID

from app.access import Actor, Permission
from app.kit.db import Session

#: How an ordinary case may end: a word for the tables, and what it means.
ORDINARY_DISPOSITIONS: Mapping[str, str] = MappingProxyType(
    {"resolved": "Resolved", "no_action": "No action needed"}
)


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """How a case ended, for the room that opened it. `actor` is None for the program."""

    case_id: UUID
    key: str
    person_id: UUID | None
    disposition: str
    actor: Actor | None


def _do_nothing(_session: Session, _ended: CaseOutcome) -> None:
    """Closing it is all."""


@dataclass(frozen=True, slots=True)
class CaseKind:
    """What cases of one kind have in common.

    `read` says who sees them; who sees them and may work on cases looks into them. `closed` does
    what follows from the disposition, and `reopened` takes that back, each in the same transaction
    with the case locked.
    """

    name: str
    title: str
    dispositions: Mapping[str, str] = field(default_factory=lambda: ORDINARY_DISPOSITIONS)
    read_permission: Permission = Permission.CASES_READ
    on_closed: Callable[[Session, CaseOutcome], None] = _do_nothing
    on_reopened: Callable[[Session, CaseOutcome], None] = _do_nothing


_KINDS: dict[str, CaseKind] = {}


def register(kind: CaseKind) -> None:
    """Make a kind known. A name that is taken stops the program at start."""
    if _KINDS.setdefault(kind.name, kind) is not kind:
        raise TypeError(f"two kinds of cases are named {kind.name}")


def case_kind(name: str) -> CaseKind:
    """The kind of that name; an ordinary one where no room registered it."""
    return _KINDS.get(name) or CaseKind(name, name.replace(".", " ").replace("_", " ").capitalize())


def hidden_kinds(actor: Actor) -> list[str]:
    """The kinds that this actor may not see."""
    return sorted(
        kind.name for kind in _KINDS.values() if kind.read_permission not in actor.permissions
    )
