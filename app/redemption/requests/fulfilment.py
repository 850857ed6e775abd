"""Shipments of redemptions: request them once a redemption is approved, and follow them.

From then on the status of a redemption is what its shipments say.
"""

from itertools import groupby
from uuid import UUID

from app.access import Actor, Permission, require
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments import requesting
from app.fulfillment.shipments import service as shipments
from app.fulfillment.shipments.rules import (
    LEFT,
    NewShipment,
    ShipmentStatus,
    ShipmentSubject,
    ShippedUnits,
    SubjectType,
)
from app.kit import clock
from app.kit.db import Session
from app.redemption.errors import WrongRedemptionStatus
from app.redemption.quotes import rules as quotes_rules
from app.redemption.requests import messages, queries, status_changes
from app.redemption.requests.rules import TRANSITIONS, RedemptionStatus
from app.tax.assessment import Delivery

_STATUS = {
    ShipmentStatus.REQUESTED: RedemptionStatus.ALLOCATED,
    ShipmentStatus.PICKING: RedemptionStatus.PICKING,
    ShipmentStatus.SHIPPED: RedemptionStatus.SHIPPED,
    ShipmentStatus.DELIVERED: RedemptionStatus.DELIVERED,
}


def request_shipments(session: Session, redemption_id: UUID) -> None:
    """Request the shipments of an approved redemption, one of each location; again it changes
    nothing."""
    redemption = queries.lock_redemption(session, redemption_id)
    if redemption.status is not RedemptionStatus.APPROVED:
        return
    units = sorted(queries.list_units(session, redemption), key=lambda each: each.location_id)
    mid = redemption.quote.mid
    for location_id, own in groupby(units, key=lambda each: each.location_id):
        lines = [
            ShippedUnits(
                each.sku,
                each.units,
                quotes_rules.worth(each.ounces, mid),
                each.lot_id,
                each.hold_id,
            )
            for each in own
        ]
        requesting.request(
            session,
            NewShipment(
                ShipmentSubject(SubjectType.REDEMPTION, redemption.id, redemption.public_id),
                redemption.user_id,
                location_id,
                lines,
                redemption.shipping_address,
                redemption.quote.pickup_branch_id,
                redemption.strategy,
            ),
        )
    status_changes.transition(session, redemption, RedemptionStatus.ALLOCATED, at=clock.now())


def ship(
    session: Session, actor: Actor, redemption_id: UUID, *, carrier: str, tracking_number: str
) -> None:
    """Note that the pieces of a redemption are packed and that a carrier has them, as the member of
    staff says who packed them.

    Raises `PermissionDenied`, `NotFound`, `WrongRedemptionStatus` for one that is not approved, is
    collected or has left, and what packing raises of its shipments.
    """
    require(actor, Permission.SHIPMENTS_WORK)
    request_shipments(session, redemption_id)
    redemption = queries.lock_redemption(session, redemption_id)
    may_ship = redemption.status in {RedemptionStatus.ALLOCATED, RedemptionStatus.PICKING}
    if not may_ship or redemption.quote.destination is not Delivery.SHIP:
        raise WrongRedemptionStatus
    evidence = " ".join(filter(None, ("given to the carrier", carrier, tracking_number)))
    for shipment in shipments_queries.list_shipments_of(session, redemption_id):
        if shipment.status is ShipmentStatus.REQUESTED:
            shipments.start_picking(session, actor, shipment.id)
        if shipment.status in {ShipmentStatus.REQUESTED, ShipmentStatus.PICKING}:
            for line in shipments_queries.list_lines(session, shipment.id):
                if line.missing:
                    code = line.serial or f"{line.sku}*{line.missing}"
                    shipments.scan(session, actor, shipment.id, code)
            shipments.pack(session, actor, shipment.id)
        if shipment.status not in LEFT | {ShipmentStatus.CANCELLED}:
            shipments.ship(session, actor, shipment.id, evidence=evidence)
    follow_shipments(session, redemption_id)


def follow_shipments(session: Session, redemption_id: UUID) -> None:
    """Give a redemption the status that its shipments have together."""
    redemption = queries.lock_redemption(session, redemption_id)
    progress = shipments_queries.find_progress(session, redemption_id)
    if progress.status is None:
        if redemption.status is RedemptionStatus.SHIPPED:
            # None of its pieces was delivered, and what they are was given back.
            at = clock.now()
            status_changes.transition(session, redemption, RedemptionStatus.CANCELLED, at=at)
            messages.notify_of_undelivered(session, redemption)
        return
    status = _STATUS[progress.status]
    if TRANSITIONS.allows(redemption.status, status):
        status_changes.transition(session, redemption, status, at=clock.now())
