"""Correct the address of a shipment that has not arrived."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.fulfillment.carriers.ports import LabelSellers
from app.fulfillment.parcels import queries as parcels_queries
from app.fulfillment.shipments import requesting, service
from app.fulfillment.shipments.errors import LabelsPending, RecipientNotCleared, ShipmentMovedOn
from app.fulfillment.shipments.models import Shipment
from app.fulfillment.shipments.rules import ShipmentStatus
from app.kit import clock
from app.kit.db import Session
from app.kit.ports import resolve
from app.kit.postal_addresses import PostalAddress, normalize
from app.outbox import service as outbox
from app.screening import recipients
from app.screening.rules import Verdict

_S = ShipmentStatus
#: Afterwards the customer has the goods, or nothing is sent.
_READDRESSABLE = frozenset({_S.REQUESTED, _S.PICKING, _S.PACKED, _S.SHIPPED, _S.RETURNED, _S.LOST})


def correct_address(
    session: Session, actor: Actor, shipment_id: UUID, address: PostalAddress
) -> None:
    """Correct the address of a shipment, after its recipient was screened there; who it is stays.
    Labels of packed parcels are cancelled and bought again; parcels on their way keep theirs, and
    staff tell the carrier.

    Raises `PermissionDenied`, `NotFound`, `ShipmentEntrusted`, `ShipmentMovedOn`, `LabelsPending`,
    `RecipientNotCleared`, which keeps the screening, and `Invalid` naming a line of the address.
    """
    shipment = service.lock_workable(session, actor, shipment_id)
    before = shipment.address
    if before is None or shipment.status not in _READDRESSABLE:
        raise ShipmentMovedOn
    name, phone = before.recipient, before.phone
    address = normalize(replace(address, recipient=name, company=before.company, phone=phone))
    parcels = parcels_queries.list_parcels(session, shipment_id)
    is_labelled = shipment.status is _S.PACKED and parcels[0].carrier in resolve(LabelSellers)
    if is_labelled and not all(parcel.tracking_number for parcel in parcels):
        raise LabelsPending
    verdict = recipients.screen_recipient(
        session, shipment.user_id, address, about=shipment.public_id
    )
    if verdict is not Verdict.CLEAR:
        raise RecipientNotCleared().keeping_records()
    now = clock.now()
    session.write(
        sa.update(Shipment)
        .where(Shipment.id == shipment_id)
        .values(address_sealed=requesting.seal_address(shipment_id, address))
    )
    service.record_event(
        session,
        shipment_id,
        shipment.status,
        shipment.status,
        actor_id=actor.user_id,
        evidence="Address corrected",
        at=now,
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.SHIPMENT_READDRESSED,
        subject=shipment.public_id,
        on_behalf_of=shipment.user_id,
    )
    if is_labelled:
        _stage_relabelling(session, shipment_id, parcels[0].carrier.value, now)


def _stage_relabelling(session: Session, shipment_id: UUID, carrier: str, at: datetime) -> None:
    arguments = {"shipment_id": str(shipment_id), "corrected_at": at.isoformat()}
    outbox.stage(session, "fulfillment.relabel", arguments, provider=carrier)
