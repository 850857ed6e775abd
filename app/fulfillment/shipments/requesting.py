"""Request shipments, and choose who sends them."""

import json
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.branches import queries as branches_queries
from app.flags.rules import FeatureCeiling
from app.fulfillment.partners import entrusting
from app.fulfillment.shipments import queries, service
from app.fulfillment.shipments.models import Shipment, ShipmentLine
from app.fulfillment.shipments.rules import NewShipment, ShipmentStatus
from app.fulfillment.strategies.rules import FulfillmentRules, StrategyChoice, choose
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.ports import resolve
from app.kit.postal_addresses import PostalAddress, to_fields
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
            address_sealed=_seal(shipment_id, new.address),
            branch_id=new.branch_id,
            strategy=choice.strategy if choice else None,
            strategy_reason=choice.reason if choice else None,
            requested_at=now,
        )
        .on_conflict_do_nothing(
            index_elements=["subject_id", "location_id"],
            index_where=sa.text("status <> 'cancelled'"),
        )
        .returning(Shipment.id.label("shipment_id"))
    )
    if session.find(lambda shipment_id: shipment_id, inserted) is None:
        found = sa.select(Shipment.id.label("shipment_id")).where(
            Shipment.subject_id == new.subject.id,
            Shipment.location_id == new.location_id,
            Shipment.status != ShipmentStatus.CANCELLED,
        )
        existing: UUID = session.get(lambda shipment_id: shipment_id, found)
        return existing
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
                for position, line in enumerate(new.lines)
            ]
        )
    )
    service.record_event(session, shipment_id, None, ShipmentStatus.REQUESTED, at=now)
    if choice is not None and choice.is_entrusted:
        entrusting.entrust(session, shipment_id, choice.strategy)
    return shipment_id


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


def _seal(shipment_id: UUID, address: PostalAddress | None) -> bytes | None:
    if address is None:
        return None
    text = json.dumps(to_fields(address))
    return keys.seal(text, table=queries.TABLE, column="address_sealed", key=shipment_id)
