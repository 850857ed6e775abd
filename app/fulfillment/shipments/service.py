"""The verbs of shipments: pick, pack, ship, deliver, cancel.

Each locks the row of the shipment, records the status with its evidence, posts what moves in the
books of goods, and publishes `ShipmentChanged`, all in the caller's transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.products import queries as products_queries
from app.fulfillment.collection import codes
from app.fulfillment.facts import ShipmentChanged
from app.fulfillment.parcels import service as parcels
from app.fulfillment.shipments import queries
from app.fulfillment.shipments.errors import (
    AlreadyPicking,
    GoodsNotScanned,
    RecipientNotCleared,
    ShipmentEntrusted,
    ShipmentMovedOn,
)
from app.fulfillment.shipments.models import Shipment, ShipmentEvent, ShipmentLine
from app.fulfillment.shipments.queries import ShipmentRow
from app.fulfillment.shipments.rules import TRANSITIONS, ShipmentStatus
from app.fulfillment.shipments.scanning import find_scanned
from app.kit import clock, ids
from app.kit.db import Session
from app.ledger.chart import AccountClass
from app.notifications import service as notifications
from app.notifications.shipment_kinds import GoodsDelivered, GoodsShipped
from app.outbox import service as outbox
from app.screening import recipients
from app.screening.rules import Verdict
from app.tax.assessment import Delivery
from app.vault.locations import queries as locations_queries
from app.vault.lots.service import Goods
from app.vault.movements.rules import MovementCause
from app.vault.stock import service as stock

_S = ShipmentStatus
_ALLOCATED, _PICKED = AccountClass.STOCK_ALLOCATED, AccountClass.STOCK_PICKED
_SHIPPED = AccountClass.STOCK_SHIPPED


def start_picking(session: Session, actor: Actor, shipment_id: UUID) -> None:
    """Begin to pick a shipment: from now on it cannot be cancelled. Raises `PermissionDenied`,
    `NotFound` and `ShipmentMovedOn`."""
    change_status(session, actor, lock_workable(session, actor, shipment_id), _S.PICKING)


def start_elsewhere(session: Session, shipment: ShipmentRow) -> None:
    """Note that a partner begins to pick a shipment, locked before, in its depot."""
    change_status(session, None, shipment, _S.PICKING)


def pack_elsewhere(session: Session, shipment: ShipmentRow) -> None:
    """Note that a partner has packed a shipment, locked before, in its depot."""
    at = change_status(session, None, shipment, _S.PACKED)
    move_goods(session, shipment, _ALLOCATED, _PICKED, cause=MovementCause.GOODS_PACKED, at=at)


def stop_picking(session: Session, actor: Actor, shipment_id: UUID) -> None:
    """Put back what was picked: the shipment waits again, and can be cancelled. Raises as
    `start_picking` does."""
    change_status(session, actor, lock_workable(session, actor, shipment_id), _S.REQUESTED)
    session.write(
        sa.update(ShipmentLine)
        .where(ShipmentLine.shipment_id == shipment_id)
        .values(scanned_units=0)
    )


def scan(session: Session, actor: Actor, shipment_id: UUID, code: str) -> None:
    """Note that goods of a shipment that is being picked, or came back, were scanned: a bar by its
    serial, other units by their SKU, several as `SKU*5`.

    Raises `PermissionDenied`, `NotFound`, `ShipmentMovedOn`, `SerialMismatch` for goods that are
    not of the shipment, and `Invalid` naming `code` for more than it has.
    """
    shipment = lock_workable(session, actor, shipment_id)
    if shipment.status not in {_S.PICKING, _S.RETURNED}:
        raise ShipmentMovedOn
    position, units = find_scanned(code, queries.list_lines(session, shipment.id))
    session.write(
        sa.update(ShipmentLine)
        .where(ShipmentLine.shipment_id == shipment.id, ShipmentLine.position == position)
        .values(scanned_units=ShipmentLine.scanned_units + units)
    )


def pack(session: Session, actor: Actor, shipment_id: UUID) -> None:
    """Note that the goods of a shipment, all of them scanned, are packed.

    Raises as `start_picking` does, `GoodsNotScanned`, `NotInsurable`, and `RecipientNotCleared`,
    which keeps the screening.
    """
    shipment = lock_workable(session, actor, shipment_id)
    if shipment.status is not _S.PICKING:
        raise ShipmentMovedOn
    lines = queries.list_lines(session, shipment.id)
    if any(line.missing for line in lines):
        raise GoodsNotScanned
    require_cleared(session, shipment)
    at = change_status(session, actor, shipment, _S.PACKED)
    move_goods(session, shipment, _ALLOCATED, _PICKED, cause=MovementCause.GOODS_PACKED, at=at)
    if shipment.delivery is Delivery.PICKUP:
        codes.send_code(session, shipment)
    else:
        parcels.pack(session, shipment, lines)


def ship(session: Session, actor: Actor | None, shipment_id: UUID, *, evidence: str) -> None:
    """Note that the carrier took a packed shipment: its goods leave our stock. Raises as
    `start_picking` does; also `ShipmentMovedOn` for goods that are collected."""
    shipment = lock_workable(session, actor, shipment_id)
    if shipment.delivery is not Delivery.SHIP:
        raise ShipmentMovedOn
    at = change_status(session, actor, shipment, _S.SHIPPED, evidence=evidence)
    move_goods(session, shipment, _PICKED, _SHIPPED, cause=MovementCause.GOODS_SHIPPED, at=at)
    message = GoodsShipped(shipment.public_id, shipment.number, shipment.subject.words, evidence)
    notifications.notify(session, message, to=shipment.user_id, event=shipment.public_id)


def deliver(session: Session, actor: Actor | None, shipment_id: UUID, *, evidence: str) -> None:
    """Note that the customer has the goods of a shipped shipment. Raises as `start_picking`
    does."""
    shipment = lock_workable(session, actor, shipment_id)
    if shipment.status is not _S.SHIPPED:
        raise ShipmentMovedOn
    _deliver(session, actor, shipment, _SHIPPED, evidence)


def hand_over(session: Session, actor: Actor, shipment: ShipmentRow, *, evidence: str) -> None:
    """Note that the customer has the goods of a packed shipment, locked before, at a branch. Raises
    `ShipmentMovedOn`. `collection.service` checks who gets them."""
    if shipment.delivery is not Delivery.PICKUP or shipment.status is not _S.PACKED:
        raise ShipmentMovedOn
    _deliver(session, actor, shipment, _PICKED, evidence)


def _deliver(
    session: Session,
    actor: Actor | None,
    shipment: ShipmentRow,
    before: AccountClass,
    evidence: str,
) -> None:
    at = change_status(session, actor, shipment, _S.DELIVERED, evidence=evidence)
    reference = f"{shipment.public_id}:delivered"
    postings = [
        posting
        for goods in list_goods(session, shipment)
        for posting in stock.deliver(
            session,
            goods,
            before,
            shipment.user_id,
            reference=reference,
            at=at,
        )
    ]
    stock.post(
        session,
        cause=MovementCause.GOODS_DELIVERED,
        reference=reference,
        posted_at=at,
        postings=postings,
    )
    message = GoodsDelivered(shipment.public_id, shipment.number, shipment.subject.words, at)
    notifications.notify(session, message, to=shipment.user_id, event=shipment.public_id)


def cancel(session: Session, actor: Actor | None, subject_id: UUID, *, evidence: str) -> None:
    """Cancel all shipments of an order or redemption, whose row the caller has locked. What it
    becomes of the goods, which are on the shelf and the customer's, is the caller's.

    The caller decides who may do it. Raises `AlreadyPicking` if picking of any has begun, and
    changes nothing then.
    """
    open_ones = [
        shipment
        for shipment in queries.list_shipments_of(session, subject_id, lock=True)
        if shipment.status is not _S.CANCELLED
    ]
    if any(shipment.status is not _S.REQUESTED for shipment in open_ones):
        raise AlreadyPicking
    for shipment in open_ones:
        change_status(session, actor, shipment, _S.CANCELLED, evidence=evidence)


def require_cleared(session: Session, shipment: ShipmentRow) -> None:
    """Screen the recipient of a shipment, which has not been changed. Raises `RecipientNotCleared`,
    which keeps the screening."""
    verdict = recipients.screen_recipient(
        session, shipment.user_id, shipment.address, about=shipment.public_id
    )
    if verdict is not Verdict.CLEAR:
        raise RecipientNotCleared().keeping_records()


def view(session: Session, actor: Actor, shipment_id: UUID) -> ShipmentRow:
    """Return a shipment with its address, and record that this member of staff read it, once an
    hour. Raises `NotFound`."""
    shipment = queries.get_shipment(session, shipment_id)
    audit.record_viewing(
        session,
        actor=actor,
        action=AuditAction.SHIPMENT_VIEWED,
        subject=shipment.public_id,
        on_behalf_of=shipment.user_id,
    )
    return shipment


def lock_workable(session: Session, actor: Actor | None, shipment_id: UUID) -> ShipmentRow:
    if actor is not None:
        require(actor, Permission.SHIPMENTS_WORK)
    shipment = queries.lock_shipment(session, shipment_id)
    if actor is not None and shipment.is_entrusted:
        raise ShipmentEntrusted
    return shipment


def change_status(
    session: Session,
    actor: Actor | None,
    shipment: ShipmentRow,
    status: ShipmentStatus,
    *,
    evidence: str | None = None,
) -> datetime:
    """Give a locked shipment another status, and return when. Raises `ShipmentMovedOn` unless it
    may follow."""
    if not TRANSITIONS.allows(shipment.status, status):
        raise ShipmentMovedOn
    at = clock.now()
    session.write(
        sa.update(Shipment)
        .where(Shipment.id == shipment.id)
        .values(status=TRANSITIONS.transition(shipment.status, status))
    )
    actor_id = actor.user_id if actor else None
    record_event(
        session, shipment.id, shipment.status, status, actor_id=actor_id, evidence=evidence, at=at
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.SHIPMENT_CHANGED,
        subject=shipment.public_id,
        on_behalf_of=shipment.user_id,
        before={"status": shipment.status},
        after={"status": status},
        reason=evidence,
    )
    outbox.publish(session, ShipmentChanged(shipment.subject_type, shipment.subject_id))
    return at


def move_goods(
    session: Session,
    shipment: ShipmentRow,
    before: AccountClass,
    after: AccountClass,
    *,
    cause: MovementCause,
    at: datetime,
) -> None:
    """Post that the goods of a shipment are in another state."""
    reference = f"{shipment.public_id}:{after.rpartition('.')[2]}"
    postings = [
        posting
        for goods in list_goods(session, shipment)
        for posting in stock.change_state(session, goods, before, after, reference=reference, at=at)
    ]
    stock.post(session, cause=cause, reference=reference, posted_at=at, postings=postings)


def list_goods(session: Session, shipment: ShipmentRow) -> Sequence[Goods]:
    """Return the goods of a shipment, in the order of SKU and lot, by which bars are locked."""
    lines = queries.list_lines(session, shipment.id)
    products = {
        product.sku: product
        for product in products_queries.list_products(session, {line.sku for line in lines})
    }
    location = locations_queries.get_location(session, shipment.location_id)
    return [
        Goods(products[line.sku], location, line.units, (line.lot_id,) if line.lot_id else ())
        for line in sorted(lines, key=lambda line: (line.sku, str(line.lot_id)))
    ]


def record_event(
    session: Session,
    shipment_id: UUID,
    before: ShipmentStatus | None,
    after: ShipmentStatus,
    *,
    actor_id: UUID | None = None,
    evidence: str | None = None,
    at: datetime,
) -> None:
    """Record that a shipment got a status, from whom and why."""
    session.write(
        sa.insert(ShipmentEvent).values(
            id=ids.new(),
            shipment_id=shipment_id,
            from_status=before,
            to_status=after,
            actor_id=actor_id,
            evidence=evidence,
            at=at,
        )
    )
