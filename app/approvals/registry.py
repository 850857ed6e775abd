"""The acts that need a second person, by name. The room that does an act registers it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from app.access import Actor, Permission
from app.kit.db import Session

TextFields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ApprovedRequest:
    """An approved request, to be done now by the checker's hand."""

    id: UUID
    payload: TextFields
    reason: str
    maker_id: UUID
    checker: Actor


@dataclass(frozen=True, slots=True)
class ProposedChange:
    """What an act makes of what: texts by name, to be read by the checker."""

    before: TextFields
    after: TextFields


@dataclass(frozen=True, slots=True)
class ApprovalAction:
    """An act that needs a second person. `name` is `noun.verb`.

    `compare` reads what stands there now and what would stand there afterwards, with the rows
    locked that it speaks of. `check` raises unless this actor may do it themselves. `execute` does
    it, in the transaction that approves it.
    """

    name: str
    title: str
    permission: Permission
    compare: Callable[[Session, TextFields], ProposedChange]
    check: Callable[[Session, Actor, TextFields], None]
    execute: Callable[[Session, ApprovedRequest], None]


_ACTIONS: dict[str, ApprovalAction] = {}


def register(action: ApprovalAction) -> None:
    """Make an act known. A name that is taken stops the program at start."""
    if _ACTIONS.setdefault(action.name, action) is not action:
        raise TypeError(f"two acts are named {action.name}")


def get_action(name: str) -> ApprovalAction:
    """The act of that name. `KeyError` if no room registered it."""
    return _ACTIONS[name]


def action_names() -> list[str]:
    """Of every act, sorted."""
    return sorted(_ACTIONS)
