"""What customers read when money of an order goes back."""

from app.kit.db import Session
from app.kit.ids import PublicId
from app.notifications import service as notifications
from app.notifications.refund_kinds import GoodsOrderRefunded
from app.shop.refunds.refundable import RefundableOrder
from app.shop.refunds.rules import RefundTerms


def notify_of_refund(
    session: Session,
    order: RefundableOrder,
    terms: RefundTerms,
    refund: PublicId,
    reason: str,
) -> None:
    """Stage the message about a refund. The reason is a sentence."""
    message = GoodsOrderRefunded(
        order.public_id,
        order.number,
        reason,
        terms.goods,
        terms.tax + terms.borne,
        terms.shipping + terms.insurance,
        terms.loss,
        terms.fee,
        terms.received,
        terms.owed,
    )
    notifications.notify(session, message, to=order.user_id, event=refund)
