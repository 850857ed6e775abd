"""Key rotation from the pages: one person requests it, a second one approves and starts it."""

from uuid import UUID

from app.access import Actor, Permission
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
from app.audit import service as audit
from app.keys import rotation
from app.keys.ports import KeyRing
from app.kit import ids
from app.kit.db import Session
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
        action="keys.rotated",
        subject=_RING,
        before={"sealing": before},
        after={
            "sealing": resolve(KeyRing).active_id(),
            "approval": ids.encode("apr", approved.id),
            "maker": ids.encode("usr", approved.maker_id),
        },
        reason=approved.reason,
    )


approvals_registry.register(
    ApprovalAction(
        ROTATE, "Rotate the key ring", Permission.KEYS_ROTATE, _compare, _check_nothing, _rotate
    )
)
