"""The actions that need a second person, by name. The room that executes an action registers it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from app.access import Actor, Permission
from app.kit.db import Session
from app.kit.labels import LabelledEnum

TextFields = Mapping[str, str]
#: Writes the stored text of a field as pages show it.
Format = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class ApprovedRequest:
    """An approved request that is executed now, on behalf of the checker."""

    id: UUID
    payload: TextFields
    reason: str
    maker_id: UUID
    checker: Actor


@dataclass(frozen=True, slots=True)
class ProposedChange:
    """The state before and after an action: texts by name, for the checker to read."""

    before: TextFields
    after: TextFields


@dataclass(frozen=True, slots=True)
class ApprovalAction:
    """An action that needs a second person. `name` is `noun.verb`.

    `compare` locks the rows concerned and returns the state before and after the action. `check`
    raises unless the actor may do it themselves. `execute` does it in the transaction that
    approves it. `describe` returns what else the checker has to know about the subject at this
    moment, as texts by label, as far as the actor may read it; it raises `NotFound` for a subject
    that does not exist any more. `effect` completes the button "Approve and …" from the fields of
    the request as they are shown, with people by name. `formats` writes the fields that are not
    shown as they are stored. `follows` says what approving leads to, before the button.
    """

    name: str
    title: str
    permission: Permission
    compare: Callable[[Session, TextFields], ProposedChange]
    check: Callable[[Session, Actor, TextFields], None]
    execute: Callable[[Session, ApprovedRequest], None]
    describe: Callable[[Session, Actor, str], TextFields]
    effect: Callable[[TextFields], str]
    formats: Mapping[str, Format] = field(default_factory=dict)
    follows: str = ""


def label_of(enum: type[LabelledEnum]) -> Format:
    """Return the format that writes the label of a member; other texts stay as they are."""

    def write(text: str) -> str:
        member = enum.with_value(text)
        return member.label if member is not None else text

    return write


_ACTIONS: dict[str, ApprovalAction] = {}


def register(action: ApprovalAction) -> None:
    """Register an action. Raises `TypeError` at start if the name is taken."""
    if _ACTIONS.setdefault(action.name, action) is not action:
        raise TypeError(f"two actions are named {action.name}")


def get_action(name: str) -> ApprovalAction:
    """Return the action of this name. Raises `KeyError` if no room registered it."""
    return _ACTIONS[name]


def action_names() -> list[str]:
    """Return the names of all registered actions, sorted."""
    return sorted(_ACTIONS)


def two_person_permissions() -> frozenset[Permission]:
    """Return the permissions that some act of two people needs, from its maker or its checker.

    Who gives one of them to a person, or to a role, makes a maker or a checker: that takes two
    people itself.
    """
    return frozenset(action.permission for action in _ACTIONS.values()) | {
        Permission.APPROVALS_DECIDE
    }


def deciding_permissions(action: ApprovalAction) -> frozenset[Permission]:
    """Return the permissions that are needed to decide a request of this action."""
    return frozenset({action.permission, Permission.APPROVALS_DECIDE})
