"""What customers read when a paid order ends."""

from app.kit.db import Session
from app.kit.ids import PublicId
from app.notifications import service as notifications
from app.notifications.kinds import GoodsOrderRefunded
from app.shop.orders.rules import CancelReason
from app.shop.refunds.refundable import RefundableOrder
from app.shop.refunds.rules import RefundTerms

_REASONS = {
    CancelReason.CUSTOMER: "You cancelled it.",
    CancelReason.STAFF: "We cancelled it for you.",
}


def notify_of_refund(
    session: Session,
    order: RefundableOrder,
    terms: RefundTerms,
    refund: PublicId,
    reason: CancelReason,
) -> None:
    """Stage the message that a paid order was cancelled, and what goes back."""
    message = GoodsOrderRefunded(
        order.public_id,
        order.number,
        _REASONS[reason],
        terms.goods,
        terms.tax,
        terms.shipping + terms.insurance,
        terms.loss,
        terms.fee,
        terms.received,
        terms.owed,
    )
    notifications.notify(session, message, to=order.user_id, event=refund)
