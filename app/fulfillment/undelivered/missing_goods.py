"""Goods that were not found when they were picked: the rest leaves, they follow."""

from datetime import date
from uuid import UUID

from app.access import Actor
from app.fulfillment.facts import ShipmentChanged
from app.fulfillment.shipments import queries, requesting, service
from app.fulfillment.shipments.errors import ShipmentMovedOn
from app.fulfillment.shipments.rules import ShipmentStatus
from app.fulfillment.undelivered import splitting
from app.kit import clock
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_date
from app.notifications import service as notifications
from app.notifications.shipment_kinds import GoodsDelayed
from app.outbox import service as outbox


def set_missing_aside(session: Session, actor: Actor, shipment_id: UUID, expected_on: date) -> UUID:
    """Take what was not scanned out of a shipment that is being picked, into one of its own that is
    to be picked later; notify the customer of the day, and return the id of the new shipment.

    The units stay the customer's, and on our shelf in the books: a count says what became of them.
    Raises `PermissionDenied`, `NotFound`, `ShipmentMovedOn`, and `Invalid` for a day that is over,
    if nothing is missing, and if nothing was scanned.
    """
    shipment = service.lock_workable(session, actor, shipment_id)
    if shipment.status is not ShipmentStatus.PICKING:
        raise ShipmentMovedOn
    now = clock.now()
    if expected_on <= now.date():
        raise Invalid("expected_on", "Enter a day after today.")
    lines = queries.list_lines(session, shipment.id)
    if not any(line.missing for line in lines):
        raise Invalid("expected_on", "Nothing is missing: all units are scanned.")
    if not any(line.scanned_units for line in lines):
        raise Invalid("expected_on", "Scan what is there first, or put the goods back.")
    moved = {line.position: splitting.part_of(line, line.missing) for line in lines if line.missing}
    new_id = requesting.insert_successor(
        session, shipment, moved, status=ShipmentStatus.REQUESTED, address=shipment.address
    )
    for position, part in moved.items():
        splitting.take_from(session, shipment.id, position, part)
    evidence = f"Not found for shipment {shipment.number}, expected by {format_date(expected_on)}"
    service.record_event(
        session,
        new_id,
        None,
        ShipmentStatus.REQUESTED,
        actor_id=actor.user_id,
        evidence=evidence,
        at=now,
    )
    successor = queries.get_shipment(session, new_id)
    names = {line.position: line.product_name for line in lines}
    message = GoodsDelayed(
        successor.public_id,
        successor.number,
        successor.subject.words,
        "\n".join(f"{part.units} x {names[position]}" for position, part in moved.items()),
        expected_on,
    )
    notifications.notify(session, message, to=shipment.user_id, event=successor.public_id)
    outbox.publish(session, ShipmentChanged(shipment.subject_type, shipment.subject_id))
    return new_id
