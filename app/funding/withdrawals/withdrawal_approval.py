"""Releasing a large withdrawal: asked for by one of our staff, approved by another."""

from uuid import UUID

from app.access import Actor, Permission
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.errors import SelfApproval
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
from app.funding.errors import WrongWithdrawalStatus
from app.funding.states import WithdrawalStatus
from app.funding.withdrawals import service as withdrawals
from app.kit import ids
from app.kit.db import Session

RELEASE = "withdrawal.release"


def request_release(session: Session, actor: Actor, withdrawal_id: UUID, *, reason: str) -> UUID:
    """Ask a second person to let a withdrawal go; answers the request's id.

    Raises `NotFound`, `WrongWithdrawalStatus`, `PermissionDenied`, `ApprovalPending`, and `Invalid`
    for the reason.
    """
    asked = withdrawals.lock_withdrawal(session, withdrawal_id)
    payload = {"withdrawal": asked.public_id}
    return approvals.request_approval(
        session, actor, RELEASE, payload, subject=asked.public_id, subject_id=asked.user_id,
        reason=reason,
    )  # fmt: skip


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    asked = withdrawals.lock_withdrawal(
        session, ids.decode(withdrawals.PREFIX, payload["withdrawal"])
    )
    if asked.status is not WithdrawalStatus.AWAITING_APPROVAL:
        raise WrongWithdrawalStatus
    told = {
        "amount": f"{asked.amount} {asked.amount.asset.code}",
        "to": f"{asked.method}, {asked.masked_destination}",
        "customer": ids.encode("usr", asked.user_id),
    }
    return ProposedChange({"status": asked.status}, {"status": WithdrawalStatus.APPROVED, **told})


def _check_other(session: Session, actor: Actor, payload: TextFields) -> None:
    """Nobody asks for their own; nobody approves it either, as it is about them."""
    asked = withdrawals.lock_withdrawal(
        session, ids.decode(withdrawals.PREFIX, payload["withdrawal"])
    )
    if asked.user_id == actor.user_id:
        raise SelfApproval


def _release(session: Session, approved: ApprovedRequest) -> None:
    identifier = ids.decode(withdrawals.PREFIX, approved.payload["withdrawal"])
    withdrawals.release(session, approved.checker, identifier, reason=approved.reason)


approvals_registry.register(
    ApprovalAction(
        RELEASE,
        "Release a withdrawal",
        Permission.PAYMENTS_RELEASE,
        _compare,
        _check_other,
        _release,
    )
)
