"""The time in which staff decide about an order on hold. They are reminded before it is over; then
the order is cancelled, and its customer has everything back.

An order that may go to a listed party is never let go by time alone.
"""

from datetime import timedelta
from uuid import UUID

from app.access import Permission
from app.approvals.ports import CurrentPermissions
from app.kit import clock
from app.kit.db import Session
from app.kit.ports import resolve
from app.notifications import service as notifications
from app.notifications.order_kinds import OrderReviewDue
from app.outbox import service as outbox
from app.settings.queries import current
from app.shop.checkout import kept_orders
from app.shop.checkout.rules import OrderReviewRules
from app.shop.orders import queries as orders_queries
from app.shop.orders import service as orders
from app.shop.orders import waiting
from app.shop.orders.rules import CancelReason, HoldReason, OrderStatus

_BEFORE = timedelta(days=1)
#: By whether a decision about the sanctions list is waited for.
_FOLLOWS = {
    False: "Then it is cancelled, and its customer has everything back.",
    True: "The sanctions check of its recipient is not decided: until it is, it stays on hold.",
}


def remind(session: Session) -> None:
    """Remind those who review orders of the ones whose time is over within a day, once each."""
    now, lasts = clock.now(), _lasts(session)
    for order_id in waiting.lock_unreviewed(session, now - lasts + _BEFORE):
        order = orders_queries.get_order(session, order_id)
        assert order.held_at is not None  # held_order_says_when
        orders.mark_reminded(session, order_id, at=now)
        message = OrderReviewDue(
            order.public_id,
            order.number,
            order.held_at + lasts,
            _FOLLOWS[HoldReason.SCREENING in order.hold_reasons],
        )
        reviewers = frozenset({Permission.SHOP_ORDERS_REVIEW})
        for user_id in resolve(CurrentPermissions).find_holders(session, reviewers):
            if user_id != order.user_id:
                notifications.notify(session, message, to=user_id, event=order.public_id)


def stage_overdue(session: Session) -> None:
    """Stage the job of every order whose time of review is over."""
    for order_id in waiting.list_overdue_reviews(session, clock.now() - _lasts(session)):
        outbox.stage(session, "shop.end_review", {"order_id": str(order_id)})


def end_overdue(session: Session, order_id: UUID) -> None:
    """Cancel an order that was not decided about in time; one that has another status stays."""
    order = waiting.lock_order(session, order_id)
    if order.status is OrderStatus.ON_HOLD and HoldReason.SCREENING not in order.hold_reasons:
        kept_orders.end(session, order, CancelReason.REVIEW_LATE, actor=None, at=clock.now())


def _lasts(session: Session) -> timedelta:
    return timedelta(days=current(session, OrderReviewRules).hold_days)
