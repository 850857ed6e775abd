"""A parcel, or units of a shipment, become a shipment of their own."""

from uuid import UUID

import sqlalchemy as sa

from app.fulfillment.parcels import queries as parcels_queries
from app.fulfillment.parcels.models import ShipmentParcel
from app.fulfillment.parcels.queries import ParcelRow
from app.fulfillment.shipments import queries, requesting, service
from app.fulfillment.shipments.models import ShipmentLine
from app.fulfillment.shipments.queries import ShipmentLineRow, ShipmentRow
from app.fulfillment.shipments.rules import ShipmentStatus, ShippedUnits
from app.kit import clock
from app.kit.db import Session
from app.kit.money import Amount


def split_off(session: Session, shipment: ShipmentRow, parcel: ParcelRow) -> ShipmentRow:
    """Return the shipment that has the goods of this parcel alone: a new one, or the same if it has
    no other parcels. The row of `shipment`, which is shipped, is locked."""
    if len(parcels_queries.list_parcels(session, shipment.id)) == 1:
        return shipment
    units = parcels_queries.units_by_parcel(session, [parcel.id])[parcel.id]
    moved = {
        line.position: part_of(line, units[line.position])
        for line in queries.list_lines(session, shipment.id)
        if line.position in units
    }
    new_id = requesting.insert_successor(
        session, shipment, moved, status=ShipmentStatus.SHIPPED, address=shipment.address
    )
    for position, part in moved.items():
        take_from(session, shipment.id, position, part)
    session.write(
        sa.update(ShipmentParcel).where(ShipmentParcel.id == parcel.id).values(shipment_id=new_id)
    )
    evidence = f"Parcel {parcel.number} of shipment {shipment.number}"
    service.record_event(
        session, new_id, None, ShipmentStatus.SHIPPED, evidence=evidence, at=clock.now()
    )
    return queries.lock_shipment(session, new_id)


def part_of(line: ShipmentLineRow, units: int) -> ShippedUnits:
    """Return so many units of a line, with their share of its value."""
    value = Amount(line.shipped.value.asset, line.value_units * units // line.units)
    return ShippedUnits(line.sku, units, value, line.lot_id, line.hold_id)


def take_from(session: Session, shipment_id: UUID, position: int, part: ShippedUnits) -> None:
    """Take units out of a line of a shipment; a line without units is no line."""
    own = sa.and_(ShipmentLine.shipment_id == shipment_id, ShipmentLine.position == position)
    session.write(sa.delete(ShipmentLine).where(own, ShipmentLine.units == part.units))
    session.write(
        sa.update(ShipmentLine)
        .where(own)
        .values(
            units=ShipmentLine.units - part.units,
            scanned_units=sa.func.least(
                ShipmentLine.scanned_units, ShipmentLine.units - part.units
            ),
            value_units=ShipmentLine.value_units - part.value.units,
        )
    )
