"""Changes of a redemption's status: its row, its history, the audit trail."""

from datetime import datetime

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.kit import ids
from app.kit.db import Session
from app.redemption.requests import holds, queries
from app.redemption.requests.models import RedemptionEventRow, RedemptionRow
from app.redemption.requests.queries import Redemption
from app.redemption.requests.rules import TRANSITIONS, RedemptionStatus

_S = RedemptionStatus
#: The column that says when a status was reached, and the act of the audit trail.
_INSTANTS = {
    _S.APPROVED: "approved_at",
    _S.REJECTED: "ended_at",
    _S.CANCELLED: "ended_at",
    _S.EXPIRED: "ended_at",
    _S.DELIVERED: "delivered_at",
}
_ACTS = {
    _S.APPROVED: AuditAction.REDEMPTION_APPROVED,
    _S.REJECTED: AuditAction.REDEMPTION_REJECTED,
    _S.CANCELLED: AuditAction.REDEMPTION_CANCELLED,
    _S.EXPIRED: AuditAction.REDEMPTION_LAPSED,
}


def transition(
    session: Session,
    redemption: Redemption,
    status: RedemptionStatus,
    *,
    at: datetime,
    actor: Actor | None = None,
    evidence: str | None = None,
) -> None:
    """Give a redemption, locked before, its next status, and record it with its evidence; in the
    audit trail too, how it was decided. Raises for an undeclared transition."""
    TRANSITIONS.transition(redemption.status, status)
    values: dict[str, object] = {"status": status}
    if status in _INSTANTS:
        values[_INSTANTS[status]] = at
    own = RedemptionRow.id == redemption.id
    session.write(sa.update(RedemptionRow).where(own).values(**values))
    record_event(
        session, redemption, status, before=redemption.status, at=at, actor=actor, evidence=evidence
    )
    if status in _ACTS:
        audit.record(
            session,
            actor=actor,
            action=_ACTS[status],
            subject=redemption.public_id,
            on_behalf_of=redemption.user_id,
            before={"status": redemption.status},
            after={"status": status, **describe(redemption)},
            reason=evidence,
        )


def end(
    session: Session,
    redemption: Redemption,
    status: RedemptionStatus,
    *,
    at: datetime,
    actor: Actor | None = None,
    evidence: str | None = None,
) -> None:
    """End a redemption that is not approved, and release what it holds."""
    hold_ids = [each.hold_id for each in queries.list_units(session, redemption)]
    hold_ids.append(redemption.metal_hold_id)
    if redemption.money_hold_id is not None:
        hold_ids.append(redemption.money_hold_id)
    holds.release(session, hold_ids, at=at)
    transition(session, redemption, status, at=at, actor=actor, evidence=evidence)


def describe(redemption: Redemption) -> dict[str, str]:
    """Return what the audit trail says about a redemption."""
    quote = redemption.quote
    return {"asset": quote.asset.code, "amount": str(quote.amount), "total": str(quote.total)}


def record_event(
    session: Session,
    redemption: Redemption,
    status: RedemptionStatus,
    *,
    before: RedemptionStatus | None,
    at: datetime,
    actor: Actor | None,
    evidence: str | None = None,
) -> None:
    """Record in the history that a redemption took a status."""
    session.write(
        sa.insert(RedemptionEventRow).values(
            id=ids.new(),
            redemption_id=redemption.id,
            from_status=before,
            to_status=status,
            actor_id=actor.user_id if actor else None,
            evidence=evidence,
            at=at,
        )
    )
