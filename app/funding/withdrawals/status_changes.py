"""Changes of a withdrawal's status: its row, its timeline, the audit trail, and what the customer
reads."""

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.funding.models import WithdrawalEvent, WithdrawalRow
from app.funding.ports import Payout
from app.funding.states import WITHDRAWAL_TRANSITIONS, WithdrawalStatus
from app.funding.withdrawals import own_funds
from app.funding.withdrawals.queries import LockedWithdrawal
from app.kit import clock, ids
from app.kit.db import Session
from app.ledger import service as ledger
from app.notifications import service as notifications
from app.notifications.facts import MessageFacts


def end_unpaid(
    session: Session,
    withdrawal: LockedWithdrawal,
    status: WithdrawalStatus,
    *,
    actor: Actor | None = None,
    reason: str | None = None,
    payout: Payout | None = None,
) -> LockedWithdrawal:
    """End a withdrawal that is not paid out, release the hold, and return the withdrawal."""
    ledger.void_holds(session, [withdrawal.id], at=clock.now())
    ended = transition(session, withdrawal, status, actor=actor, evidence=reason, payout=payout)
    audit_status(session, withdrawal, status, actor=actor, reason=reason)
    return ended


def record_check(session: Session, withdrawal: LockedWithdrawal) -> datetime:
    """Record that the withdrawal is checked now, and return that instant."""
    now = clock.now()
    session.write(_update(withdrawal).values(looked_at=now))
    return now


def transition(
    session: Session,
    withdrawal: LockedWithdrawal,
    status: WithdrawalStatus,
    *,
    actor: Actor | None = None,
    evidence: str | None = None,
    payout: Payout | None = None,
) -> LockedWithdrawal:
    """Set the next status and record it with its evidence; return the changed withdrawal.

    Raises for an undeclared transition.
    """
    WITHDRAWAL_TRANSITIONS.transition(withdrawal.status, status)
    now = clock.now()
    changed = replace(
        withdrawal,
        status=status,
        code=evidence if status is WithdrawalStatus.FAILED else None,
        provider_ref=withdrawal.provider_ref or (payout.provider_ref if payout else None) or None,
        looked_at=now,
        completed_at=now if status is WithdrawalStatus.COMPLETED else withdrawal.completed_at,
    )
    session.write(
        _update(withdrawal).values(
            status=changed.status,
            code=changed.code,
            provider_ref=changed.provider_ref,
            looked_at=changed.looked_at,
            completed_at=changed.completed_at,
        )
    )
    if evidence is None and payout is not None:
        evidence = payout.evidence or payout.provider_ref
    record_event(session, changed, withdrawal.status, actor=actor, evidence=evidence)
    own_funds.end(session, changed)
    return changed


def _update(withdrawal: LockedWithdrawal) -> sa.Update:
    return sa.update(WithdrawalRow).where(WithdrawalRow.id == withdrawal.id)


def record_event(
    session: Session,
    withdrawal: LockedWithdrawal,
    old: WithdrawalStatus | None,
    *,
    actor: Actor | None,
    evidence: str | None,
) -> None:
    """Record in the timeline that the withdrawal took its status, and why."""
    session.write(
        sa.insert(WithdrawalEvent).values(
            id=ids.new(),
            withdrawal_id=withdrawal.id,
            from_status=old,
            to_status=withdrawal.status,
            actor_id=actor.user_id if actor else None,
            evidence=evidence,
            at=withdrawal.looked_at,
        )
    )


def audit_status(
    session: Session,
    withdrawal: LockedWithdrawal,
    status: WithdrawalStatus,
    *,
    actor: Actor | None = None,
    reason: str | None = None,
) -> None:
    """Record the new status in the audit trail."""
    audit.record(
        session,
        actor=actor,
        action=AuditAction(f"withdrawal.{status}"),
        subject=withdrawal.public_id,
        on_behalf_of=withdrawal.user_id,
        before={"status": withdrawal.status},
        after={
            "status": status,
            "asset": withdrawal.amount.asset.code,
            "amount": str(withdrawal.amount),
        },
        reason=reason,
    )


def notify_customer(session: Session, withdrawal: LockedWithdrawal, message: MessageFacts) -> None:
    """Stage a message to the customer, at most one of its kind for the withdrawal."""
    notifications.notify(session, message, to=withdrawal.user_id, event=withdrawal.public_id)
