"""Releasing a large withdrawal: one member of staff requests it, another one approves."""

from uuid import UUID

from app.access import Actor, Permission
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.errors import SelfApproval
from app.approvals.registry import (
    ApprovalAction,
    ApprovedRequest,
    ProposedChange,
    TextFields,
    label_of,
)
from app.catalog.rules import PaymentMethod
from app.funding.errors import WrongWithdrawalStatus
from app.funding.states import WithdrawalStatus
from app.funding.withdrawals import queries
from app.funding.withdrawals import service as withdrawals
from app.kit import ids
from app.kit.db import Session
from app.kit.formatting import format_exact_amount, format_time

RELEASE = "withdrawal.release"


def request_release(session: Session, actor: Actor, withdrawal_id: UUID, *, reason: str) -> UUID:
    """Request the release of a withdrawal, and return the request's id.

    Raises `NotFound`, `WrongWithdrawalStatus`, `PermissionDenied`, `ApprovalPending`, and `Invalid`
    for the reason.
    """
    withdrawal = queries.lock_withdrawal(session, withdrawal_id)
    payload = {"withdrawal": withdrawal.public_id}
    return approvals.request_approval(
        session,
        actor,
        RELEASE,
        payload,
        subject=withdrawal.public_id,
        subject_id=withdrawal.user_id,
        reason=reason,
    )


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    withdrawal = queries.lock_withdrawal(
        session, ids.decode(withdrawals.PREFIX, payload["withdrawal"])
    )
    if withdrawal.status is not WithdrawalStatus.AWAITING_APPROVAL:
        raise WrongWithdrawalStatus
    facts = {
        "amount": f"{withdrawal.amount} {withdrawal.amount.asset.code}",
        "to": f"{withdrawal.method}, {withdrawal.destination}",
        "customer": ids.encode("usr", withdrawal.user_id),
    }
    return ProposedChange(
        {"status": withdrawal.status}, {"status": WithdrawalStatus.APPROVED, **facts}
    )


def _check_other(session: Session, actor: Actor, payload: TextFields) -> None:
    """Raise `SelfApproval` for the staff member's own withdrawal."""
    withdrawal = queries.lock_withdrawal(
        session, ids.decode(withdrawals.PREFIX, payload["withdrawal"])
    )
    if withdrawal.user_id == actor.user_id:
        raise SelfApproval


def _release(session: Session, approved: ApprovedRequest) -> None:
    identifier = ids.decode(withdrawals.PREFIX, approved.payload["withdrawal"])
    withdrawals.release(session, approved.checker, identifier, reason=approved.reason)


def _describe(session: Session, actor: Actor, subject: str) -> TextFields:
    """Return when it was requested, and until when it waits for its destination."""
    if Permission.PAYMENTS_READ not in actor.permissions:
        return {}
    withdrawal = queries.withdrawal(session, ids.decode(withdrawals.PREFIX, subject))
    waits = withdrawal.waits_until
    return {"Requested": format_time(withdrawal.requested_at)} | (
        {"Not sent before": format_time(waits)} if waits else {}
    )


def _format_payee(text: str) -> str:
    """Write `bank, account ending 6789` with the label of the method."""
    method, destination = text.split(", ", 1)
    return f"{label_of(PaymentMethod)(method)}, {destination}"


approvals_registry.register(
    ApprovalAction(
        RELEASE,
        "Release a withdrawal",
        Permission.PAYMENTS_RELEASE,
        _compare,
        _check_other,
        _release,
        _describe,
        lambda fields: f"release {fields['amount']}",
        {
            "status": label_of(WithdrawalStatus),
            "amount": format_exact_amount,
            "to": _format_payee,
        },
        follows="The payout is sent as soon as nothing else holds it up. Once sent, it cannot be"
        " called back.",
    )
)
