"""Orders whose card payment its bank disputes: stop them, and let them go on.

What a bank takes back is a debt of the customer in the books of funding. Here follows what that
means for the goods: those that are not picked yet stay with us until the dispute is won, or the
debt is paid.
"""

from uuid import UUID

import sqlalchemy as sa

from app.cases import service as cases
from app.fulfillment.shipments import service as shipments
from app.fulfillment.shipments.errors import AlreadyPicking
from app.funding.disputes import queries as disputes_queries
from app.funding.disputes.queries import BankDispute
from app.funding.states import DisputeStatus
from app.kit.db import Session
from app.kit.formatting import format_amount
from app.notifications import service as notifications
from app.notifications.order_kinds import GoodsOrderStopped
from app.shop.orders import queries, shipping
from app.shop.orders.models import ShopOrder
from app.shop.orders.queries import GoodsOrder
from app.shop.orders.rules import OrderStatus
from app.tax.assessment import Delivery

#: The kind of the cases of orders whose payment is disputed; the key is the dispute.
DISPUTED = "shop.order_disputed"


def follow_dispute(session: Session, deposit_id: UUID, dispute_id: UUID) -> None:
    """Stop the order that a disputed deposit paid unless its goods are being picked, or request its
    shipments again once it may go on. The dispute has a case, with each change as a note."""
    found = sa.select(ShopOrder.id.label("order_id")).where(ShopOrder.deposit_id == deposit_id)
    order_id: UUID | None = session.find(lambda order_id: order_id, found)
    if order_id is None:
        return
    is_stopped = shipping.is_stopped(session, shipping.lock_order(session, order_id))
    order = queries.get_order(session, order_id)
    follows = _describe(order)
    if order.status is OrderStatus.ALLOCATED and order.destination is not Delivery.VAULT:
        if is_stopped:
            follows = _stop(session, order)
        else:
            shipping.request_shipments(session, order.id)
            follows = "The goods are to be sent."
    disputes = disputes_queries.list_bank_disputes(session, [deposit_id])
    _note(session, order, next(each for each in disputes if each.id == dispute_id), follows)


def _describe(order: GoodsOrder) -> str:
    if order.destination is Delivery.VAULT and order.paid_at is not None:
        return "The goods are the customer's, in our vault."
    return f"The order: {order.status.label.lower()}."


def _stop(session: Session, order: GoodsOrder) -> str:
    """Cancel the shipments of an order, and return what followed."""
    try:
        shipments.cancel(session, None, order.id, evidence="its payment is disputed")
    except AlreadyPicking:
        return "Picking has begun: have the goods put back if they should not leave."
    message = GoodsOrderStopped(order.public_id, order.number, order.total)
    notifications.notify(session, message, to=order.user_id, event=order.public_id)
    return "The goods are not sent until the dispute is won, or the debt is paid."


def _note(session: Session, order: GoodsOrder, dispute: BankDispute, follows: str) -> None:
    """Add the status of a dispute to its open case, or open one unless it is won."""
    state = f"{dispute.status.label}: {format_amount(dispute.amount)}. {follows}"
    case_id = cases.lock_open_case(session, kind=DISPUTED, key=dispute.public_id)
    if case_id is not None:
        cases.add_note(session, None, case_id, state)
    elif dispute.status is not DisputeStatus.WON:
        cases.open_case(
            session,
            kind=DISPUTED,
            subject=order.public_id,
            key=dispute.public_id,
            title=f"The payment of order {order.number} is disputed",
            facts={"Order": str(order.number), "Dispute": dispute.provider_ref, "State": state},
            person_id=order.user_id,
        )
