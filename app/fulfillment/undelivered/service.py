"""The verbs of parcels that do not arrive: take one back, declare one lost, and send its goods
again."""

from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.fulfillment.carriers.rules import TrackingStatus
from app.fulfillment.parcels import queries as parcels_queries
from app.fulfillment.shipments import following, queries, requesting, service
from app.fulfillment.shipments.errors import GoodsNotScanned, ShipmentMovedOn
from app.fulfillment.shipments.models import ShipmentLine
from app.fulfillment.shipments.queries import ShipmentRow
from app.fulfillment.shipments.rules import ShipmentStatus
from app.fulfillment.tracking import queries as tracking_queries
from app.fulfillment.undelivered.errors import ParcelDelivered, ParcelNotLost
from app.fulfillment.undelivered.splitting import split_off
from app.kit.db import Session
from app.ledger.chart import AccountClass
from app.vault.movements.rules import MovementCause

_S = ShipmentStatus
_GONE = frozenset({TrackingStatus.LOST, TrackingStatus.DAMAGED})


def take_back(session: Session, actor: Actor, parcel_id: UUID, *, evidence: str) -> UUID:
    """Note that a parcel on its way came back to us, and return the shipment that has its goods
    now: they are to be scanned.

    Raises `PermissionDenied`, `NotFound`, `ShipmentMovedOn`, and `ParcelDelivered`.
    """
    require(actor, Permission.SHIPMENTS_WORK)
    track = tracking_queries.parcel_track(session, parcel_id)
    if track is not None and track.status is TrackingStatus.DELIVERED:
        raise ParcelDelivered
    return _leave_the_way(session, actor, parcel_id, _S.RETURNED, evidence)


def declare_lost(session: Session, actor: Actor, parcel_id: UUID, *, evidence: str) -> UUID:
    """Note that a parcel on its way, of which the carrier says that it is lost or damaged, does not
    arrive any more, and return the shipment that has its goods.

    Raises `PermissionDenied`, `NotFound`, `ShipmentMovedOn`, and `ParcelNotLost`.
    """
    require(actor, Permission.SHIPMENTS_WORK)
    track = tracking_queries.parcel_track(session, parcel_id)
    if track is None or track.status not in _GONE:
        raise ParcelNotLost
    return _leave_the_way(session, actor, parcel_id, _S.LOST, evidence)


def _leave_the_way(
    session: Session, actor: Actor, parcel_id: UUID, status: ShipmentStatus, evidence: str
) -> UUID:
    parcel = parcels_queries.get_parcel(session, parcel_id)
    shipment = queries.lock_shipment(session, parcel.shipment_id)
    if shipment.status is not _S.SHIPPED:
        raise ShipmentMovedOn
    own = split_off(session, shipment, parcel)
    session.write(
        sa.update(ShipmentLine).where(ShipmentLine.shipment_id == own.id).values(scanned_units=0)
    )
    service.change_status(session, actor, own, status, evidence=evidence)
    if own.id != shipment.id:
        # Without this parcel, the others may be delivered.
        [other, *_] = parcels_queries.list_parcels(session, shipment.id)
        following.follow_parcel(session, other.id)
    return own.id


def send_again(session: Session, actor: Actor, shipment_id: UUID) -> UUID:
    """Put the goods of a shipment that came back, all of them scanned, on the shelf, and request a
    new shipment of them; return its id.

    Raises `PermissionDenied`, `NotFound`, `ShipmentMovedOn` and `GoodsNotScanned`.
    """
    require(actor, Permission.SHIPMENTS_WORK)
    shipment = queries.lock_shipment(session, shipment_id)
    put_on_shelf(session, actor, shipment, evidence="Its goods are sent again")
    return requesting.request_again(session, shipment)


def put_on_shelf(session: Session, actor: Actor, shipment: ShipmentRow, *, evidence: str) -> None:
    """End a shipment, locked before, that came back: its goods, all of them scanned, are on the
    shelf, and the customer's. Raises `ShipmentMovedOn` and `GoodsNotScanned`."""
    if shipment.status is not _S.RETURNED:
        raise ShipmentMovedOn
    if any(line.missing for line in queries.list_lines(session, shipment.id)):
        raise GoodsNotScanned
    at = service.change_status(session, actor, shipment, _S.CANCELLED, evidence=evidence)
    service.move_goods(
        session,
        shipment,
        AccountClass.STOCK_SHIPPED,
        AccountClass.STOCK_ALLOCATED,
        cause=MovementCause.GOODS_CAME_BACK,
        at=at,
    )
