"""The acts that need a second person, by name. The room that does an act registers it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from app.access import Actor, Permission
from app.kit.db import Session

Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Approved:
    """An approved request, to be done now by the checker's hand."""

    id: UUID
    payload: Texts
    reason: str
    maker_id: UUID
    checker: Actor


@dataclass(frozen=True, slots=True)
class Change:
    """What an act makes of what: texts by name, to be read by the checker."""

    before: Texts
    after: Texts


@dataclass(frozen=True, slots=True)
class Action:
    """An act that needs a second person. `name` is `noun.verb`.

    `compare` reads what stands there now and what would stand there afterwards, with the rows
    locked that it speaks of. `check` raises unless this actor may do it themselves. `execute` does
    it, in the transaction that approves it.
    """

    name: str
    title: str
    permission: Permission
    compare: Callable[[Session, Texts], Change]
    check: Callable[[Session, Actor, Texts], None]
    execute: Callable[[Session, Approved], None]


_ACTIONS: dict[str, Action] = {}


def register(action: Action) -> None:
    """Make an act known. A name that is taken stops the program at start."""
    if _ACTIONS.setdefault(action.name, action) is not action:
        raise TypeError(f"two acts are named {action.name}")


def action_named(name: str) -> Action:
    """The act of that name. `KeyError` if no room registered it."""
    return _ACTIONS[name]


def names() -> list[str]:
    """Of every act, sorted."""
    return sorted(_ACTIONS)
