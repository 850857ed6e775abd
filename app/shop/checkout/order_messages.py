"""What customers read about their orders."""

from app.kit.db import Session
from app.kit.formatting import format_amount
from app.notifications import service as notifications
from app.notifications.order_kinds import (
    GoodsOrderCancelled,
    GoodsOrderHeld,
    GoodsOrderPaid,
    GoodsOrderReminder,
    GoodsOrderWaiting,
)
from app.shop.orders.queries import GoodsOrder
from app.shop.orders.rules import CancelReason
from app.tax.assessment import Delivery

_NEXT_STEPS = {
    Delivery.SHIP: "We pack your goods and tell you when they are on their way.",
    Delivery.PICKUP: "We pack your goods and tell you when you can pick them up. Bring the document"
    " by which you were identified.",
    Delivery.VAULT: "Your goods are in our vault, and they are yours.",
}
#: Of orders that end before they are paid.
_CANCEL_REASONS = {
    CancelReason.CUSTOMER: "You cancelled it.",
    CancelReason.PAYMENT_FAILED: "Your payment failed.",
    CancelReason.PAYMENT_CANCELLED: "You cancelled its payment.",
    CancelReason.PAYMENT_LATE: "Your payment did not arrive in time.",
    CancelReason.MONEY_SHORT: "Your balance did not cover it when your payment had arrived.",
    CancelReason.GOODS_GONE: "We no longer have the goods. We are sorry.",
    CancelReason.REJECTED: "We cannot accept it.",
    CancelReason.REVIEW_LATE: "We could not check it in time. We are sorry.",
}


def notify_of_payment(session: Session, order: GoodsOrder) -> None:
    """Stage the message that an order is paid."""
    assert order.paid_at is not None  # of paid orders only
    message = GoodsOrderPaid(
        order.public_id,
        order.number,
        _NEXT_STEPS[order.destination],
        _goods_of(order),
        order.tax,
        order.shipping,
        order.insurance,
        order.total,
        order.paid_at,
    )
    notifications.notify(session, message, to=order.user_id, event=order.public_id)


def notify_of_waiting(session: Session, order: GoodsOrder) -> None:
    """Stage the message that an order waits for a bank transfer. The deposit's own says where to
    send it."""
    deposit = order.payment.deposit
    assert deposit is not None  # of waiting orders only
    assert order.payment_due_at is not None
    message = GoodsOrderWaiting(
        order.public_id,
        order.number,
        _goods_of(order),
        order.total,
        deposit.requested_amount,
        order.payment_due_at,
    )
    notifications.notify(session, message, to=order.user_id, event=order.public_id)


def remind_of_payment(session: Session, order: GoodsOrder) -> None:
    """Stage the reminder of an order that waits for a bank transfer."""
    deposit = order.payment.deposit
    assert deposit is not None  # of waiting orders only
    assert order.payment_due_at is not None
    message = GoodsOrderReminder(
        order.public_id, order.number, order.total, deposit.requested_amount, order.payment_due_at
    )
    notifications.notify(session, message, to=order.user_id, event=order.public_id)


def notify_of_hold(session: Session, order: GoodsOrder) -> None:
    """Stage the message that an order is being checked. It never says why: that could disclose a
    suspicion."""
    message = GoodsOrderHeld(order.public_id, order.number, _goods_of(order), order.total)
    notifications.notify(session, message, to=order.user_id, event=order.public_id)


def notify_of_end(session: Session, order: GoodsOrder) -> None:
    """Stage the message that an order ended before it was paid."""
    assert order.cancel_reason is not None  # of cancelled orders only
    message = GoodsOrderCancelled(
        order.public_id, order.number, _CANCEL_REASONS[order.cancel_reason], order.total
    )
    notifications.notify(session, message, to=order.user_id, event=order.public_id)


def _goods_of(order: GoodsOrder) -> str:
    return "\n".join(
        f"{line.quantity} x {line.name}: {format_amount(line.price)}" for line in order.lines
    )
