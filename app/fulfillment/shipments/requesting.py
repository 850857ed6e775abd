"""Request shipments, and choose who sends them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.branches import queries as branches_queries
from app.flags.rules import FeatureCeiling
from app.fulfillment.facts import ShipmentChanged
from app.fulfillment.partners import entrusting
from app.fulfillment.shipments import queries, service
from app.fulfillment.shipments.models import Shipment, ShipmentLine
from app.fulfillment.shipments.queries import ShipmentRow
from app.fulfillment.shipments.rules import NewShipment, ShipmentStatus, ShippedUnits
from app.fulfillment.strategies.rules import FulfillmentRules, StrategyChoice, choose
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.ports import resolve
from app.kit.postal_addresses import PostalAddress, to_fields
from app.outbox import service as outbox
from app.settings.queries import current
from app.vault.locations import queries as locations_queries


def request(session: Session, new: NewShipment) -> UUID:
    """Request the shipment of goods that the customer owns (`stock.allocated`), and return its id.

    The same subject has one shipment of each location that is not cancelled: a repeated request
    returns it. The caller has locked the subject's row.
    """
    shipment_id, now = ids.new(), clock.now()
    choice = _choose_strategy(session, new)
    inserted = (
        insert(Shipment)
        .values(
            id=shipment_id,
            subject_type=new.subject.type,
            subject_id=new.subject.id,
            subject_number=new.subject.number,
            user_id=new.user_id,
            location_id=new.location_id,
            status=ShipmentStatus.REQUESTED,
            delivery=new.delivery,
            address_sealed=seal_address(shipment_id, new.address),
            branch_id=new.branch_id,
            strategy=choice.strategy if choice else None,
            strategy_reason=choice.reason if choice else None,
            requested_at=now,
        )
        .on_conflict_do_nothing(
            index_elements=["subject_id", "location_id"],
            index_where=sa.text("status <> 'cancelled' AND replaces_id IS NULL"),
        )
        .returning(Shipment.id.label("shipment_id"))
    )
    if session.find(lambda shipment_id: shipment_id, inserted) is None:
        found = sa.select(Shipment.id.label("shipment_id")).where(
            Shipment.subject_id == new.subject.id,
            Shipment.location_id == new.location_id,
            Shipment.status != ShipmentStatus.CANCELLED,
            Shipment.replaces_id.is_(None),
        )
        existing: UUID = session.get(lambda shipment_id: shipment_id, found)
        return existing
    _insert_lines(session, shipment_id, dict(enumerate(new.lines)))
    service.record_event(session, shipment_id, None, ShipmentStatus.REQUESTED, at=now)
    if choice is not None and choice.is_entrusted:
        entrusting.entrust(session, shipment_id, choice.strategy)
    return shipment_id


def request_again(session: Session, shipment: ShipmentRow) -> UUID:
    """Request another shipment of the goods of one that has ended, which are on the shelf and the
    customer's, and return its id. Who sends it is chosen anew."""
    now = clock.now()
    lines = {each.position: each.shipped for each in queries.list_lines(session, shipment.id)}
    new = NewShipment(
        shipment.subject,
        shipment.user_id,
        shipment.location_id,
        list(lines.values()),
        shipment.address,
        shipment.branch_id,
    )
    choice = _choose_strategy(session, new)
    assert choice is not None  # of shipments that were sent
    shipment_id = insert_successor(
        session,
        replace(shipment, strategy=choice.strategy, strategy_reason=choice.reason),
        lines,
        status=ShipmentStatus.REQUESTED,
        address=shipment.address,
    )
    evidence = f"In place of shipment {shipment.number}"
    service.record_event(
        session, shipment_id, None, ShipmentStatus.REQUESTED, evidence=evidence, at=now
    )
    if choice.is_entrusted:
        entrusting.entrust(session, shipment_id, choice.strategy)
    outbox.publish(session, ShipmentChanged(shipment.subject_type, shipment.subject_id))
    return shipment_id


def insert_successor(
    session: Session,
    shipment: ShipmentRow,
    lines: Mapping[int, ShippedUnits],
    *,
    status: ShipmentStatus,
    address: PostalAddress | None,
) -> UUID:
    """Insert a shipment that has goods of another one, by the positions of their lines there, and
    return its id. The caller records the event."""
    shipment_id = ids.new()
    session.write(
        sa.insert(Shipment).values(
            id=shipment_id,
            subject_type=shipment.subject_type,
            subject_id=shipment.subject_id,
            subject_number=shipment.subject_number,
            user_id=shipment.user_id,
            location_id=shipment.location_id,
            status=status,
            delivery=shipment.delivery,
            address_sealed=seal_address(shipment_id, address),
            branch_id=shipment.branch_id,
            strategy=shipment.strategy,
            strategy_reason=shipment.strategy_reason,
            requested_at=clock.now(),
            replaces_id=shipment.id,
        )
    )
    _insert_lines(session, shipment_id, lines)
    return shipment_id


def _insert_lines(session: Session, shipment_id: UUID, lines: Mapping[int, ShippedUnits]) -> None:
    session.write(
        sa.insert(ShipmentLine).values(
            [
                {
                    "shipment_id": shipment_id,
                    "position": position,
                    "sku": line.sku,
                    "units": line.units,
                    "lot_id": line.lot_id,
                    "hold_id": line.hold_id,
                    "value_units": line.value.units,
                }
                for position, line in lines.items()
            ]
        )
    )


def _choose_strategy(session: Session, new: NewShipment) -> StrategyChoice | None:
    """Return who sends the goods, and why; None for goods that are collected."""
    if new.address is None:
        return None
    location = locations_queries.get_location(session, new.location_id)
    partner = entrusting.find_partner(location.code)
    if partner is not None:
        return StrategyChoice(partner, "The goods are in its depot.", is_entrusted=True)
    postal = branches_queries.get_any_branch(session, location.branch_id).postal
    return choose(
        current(session, FulfillmentRules),
        resolve(FeatureCeiling).fulfilment_strategy,
        value=new.value,
        dearest_unit=new.dearest_unit,
        is_abroad=postal is not None and postal.country != new.address.country,
        requested=new.strategy,
    )


def seal_address(shipment_id: UUID, address: PostalAddress | None) -> bytes | None:
    """Return the address of a shipment as it is stored; None of goods that are collected."""
    if address is None:
        return None
    text = json.dumps(to_fields(address))
    return keys.seal(text, table=queries.TABLE, column="address_sealed", key=shipment_id)
