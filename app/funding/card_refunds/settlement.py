"""What a refund of ours becomes when the processor has made it, or gave its amount back."""

import sqlalchemy as sa

from app.audit import service as audit
from app.audit.actions import AuditAction
from app.funding.card_refunds import queries
from app.funding.card_refunds.queries import CardRefund
from app.funding.models import CardRefundRow
from app.funding.ports import Dispute
from app.funding.states import CARD_REFUND_TRANSITIONS, CardRefundStatus
from app.kit import clock, ids
from app.kit.db import Session
from app.ledger import service as ledger
from app.notifications import service as notifications
from app.notifications.refund_kinds import CardRefundFailed


def settle(session: Session, made: Dispute) -> bool:
    """Follow the processor's refund, if we ordered it: its amount is no longer held, so that the
    entry which books the refund takes it. Return whether we ordered it."""
    refund_id = ids.try_decode(queries.PREFIX, made.reference)
    refund = queries.lock_refund(session, refund_id) if refund_id is not None else None
    if refund is None:
        return False
    if made.state == "lost":
        if refund.status is not CardRefundStatus.REFUNDED:
            _end(session, refund, CardRefundStatus.REFUNDED, provider_ref=made.provider_ref)
    elif refund.status is not CardRefundStatus.FAILED:
        fail(session, refund, "returned_by_bank", provider_ref=made.provider_ref)
    return True


def fail(
    session: Session, refund: CardRefund, code: str, *, provider_ref: str | None = None
) -> None:
    """End a refund, locked before, whose amount stays in the balance, and tell the customer."""
    _end(session, refund, CardRefundStatus.FAILED, code=code, provider_ref=provider_ref)
    audit.record(
        session,
        actor=None,
        action=AuditAction.CARD_REFUND_FAILED,
        subject=refund.public_id,
        on_behalf_of=refund.user_id,
        after={"amount": str(refund.amount), "code": code},
    )
    message = CardRefundFailed(ids.encode("dep", refund.deposit_id), refund.amount)
    notifications.notify(session, message, to=refund.user_id, event=refund.public_id)


def _end(
    session: Session,
    refund: CardRefund,
    status: CardRefundStatus,
    *,
    code: str | None = None,
    provider_ref: str | None,
) -> None:
    now = clock.now()
    if refund.status is CardRefundStatus.REQUESTED:
        ledger.void_holds(session, [refund.hold_id], at=now)
    session.write(
        sa.update(CardRefundRow)
        .where(CardRefundRow.id == refund.id)
        .values(
            status=CARD_REFUND_TRANSITIONS.transition(refund.status, status),
            code=code,
            provider_ref=provider_ref or refund.provider_ref,
            looked_at=now,
        )
    )
