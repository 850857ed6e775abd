"""Rotation from the pages: one person asks for it, another approves it."""

from uuid import UUID

from app.access import Actor, Permission
from app.approvals import registry
from app.approvals import service as approvals
from app.approvals.registry import Action, Approved, Change, Texts
from app.keys import queries, rotation
from app.keys.errors import RotationRunning
from app.keys.ports import KeyRing
from app.kit.db import Session
from app.kit.ports import resolve

ROTATE = "key.rotate"
SUBJECT = "the key ring"


def ask_to_rotate(session: Session, actor: Actor, *, reason: str) -> UUID:
    """Ask a second person for a rotation; answers the request's id.

    Raises `RotationRunning` while one is not finished, and what `approvals.ask` raises.
    """
    return approvals.ask(session, actor, ROTATE, {}, subject=SUBJECT, reason=reason)


def _compare(session: Session, _payload: Texts) -> Change:
    last = queries.last_rotation(session)
    if last is not None and last.finished_at is None:
        raise RotationRunning(f"A rotation to the key {last.key_id} is not finished yet")
    sealing = resolve(KeyRing).active_id()
    return Change({"sealing key": sealing}, {"sealing key": "a new one"})


def _check(_session: Session, _actor: Actor, _payload: Texts) -> None:
    """The permission is all that it takes."""


def _rotate(session: Session, approved: Approved) -> None:
    rotation.begin(session, actor=approved.checker)


registry.register(
    Action(ROTATE, "Rotate the key ring", Permission.KEYS_ROTATE, _compare, _check, _rotate)
)
