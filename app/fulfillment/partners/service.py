"""The verbs of partners: have a shipment sent from a depot, and follow what the partner does.

A partner is called between two transactions. Before the first call the shipment is being picked, so
that it can no longer be cancelled. A partner makes one order of a reference, however often it is
sent: after a crash the call is repeated.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from app.cases import service as cases
from app.flags.rules import FulfilmentStrategy
from app.fulfillment.parcels import service as parcels
from app.fulfillment.partners import withdrawing
from app.fulfillment.partners.models import PartnerShipment
from app.fulfillment.partners.ports import (
    FulfilmentPartner,
    FulfilmentPartners,
    PartnerLine,
    PartnerOrder,
    PartnerRequest,
)
from app.fulfillment.partners.rules import PartnerStatus
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments import service as shipments
from app.fulfillment.shipments.errors import RecipientNotCleared
from app.fulfillment.shipments.queries import ShipmentRow
from app.fulfillment.shipments.rules import ShipmentStatus
from app.identity.accounts import queries as account_queries
from app.kit import clock
from app.kit.db import Database, Session
from app.kit.ports import resolve
from app.outbox import service as outbox
from app.providers.errors import ProviderRefused, ProviderUnavailable

ADVANCE_TASK: Final = "fulfillment.advance_partner_order"
#: The kind of the case of a shipment that its partner does not send; its key is the shipment.
NOT_SENT: Final = "fulfillment.partner_failed"
_PAUSE = timedelta(seconds=30)
_PAUSE_WHILE_HELD = timedelta(hours=1)
_DUE_AT_ONCE = 200
_AT_WORK = frozenset({ShipmentStatus.REQUESTED, ShipmentStatus.PICKING})


@dataclass(frozen=True, slots=True)
class _Entrusted:
    strategy: FulfilmentStrategy
    status: PartnerStatus | None


def poll(session: Session) -> None:
    """Stage the job of every shipment at a partner that is due. Those of a partner that is not
    configured wait."""
    now, partners = clock.now(), resolve(FulfilmentPartners)
    due = (
        sa.select(PartnerShipment.shipment_id, PartnerShipment.strategy)
        .where(PartnerShipment.due_at <= now)
        .order_by(PartnerShipment.due_at)
        .limit(_DUE_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    for shipment_id, strategy in session.select(
        lambda shipment_id, strategy: (shipment_id, strategy), due
    ):
        _set(session, shipment_id, due_at=now + _PAUSE)
        if strategy in partners:
            arguments = {"shipment_id": str(shipment_id)}
            outbox.stage(session, ADVANCE_TASK, arguments, provider=partners[strategy].name)


def advance(database: Database, shipment_id: UUID) -> None:
    """Have a partner send a shipment, once, or ask it how far it is, and store what it says.

    Uses transactions of its own. Raises `ProviderUnavailable` and `ProviderOutcomeUnknown` for a
    later try.
    """
    with database.transaction() as session:
        shipment = shipments_queries.lock_shipment(session, shipment_id)
        order = _find(session, shipment_id)
        if order is None:  # taken over meanwhile
            return
        if shipment.status not in _AT_WORK or (order.status and order.status.is_final):
            _set(session, shipment_id, due_at=None)
            return
        if shipment.status is ShipmentStatus.REQUESTED:
            try:
                shipments.require_cleared(session, shipment)
            except RecipientNotCleared:
                # The screening is kept, and Compliance looks at its case.
                _set(session, shipment_id, due_at=clock.now() + _PAUSE_WHILE_HELD)
                return
            shipments.start_elsewhere(session, shipment)
        request = _request(session, shipment)
    partner = resolve(FulfilmentPartners).get(order.strategy)
    if partner is None:
        raise ProviderUnavailable(f"The partner of {order.strategy} is not configured.")
    if order.status is PartnerStatus.WITHDRAWING:
        withdrawing.withdraw(database, partner, shipment_id, request.reference)
        return
    reason, answer = "", None
    try:
        answer = _ask(partner, order, request)
    except ProviderRefused as refusal:
        reason = refusal.code
    with database.transaction() as session:
        shipment = shipments_queries.lock_shipment(session, shipment_id)
        now = _find(session, shipment_id)
        if now is None or shipment.status is not ShipmentStatus.PICKING:
            return
        has_left = answer is not None and answer.status is PartnerStatus.SHIPPED
        if has_left or now.status is not PartnerStatus.WITHDRAWING:
            _store(session, shipment, answer, reason)


def _ask(
    partner: FulfilmentPartner, order: _Entrusted, request: PartnerRequest
) -> PartnerOrder | None:
    """Return what the partner knows of the order. Raises `ProviderRefused` and others."""
    if order.status is None:
        return partner.submit(request)
    return partner.fetch(request.reference)


def _store(
    session: Session, shipment: ShipmentRow, answer: PartnerOrder | None, reason: str
) -> None:
    """Store what a partner says of a shipment, whose row is locked."""
    if answer is None:
        _fail(session, shipment, reason or "The partner does not know the order any more.")
    elif answer.status in {PartnerStatus.RECEIVED, PartnerStatus.PROCESSING}:
        _set(session, shipment.id, status=answer.status, due_at=clock.now() + _PAUSE)
    elif answer.status is PartnerStatus.SHIPPED:
        _ship(session, shipment, answer)
    else:
        _fail(session, shipment, answer.reason or answer.status.label)


def _ship(session: Session, shipment: ShipmentRow, answer: PartnerOrder) -> None:
    """Ship what the partner has sent. Other bars than the customer bought are a case."""
    lines = shipments_queries.list_lines(session, shipment.id)
    sent = {pair for parcel in answer.parcels for pair in parcel.serials}
    bought = {(line.sku, line.serial) for line in lines if line.serial}
    if sent != bought:
        _fail(session, shipment, "It sent other bars than the customer bought.")
        return
    _set(session, shipment.id, status=answer.status, due_at=None)
    shipments.pack_elsewhere(session, shipment)
    parcels.add_of_partner(session, shipment, lines, answer)
    numbers = ", ".join(f"{each.carrier.label} {each.tracking_number}" for each in answer.parcels)
    shipments.ship(session, None, shipment.id, evidence=numbers)


def _fail(session: Session, shipment: ShipmentRow, reason: str) -> None:
    """Open a case for a shipment that its partner does not send as it should. It stays as it is
    until staff have settled it with the partner, so that nothing is sent twice."""
    _set(session, shipment.id, status=PartnerStatus.REJECTED, due_at=None)
    cases.open_once(
        session,
        kind=NOT_SENT,
        subject=shipment.public_id,
        key=shipment.public_id,
        title="A partner did not send a shipment as it should",
        facts={
            "Shipment": str(shipment.number),
            "Partner": str(shipment.strategy),
            "Reason": reason,
        },
        person_id=shipment.user_id,
    )


def _request(session: Session, shipment: ShipmentRow) -> PartnerRequest:
    assert shipment.address is not None  # of shipments that are sent
    customer = account_queries.get_person(session, shipment.user_id)
    recipient = replace(
        shipment.address,
        recipient=shipment.address.recipient or f"{customer.first_name} {customer.last_name}",
        phone=shipment.address.phone or customer.phone,
    )
    lines: dict[str, PartnerLine] = {}
    for line in shipments_queries.list_lines(session, shipment.id):
        other = lines.get(line.sku, PartnerLine(line.sku, 0))
        serials = (*other.serials, line.serial) if line.serial else other.serials
        lines[line.sku] = PartnerLine(line.sku, other.units + line.units, serials)
    return PartnerRequest(
        shipment.public_id,
        recipient,
        [lines[sku] for sku in sorted(lines)],
        shipment.value,
    )


def _find(session: Session, shipment_id: UUID) -> _Entrusted | None:
    found = sa.select(PartnerShipment.strategy, PartnerShipment.status)
    return session.find(_Entrusted, found.where(PartnerShipment.shipment_id == shipment_id))


def _set(session: Session, shipment_id: UUID, **values: object) -> None:
    session.write(
        sa.update(PartnerShipment).where(PartnerShipment.shipment_id == shipment_id).values(values)
    )
