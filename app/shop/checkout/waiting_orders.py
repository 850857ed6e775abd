"""Orders that a card or a bank transfer pays: advance them, cancel them.

Such an order ends in one of two ways, each in one transaction (kept_orders.py): its goods are sold
once the deposit is credited, after a review if a rule wants one; or it is cancelled, and what
arrives is in the customer's balance. All that end one lock its row: so the order and number of
their calls do not matter.
"""

from datetime import datetime, timedelta
from uuid import UUID

from app.access import Actor
from app.fulfillment.errors import CancelWindowClosed
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits.queries import Deposit
from app.funding.states import OPEN_DEPOSITS, DepositStatus
from app.kit import clock
from app.kit.db import Session
from app.ledger.errors import InsufficientFunds
from app.outbox import service as outbox
from app.settings.queries import current
from app.shop.checkout import kept_orders, order_messages
from app.shop.checkout.rules import OrderPaymentRules
from app.shop.orders import queries as orders_queries
from app.shop.orders import service as orders
from app.shop.orders import waiting
from app.shop.orders.rules import (
    DEPOSIT_METHODS,
    KEEPING,
    CancelReason,
    OrderPaymentMethod,
    OrderStatus,
)
from app.shop.orders.waiting import LockedOrder

_CARD = DEPOSIT_METHODS[OrderPaymentMethod.CARD]


def stage_due(session: Session) -> None:
    """Stage the job of every waiting order whose deposit has ended, or whose time is over."""
    for order_id in waiting.list_due(session, clock.now()):
        outbox.stage(session, "shop.advance_order", {"order_id": str(order_id)})


def remind(session: Session) -> None:
    """Remind the customers of orders whose bank transfer has not come and whose time ends soon,
    each once."""
    now = clock.now()
    before = timedelta(hours=current(session, OrderPaymentRules).reminder_hours)
    for order_id in waiting.lock_unreminded(session, now, before):
        orders.mark_reminded(session, order_id, at=now)
        order_messages.remind_of_payment(session, orders_queries.get_order(session, order_id))


def advance_orders_of(session: Session, user_id: UUID) -> None:
    """Advance every order of a customer that waits for its payment."""
    for order_id in waiting.list_waiting_of(session, user_id):
        advance(session, order_id)


def advance(session: Session, order_id: UUID) -> None:
    """End a waiting order if its deposit has ended, or its time is over; else leave it as it is."""
    order = waiting.lock_order(session, order_id)
    if order.status is not OrderStatus.PENDING_PAYMENT:
        return
    assert order.deposit_id is not None  # unpaid_order_waits_for_a_deposit
    assert order.payment_due_at is not None  # deposit_of_order_is_due
    # Locked, so that what a job of funding is about to store is waited for.
    deposit = deposit_queries.lock_deposit(session, order.deposit_id)
    now = clock.now()
    reason = _why_unpaid(order.payment_due_at, deposit, now)
    if reason is None and deposit.status is DepositStatus.CREDITED:
        if order.hold_reasons:
            reason = _hold(session, order, deposit, now)
        else:
            reason = kept_orders.sell(
                session, order, actor=None, evidence=deposit.public_id, at=now
            )
        is_short = reason is CancelReason.MONEY_SHORT
        if is_short and deposit.method is not _CARD and now < order.payment_due_at:
            # Another transfer may bring the rest.
            return
    if reason is not None:
        kept_orders.end(session, order, reason, actor=None, at=now)


def _why_unpaid(due_at: datetime, deposit: Deposit, now: datetime) -> CancelReason | None:
    """Return why an order will not be paid; None if it may be, or is."""
    match deposit.status:
        case DepositStatus.CREDITED:
            assert deposit.credited_at is not None  # credited_says_when
            return CancelReason.PAYMENT_LATE if due_at < deposit.credited_at else None
        case DepositStatus.CANCELLED:
            return CancelReason.PAYMENT_CANCELLED
        case status if status in OPEN_DEPOSITS:
            return CancelReason.PAYMENT_LATE if due_at <= now else None
    return CancelReason.PAYMENT_FAILED


def _hold(
    session: Session, order: LockedOrder, deposit: Deposit, at: datetime
) -> CancelReason | None:
    """Keep the money of an order for a review; return why that is not possible, if it is not."""
    try:
        with session.savepoint():
            payments = waiting.list_payments(session, order.id)
            money_hold_ids = kept_orders.keep_payments(session, order, payments, at=at)
    except InsufficientFunds:
        return CancelReason.MONEY_SHORT
    orders.mark_held(session, order, money_hold_ids, at=at, evidence=deposit.public_id)
    held = orders_queries.get_order(session, order.id, user_id=order.user_id)
    order_messages.notify_of_hold(session, held)
    return None


def cancel(session: Session, actor: Actor, order_id: UUID) -> None:
    """Cancel the actor's order while it waits for its payment or is on hold; cancelling it again
    changes nothing.

    Raises `NotFound`, and `CancelWindowClosed` for a paid one.
    """
    order = waiting.lock_order(session, order_id, user_id=actor.user_id)
    if order.status in KEEPING:
        kept_orders.end(session, order, CancelReason.CUSTOMER, actor=actor, at=clock.now())
    elif order.status is not OrderStatus.CANCELLED:
        raise CancelWindowClosed
