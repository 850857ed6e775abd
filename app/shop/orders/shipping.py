"""Shipments of orders: request them once an order is paid, and follow them.

A paid order whose goods leave gets a shipment of each location by a job of its own. From then on
its status is what its shipments say.
"""

from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

import sqlalchemy as sa

from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments import requesting
from app.fulfillment.shipments.models import Shipment
from app.fulfillment.shipments.rules import (
    NewShipment,
    ShipmentStatus,
    ShipmentSubject,
    ShippedUnits,
    SubjectType,
)
from app.funding.disputes import queries as disputes_queries
from app.funding.receivables import service as receivables
from app.funding.states import DisputeStatus
from app.kit import clock
from app.kit.db import Session
from app.outbox import service as outbox
from app.shop.orders import queries, service, waiting
from app.shop.orders.models import ShopOrder
from app.shop.orders.rules import TRANSITIONS, OrderStatus
from app.tax.assessment import Delivery

_BATCH = 200
_ORDER_STATUS = {
    ShipmentStatus.REQUESTED: OrderStatus.ALLOCATED,
    ShipmentStatus.PICKING: OrderStatus.PICKING,
    ShipmentStatus.SHIPPED: OrderStatus.SHIPPED,
    ShipmentStatus.DELIVERED: OrderStatus.DELIVERED,
}


@dataclass(frozen=True, slots=True)
class ShippedOrder:
    """An order whose row this transaction has locked, as far as its shipments need it."""

    id: UUID
    status: OrderStatus
    partially_shipped: bool
    destination: Delivery
    user_id: UUID
    deposit_id: UUID | None


def stage_unrequested(session: Session) -> None:
    """Stage the job of every paid order whose goods leave and that has no shipment."""
    requested = sa.select(Shipment.id).where(
        Shipment.subject_id == ShopOrder.id, Shipment.status != ShipmentStatus.CANCELLED
    )
    waiting_ids = (
        sa.select(ShopOrder.id.label("order_id"))
        .where(
            ShopOrder.status == OrderStatus.ALLOCATED,
            ShopOrder.destination != Delivery.VAULT,
            sa.not_(requested.exists()),
        )
        .order_by(ShopOrder.id)
        .limit(_BATCH)
    )
    for order_id in session.select(lambda order_id: order_id, waiting_ids):
        outbox.stage(session, "shop.request_shipments", {"order_id": str(order_id)})


def request_shipments(session: Session, order_id: UUID) -> None:
    """Request the shipments of a paid order, one of each location; again it changes nothing. An
    order that has ended meanwhile gets none, nor one that is stopped."""
    locked = lock_order(session, order_id)
    if locked.status is not OrderStatus.ALLOCATED or locked.destination is Delivery.VAULT:
        return
    if is_stopped(session, locked):
        return
    order = queries.get_order(session, order_id)
    units = sorted(waiting.list_units(session, order_id), key=lambda each: each.location_id)
    for location_id, own in groupby(units, key=lambda each: each.location_id):
        lines = [
            ShippedUnits(each.sku, each.units, each.price, each.lot_id, each.hold_id)
            for each in own
        ]
        requesting.request(
            session,
            NewShipment(
                ShipmentSubject(SubjectType.ORDER, order.id, str(order.number)),
                order.user_id,
                location_id,
                lines,
                order.shipping_address,
                order.pickup_branch_id,
            ),
        )


def follow_shipments(session: Session, order_id: UUID) -> None:
    """Give an order the status that its shipments have together. One that has ended otherwise
    stays as it is."""
    order = lock_order(session, order_id)
    progress = shipments_queries.find_progress(session, order_id)
    if progress.status is None:
        return
    status = _ORDER_STATUS[progress.status]
    if progress.is_partial != order.partially_shipped:
        service.mark_partially_shipped(session, order.id, is_partial=progress.is_partial)
    if TRANSITIONS.allows(order.status, status):
        service.mark_followed(session, order.id, order.status, status, at=clock.now())


def is_stopped(session: Session, order: ShippedOrder) -> bool:
    """Return whether goods of an order must not leave: its card payment is disputed, or the dispute
    is lost and the customer owes on one of their accounts."""
    if order.deposit_id is None:
        return False
    disputes = disputes_queries.list_bank_disputes(session, [order.deposit_id])
    statuses = {dispute.status for dispute in disputes}
    if DisputeStatus.OPEN in statuses:
        return True
    return DisputeStatus.LOST in statuses and receivables.owes_anything(session, order.user_id)


def lock_order(session: Session, order_id: UUID) -> ShippedOrder:
    """Return an order, its row locked until the transaction ends. Raises `NotFound`."""
    columns = (
        ShopOrder.id,
        ShopOrder.status,
        ShopOrder.partially_shipped,
        ShopOrder.destination,
        ShopOrder.user_id,
        ShopOrder.deposit_id,
    )
    found = sa.select(*columns).where(ShopOrder.id == order_id)
    return session.get(ShippedOrder, found.with_for_update())
