"""What customers read about their redemptions."""

from app.kit.db import Session
from app.notifications import service as notifications
from app.notifications.kinds import RedemptionApproved, RedemptionEnded, RedemptionSubmitted
from app.redemption.requests.queries import Redemption
from app.redemption.requests.rules import RedemptionStatus
from app.tax.assessment import Delivery

_ENDINGS = {
    RedemptionStatus.REJECTED: "We cannot carry out this redemption. Contact support if you have"
    " questions.",
    RedemptionStatus.CANCELLED: "You cancelled it.",
    RedemptionStatus.EXPIRED: "We could not review it in time. We are sorry. You can request it"
    " again.",
}
_NEXT_STEPS = {
    Delivery.SHIP: "We pack your goods and tell you when they are on their way.",
    Delivery.PICKUP: "We pack your goods and tell you when you can pick them up. Bring the document"
    " by which you were identified.",
}


def notify_of_submission(session: Session, redemption: Redemption) -> None:
    """Stage the message that a redemption was submitted."""
    quote = redemption.quote
    message = RedemptionSubmitted(
        redemption.public_id,
        quote.amount,
        _pieces_of(redemption),
        quote.total,
        redemption.expires_at,
    )
    notifications.notify(session, message, to=redemption.user_id, event=redemption.public_id)


def notify_of_approval(session: Session, redemption: Redemption) -> None:
    """Stage the message that a redemption is approved, and paid."""
    message = RedemptionApproved(
        redemption.public_id,
        _NEXT_STEPS[redemption.quote.destination],
        _pieces_of(redemption),
        redemption.metal,
        redemption.dollars,
    )
    notifications.notify(session, message, to=redemption.user_id, event=redemption.public_id)


def notify_of_end(session: Session, redemption: Redemption, status: RedemptionStatus) -> None:
    """Stage the message that a redemption ended before it was approved. It does not say why staff
    rejected it."""
    message = RedemptionEnded(redemption.public_id, _ENDINGS[status], redemption.quote.amount)
    notifications.notify(session, message, to=redemption.user_id, event=redemption.public_id)


def notify_of_undelivered(session: Session, redemption: Redemption) -> None:
    """Stage the message that a redemption ended because its pieces were not delivered."""
    reason = "Your pieces did not reach you. Their metal is in your balance again."
    message = RedemptionEnded(redemption.public_id, reason, redemption.quote.amount)
    notifications.notify(session, message, to=redemption.user_id, event=redemption.public_id)


def _pieces_of(redemption: Redemption) -> str:
    return "\n".join(f"{item.quantity} x {item.name}" for item in redemption.quote.items)
