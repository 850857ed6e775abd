"""Waive a charge: a large one is requested by one person and approved by another.

One that is due is never posted. One that was posted is reversed: dollars, the metal that was sold
and the debt, as they were.
"""

from datetime import datetime
from uuid import UUID

from app.access import Actor, Permission, require
from app.approvals import registry as approvals_registry
from app.approvals import rules as approvals_rules
from app.approvals import service as approvals
from app.approvals.errors import SelfApproval
from app.approvals.registry import (
    ApprovalAction,
    ApprovedRequest,
    ProposedChange,
    TextFields,
    label_of,
)
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.formatting import format_exact_amount
from app.ledger import service as ledger
from app.notifications import service as notifications
from app.notifications.fee_kinds import StorageFeeWaived
from app.settings.queries import current
from app.storage_fees import queries
from app.storage_fees.errors import AlreadyWaived, OwnStorageFee
from app.storage_fees.queries import Charge
from app.storage_fees.rules import PREFIX, TRANSITIONS, ChargeStatus, StorageFeeRules

WAIVE = "storage_fee.waive"
WAIVE_CAUSE = "storage_fee_waived"

_WAIVED = """
UPDATE storage_charges SET status = %s, waived_at = %s, waived_by = %s, waive_reason = %s
WHERE id = %s
"""


def waive(session: Session, actor: Actor, charge_id: UUID, *, reason: str) -> UUID | None:
    """Waive a charge. From the amount of a setting on, request it instead, and return the request's
    id.

    Raises `PermissionDenied`, `NotFound`, `OwnStorageFee`, `AlreadyWaived`, `ApprovalPending`, and
    `Invalid` for the reason.
    """
    require(actor, Permission.STORAGE_FEES_WAIVE)
    reason = approvals_rules.clean_reason(reason)
    charge = _lock_open(session, charge_id)
    if charge.user_id == actor.user_id:
        raise OwnStorageFee
    if charge.fee < current(session, StorageFeeRules).approval_from:
        _carry_out(session, actor, charge, reason=reason, at=clock.now())
        return None
    return approvals.request_approval(
        session,
        actor,
        WAIVE,
        {"charge": charge.public_id},
        subject=charge.public_id,
        subject_id=charge.user_id,
        reason=reason,
    )


def _lock_open(session: Session, charge_id: UUID) -> Charge:
    charge = queries.lock_charge(session, charge_id)
    if charge.status is ChargeStatus.WAIVED:
        raise AlreadyWaived
    return charge


def _carry_out(
    session: Session, actor: Actor, charge: Charge, *, reason: str, at: datetime
) -> None:
    status = TRANSITIONS.transition(charge.status, ChargeStatus.WAIVED)
    session.send(_WAIVED, (status, at, actor.user_id, reason, charge.id))
    if charge.status is ChargeStatus.CHARGED:
        ledger.reverse(
            session,
            reference=f"{charge.public_id}:waived",
            reverses=charge.public_id,
            cause=WAIVE_CAUSE,
            posted_at=at,
        )
        message = StorageFeeWaived(charge.public_id, charge.month_name, charge.fee)
        notifications.notify(session, message, to=charge.user_id, event=charge.public_id)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.STORAGE_FEE_WAIVED,
        subject=charge.public_id,
        on_behalf_of=charge.user_id,
        before={"status": charge.status},
        after={"status": status, "fee": _write(charge), "month": charge.month.isoformat()},
        reason=reason,
    )


def _write(charge: Charge) -> str:
    return f"{charge.fee} {charge.fee.asset.code}"


def _locked_subject(session: Session, payload: TextFields) -> Charge:
    return _lock_open(session, ids.decode(PREFIX, payload["charge"]))


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    charge = _locked_subject(session, payload)
    facts = {
        "fee": _write(charge),
        "month": charge.month_name,
        "customer": ids.encode("usr", charge.user_id),
    }
    return ProposedChange({"status": charge.status}, {"status": ChargeStatus.WAIVED, **facts})


def _check(session: Session, actor: Actor, payload: TextFields) -> None:
    """Raise `SelfApproval` for the staff member's own charge."""
    if _locked_subject(session, payload).user_id == actor.user_id:
        raise SelfApproval


def _execute(session: Session, approved: ApprovedRequest) -> None:
    charge = _locked_subject(session, approved.payload)
    _carry_out(session, approved.checker, charge, reason=approved.reason, at=clock.now())


def _describe(session: Session, actor: Actor, subject: str) -> TextFields:
    """Return the arithmetic of the charge."""
    if Permission.STORAGE_FEES_READ not in actor.permissions:
        return {}
    charge = queries.get_charge(session, ids.decode(PREFIX, subject))
    return {"Arithmetic": "; ".join(line.explanation for line in charge.lines)}


approvals_registry.register(
    ApprovalAction(
        WAIVE,
        "Waive a storage fee",
        Permission.STORAGE_FEES_WAIVE,
        _compare,
        _check,
        _execute,
        _describe,
        lambda fields: f"waive {fields['fee']}",
        {"fee": format_exact_amount, "status": label_of(ChargeStatus)},
        follows="What was taken for it goes back to the customer at once.",
    )
)
