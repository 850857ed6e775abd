"""Undoing an approved redemption: its pieces are for sale again, and the customer has everything
back."""

from datetime import timedelta
from decimal import Decimal

from app.access import Actor
from app.catalog.rules import USD
from app.fulfillment.errors import CancelWindowClosed
from app.fulfillment.shipments import service as shipments
from app.fulfillment.shipments.errors import AlreadyPicking
from app.fulfillment.strategies.rules import FulfillmentRules
from app.kit import clock
from app.kit.db import Session
from app.kit.money import Amount
from app.ledger import service as ledger
from app.redemption.requests import postings, status_changes
from app.redemption.requests.goods import list_goods
from app.redemption.requests.queries import Redemption
from app.redemption.requests.rules import RedemptionStatus
from app.settings.queries import current
from app.vault.stock.take_backs import ReturnedGoods, take_back

UNDO_CAUSE = "redemption_undone"


def undo(session: Session, redemption: Redemption, actor: Actor) -> None:
    """Cancel a redemption, locked before, that is approved and whose pieces are on the shelf.

    Raises `CancelWindowClosed` once the hours of its strategy are over or picking has begun.
    """
    now = clock.now()
    terms = current(session, FulfillmentRules).terms_of(redemption.strategy)
    if redemption.submitted_at + timedelta(hours=terms.cancel_hours) <= now:
        raise CancelWindowClosed
    try:
        shipments.cancel(session, actor, redemption.id, evidence="cancelled by the customer")
    except AlreadyPicking as refusal:
        raise CancelWindowClosed from refusal
    found = list_goods(session, redemption)
    reference = f"{redemption.public_id}:undone"
    # Their metal was given, not bought: nothing of its worth in dollars was posted.
    returned = [ReturnedGoods(each, Amount(USD, 0), Decimal(0)) for each in found.goods]
    taken = take_back(
        session,
        returned,
        owner_id=redemption.user_id,
        references=[redemption.public_id],
        reference=reference,
        at=now,
    )
    ledger.post(
        session,
        cause=UNDO_CAUSE,
        reference=reference,
        posted_at=now,
        postings=[*taken, *postings.undo_payment(redemption, found.ounces)],
    )
    status_changes.transition(session, redemption, RedemptionStatus.CANCELLED, at=now, actor=actor)
