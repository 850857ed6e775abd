"""Key rotation from the pages: one person requests it, a second one approves and starts it."""

from uuid import UUID

from app.access import Actor, Permission
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.keys import queries, rotation
from app.keys.ports import KeyRing
from app.kit import ids
from app.kit.db import Session
from app.kit.formatting import format_count, format_time
from app.kit.ports import resolve

ROTATE = "keys.rotate"
_RING = "key-ring"


def request_rotation(session: Session, actor: Actor, *, reason: str) -> UUID:
    """Request the approval of a key rotation; return the request's id.

    Raises `PermissionDenied`, `ApprovalPending`, `KeyRingUnavailable`, and `Invalid` for the
    reason.
    """
    return approvals.request_approval(session, actor, ROTATE, {}, subject=_RING, reason=reason)


def _compare(_session: Session, _payload: TextFields) -> ProposedChange:
    sealing = resolve(KeyRing).active_id()
    return ProposedChange({"sealing key": sealing}, {"sealing key": "a newer one"})


def _check_nothing(_session: Session, _actor: Actor, _payload: TextFields) -> None:
    """Require nothing but the permission."""


def _rotate(session: Session, approved: ApprovedRequest) -> None:
    before = resolve(KeyRing).active_id()
    rotation.begin_rotation(session)
    audit.record(
        session,
        actor=approved.checker,
        action=AuditAction.KEYS_ROTATED,
        subject=_RING,
        before={"sealing": before},
        after={
            "sealing": resolve(KeyRing).active_id(),
            "approval": ids.encode("apr", approved.id),
            "maker": ids.encode("usr", approved.maker_id),
        },
        reason=approved.reason,
    )


def _describe(session: Session, actor: Actor, _subject: str) -> TextFields:
    """Return the age of the active key, how many values it seals, and the rotation before."""
    if Permission.KEYS_READ not in actor.permissions:
        return {}
    [active] = [key for key in resolve(KeyRing).list_keys() if key.active]
    last = queries.latest_rotation(session)
    return {
        "Active since": format_time(active.activated_at) if active.activated_at else "Unknown",
        "Values to rewrap": format_count(queries.count_values_by_key(session).total()),
        "Last rotation": format_time(last.started_at) if last else "None",
    }


approvals_registry.register(
    ApprovalAction(
        ROTATE,
        "Rotate the key ring",
        Permission.KEYS_ROTATE,
        _compare,
        _check_nothing,
        _rotate,
        _describe,
        lambda _fields: "rotate the key ring",
    )
)
