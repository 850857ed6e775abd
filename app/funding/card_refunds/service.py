"""The verbs of refunds to cards: request one, and have the processor make it.

Only `advance` calls the processor: the first job and the poll. It notes before that it does, and
calls between two transactions, with our id as the processor's key: so a process may die at any
step, and the refund is made once.
"""

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.rules import USD, PaymentMethod
from app.funding import limits
from app.funding.card_refunds import queries, settlement
from app.funding.card_refunds.queries import CardRefund
from app.funding.deposits import queries as deposit_queries
from app.funding.disputes import service as disputes
from app.funding.models import CardRefundRow, DisputeRow
from app.funding.ports import CardRail, Dispute, DisputeKind, PaymentRails
from app.funding.states import RECEIVED_DEPOSITS, CardRefundStatus
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.kit.ports import resolve
from app.ledger import chart
from app.ledger import service as ledger
from app.outbox import service as outbox
from app.providers.errors import OwnFundsTooLow, ProviderRefused, ProviderUnavailable

#: The processor recognises a repeated request for a day; this leaves room for clocks that differ.
_REPEATABLE_FOR = timedelta(hours=20)
#: For so long after the first try, the list of refunds decides; then its absence does.
_FORGOTTEN_AFTER = timedelta(hours=30)
_CLOCKS_DIFFER = timedelta(hours=1)
_NOTHING = Amount(USD, 0)


def lock_refundable(session: Session, deposit_id: UUID) -> Amount:
    """Return how much of a card payment can go back to its card: nothing of one that its bank
    disputes. The customer's payments are serialized until the transaction ends."""
    deposit = deposit_queries.lock_deposit(session, deposit_id)
    limits.lock_customer_payments(session, deposit.user_id)
    if deposit.method is not PaymentMethod.CARD or deposit.status not in RECEIVED_DEPOSITS:
        return _NOTHING
    taken_back = session.select(
        lambda kind, units: (kind, units),
        sa.select(DisputeRow.kind, DisputeRow.units).where(
            DisputeRow.deposit_id == deposit_id, DisputeRow.status != "won"
        ),
    )
    if any(kind == DisputeKind.DISPUTE for kind, _ in taken_back):
        return _NOTHING
    on_their_way = session.select(
        lambda units: units,
        sa.select(CardRefundRow.units).where(
            CardRefundRow.deposit_id == deposit_id,
            CardRefundRow.status == CardRefundStatus.REQUESTED,
        ),
    )
    gone = sum(units for _, units in taken_back) + sum(on_their_way)
    return max(deposit.receives - Amount(USD, gone), _NOTHING)


def request(
    session: Session, deposit_id: UUID, user_id: UUID, amount: Amount, *, because_of: PublicId
) -> UUID:
    """Hold an amount of the customer's balance and have it refunded to the card of their deposit;
    return the refund's id. The caller has asked `lock_refundable` before, and credited the amount.

    The database raises `InsufficientFunds`.
    """
    refund_id, hold_id, now = ids.new(), ids.new(), clock.now()
    ledger.place_hold(
        session,
        hold_id=hold_id,
        account=chart.customer(user_id, amount.asset),
        amount=amount,
        cause="card_refund",
        placed_at=now,
    )
    session.write(
        sa.insert(CardRefundRow).values(
            id=refund_id,
            deposit_id=deposit_id,
            user_id=user_id,
            units=amount.units,
            status=CardRefundStatus.REQUESTED,
            because_of=because_of,
            hold_id=hold_id,
            requested_at=now,
            looked_at=now,
        )
    )
    audit.record(
        session,
        actor=None,
        action=AuditAction.CARD_REFUND_REQUESTED,
        subject=ids.encode(queries.PREFIX, refund_id),
        on_behalf_of=user_id,
        after={
            "amount": str(amount),
            "because_of": because_of,
            "deposit": ids.encode("dep", deposit_id),
        },
    )
    stage_advance(session, refund_id)
    return refund_id


def stage_advance(session: Session, refund_id: UUID) -> None:
    """Stage the job that has a refund made."""
    provider = resolve(PaymentRails)[PaymentMethod.CARD].name
    outbox.stage(session, "funding.refund_card", {"refund_id": str(refund_id)}, provider=provider)


def advance(database: Database, refund_id: UUID) -> None:
    """Have the processor make a refund, or learn whether an earlier try did, and book it.

    Raises `ProviderUnavailable` and `ProviderOutcomeUnknown`; the next poll tries again.
    """
    with database.transaction() as session:
        refund = queries.lock_refund(session, refund_id)
        if refund is None or refund.status is not CardRefundStatus.REQUESTED:
            return
        deposit = deposit_queries.deposit(session, refund.deposit_id)
        assert deposit.provider_ref is not None  # of collected payments only
        _note_call(session, refund.id, refund.opened_at or clock.now())
    rail = resolve(PaymentRails)[PaymentMethod.CARD]
    assert isinstance(rail, CardRail)
    try:
        made = _find_or_make(rail, refund, deposit.provider_ref)
    except ProviderUnavailable:
        if refund.opened_at is None:
            with database.transaction() as session:
                _note_call(session, refund.id, None)
        raise
    except OwnFundsTooLow:
        # Nothing was done, and the same request succeeds later.
        raise
    except ProviderRefused as refusal:
        with database.transaction() as session:
            again = queries.lock_refund(session, refund.id)
            if again is not None and again.status is CardRefundStatus.REQUESTED:
                settlement.fail(session, again, refusal.code)
        return
    with database.transaction() as session:
        if made is not None:
            disputes.apply_dispute(session, rail.name, rail.provider_id, made)
        elif refund.opened_at and clock.now() - refund.opened_at > _FORGOTTEN_AFTER:
            # The processor never had it, and its memory of our key is over: it is a new request.
            _note_call(session, refund.id, None)


def _find_or_make(rail: CardRail, refund: CardRefund, payment_ref: str) -> Dispute | None:
    """Return the processor's refund, made now if that cannot make a second one; None if an earlier
    try may still have made it, and the processor does not list it."""
    if refund.opened_at is None or clock.now() - refund.opened_at < _REPEATABLE_FOR:
        return rail.make_refund(payment_ref, refund.amount, refund.public_id)
    listed = rail.refunds(refund.opened_at - _CLOCKS_DIFFER)
    return next((each for each in listed if each.reference == refund.public_id), None)


def _note_call(session: Session, refund_id: UUID, opened_at: datetime | None) -> None:
    session.write(
        sa.update(CardRefundRow)
        .where(CardRefundRow.id == refund_id)
        .values(opened_at=opened_at, looked_at=clock.now())
    )
