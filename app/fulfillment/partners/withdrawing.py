"""Take a shipment over from a partner, once it is certain that the partner does not send it."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.cases import service as cases
from app.fulfillment.partners.errors import PartnerNotAnswered
from app.fulfillment.partners.models import PartnerShipment
from app.fulfillment.partners.ports import FulfilmentPartner
from app.fulfillment.partners.rules import PartnerStatus
from app.fulfillment.shipments import queries, service
from app.fulfillment.shipments.errors import ShipmentMovedOn
from app.fulfillment.shipments.queries import ShipmentRow
from app.fulfillment.shipments.rules import ShipmentStatus
from app.kit import clock
from app.kit.db import Database, Session
from app.providers.errors import ProviderRefused

#: Longer than a call to a partner can take: an order that another process is sending has arrived.
_CALL_DURATION_MAX: Final = timedelta(minutes=2)
#: The kind of the case of a shipment that its partner does not withdraw; its key is the shipment.
NOT_WITHDRAWN: Final = "fulfillment.partner_goes_on"
_NOTHING_LEAVES = frozenset({PartnerStatus.CANCELLED, PartnerStatus.REJECTED})


def take_over(session: Session, actor: Actor, shipment_id: UUID, *, reason: str) -> None:
    """Have a partner cancel a shipment, so that it is sent from its depot by our own staff: at
    once where the partner has not heard of it, else by a job.

    Raises `PermissionDenied`, `NotFound`, `ShipmentMovedOn` once it has left or where no partner
    sends it, and `PartnerNotAnswered`.
    """
    require(actor, Permission.SHIPMENTS_WORK)
    shipment = queries.lock_shipment(session, shipment_id)
    if not shipment.is_entrusted:
        raise ShipmentMovedOn
    if shipment.status is ShipmentStatus.REQUESTED:
        _forget(session, shipment_id)
        _note(session, shipment, actor, f"Taken over: {reason}")
        return
    columns = sa.select(PartnerShipment.strategy, PartnerShipment.status)
    _strategy, status = session.get(
        lambda strategy, status: (strategy, status),
        columns.where(PartnerShipment.shipment_id == shipment_id),
    )
    if shipment.status is not ShipmentStatus.PICKING or status is PartnerStatus.SHIPPED:
        raise ShipmentMovedOn
    if status is None:
        raise PartnerNotAnswered
    _set(session, shipment_id, PartnerStatus.WITHDRAWING, _CALL_DURATION_MAX)
    _note(session, shipment, actor, f"To be withdrawn: {reason}")


def withdraw(
    database: Database, partner: FulfilmentPartner, shipment_id: UUID, reference: str
) -> None:
    """Have the partner cancel an order, and give the shipment to our staff if nothing leaves. If it
    goes on, that is a case, and the order is followed as before.

    Uses a transaction of its own. Raises `ProviderUnavailable` and `ProviderOutcomeUnknown` for a
    later try.
    """
    known = partner.fetch(reference)
    is_cancelled = known is None or known.status in _NOTHING_LEAVES
    if not is_cancelled:
        try:
            is_cancelled = partner.cancel(reference).status in _NOTHING_LEAVES
        except ProviderRefused:
            is_cancelled = False
    with database.transaction() as session:
        shipment = queries.lock_shipment(session, shipment_id)
        if shipment.status is not ShipmentStatus.PICKING:
            return
        if is_cancelled:
            _forget(session, shipment_id)
            evidence = f"{shipment.strategy} has cancelled it"
            service.change_status(
                session, None, shipment, ShipmentStatus.REQUESTED, evidence=evidence
            )
            return
        _set(session, shipment_id, PartnerStatus.PROCESSING, timedelta())
        cases.open_once(
            session,
            kind=NOT_WITHDRAWN,
            subject=shipment.public_id,
            key=shipment.public_id,
            title="A partner did not withdraw a shipment: it goes on",
            facts={"Shipment": str(shipment.number), "Partner": str(shipment.strategy)},
            person_id=shipment.user_id,
        )


def _forget(session: Session, shipment_id: UUID) -> None:
    own = PartnerShipment.shipment_id == shipment_id
    session.write(sa.delete(PartnerShipment).where(own))


def _set(session: Session, shipment_id: UUID, status: PartnerStatus, pause: timedelta) -> None:
    session.write(
        sa.update(PartnerShipment)
        .where(PartnerShipment.shipment_id == shipment_id)
        .values(status=status, due_at=clock.now() + pause)
    )


def _note(session: Session, shipment: ShipmentRow, actor: Actor, evidence: str) -> None:
    service.record_event(
        session,
        shipment.id,
        shipment.status,
        shipment.status,
        actor_id=actor.user_id,
        evidence=evidence,
        at=clock.now(),
    )
