"""Kinds of cases. A room whose cases differ from ordinary ones registers their kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import UUID

from app.access import Actor, Permission
from app.kit.db import Session

#: Outcomes of an ordinary case: the stored value, and its label.
ORDINARY_DISPOSITIONS: Mapping[str, str] = MappingProxyType(
    {"resolved": "Resolved", "no_action": "No action needed"}
)


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """How a case ended, for the room that opened it. `actor` is None for the system."""

    case_id: UUID
    key: str
    person_id: UUID | None
    disposition: str
    actor: Actor | None


def _nothing_follows(
    _session: Session, _case_id: UUID, _person_id: UUID | None
) -> Mapping[str, Sequence[str]]:
    """Return nothing: no disposition has consequences."""
    return {}


def _do_nothing(_session: Session, _outcome: CaseOutcome) -> None:
    """Do nothing beyond closing or reopening the case."""


@dataclass(frozen=True, slots=True)
class CaseKind:
    """What cases of one kind have in common.

    `read_permission` lets staff see them; together with the permission to work on cases it lets
    them investigate. `on_closed` does what follows from the disposition, and `on_reopened` undoes
    what can be undone, each in the same transaction with the case locked. `consequences` returns
    what would follow now, as sentences by disposition, for a case and the person it is about;
    `reopening` says what reopening undoes and what it does not.
    """

    name: str
    title: str
    dispositions: Mapping[str, str] = field(default_factory=lambda: ORDINARY_DISPOSITIONS)
    read_permission: Permission = Permission.CASES_READ
    on_closed: Callable[[Session, CaseOutcome], None] = _do_nothing
    on_reopened: Callable[[Session, CaseOutcome], None] = _do_nothing
    consequences: Callable[[Session, UUID, UUID | None], Mapping[str, Sequence[str]]] = (
        _nothing_follows
    )
    reopening: str = ""


_KINDS: dict[str, CaseKind] = {}


def register(kind: CaseKind) -> None:
    """Register a kind. A second kind with the same name stops the program at start."""
    if _KINDS.setdefault(kind.name, kind) is not kind:
        raise TypeError(f"two kinds of cases are named {kind.name}")


def case_kind(name: str) -> CaseKind:
    """Return the kind with this name; an ordinary one if no room registered it."""
    return _KINDS.get(name) or CaseKind(name, name.replace(".", " ").replace("_", " ").capitalize())


def hidden_kinds(actor: Actor) -> list[str]:
    """Return the kinds that this actor may not see."""
    return sorted(
        kind.name for kind in _KINDS.values() if kind.read_permission not in actor.permissions
    )
