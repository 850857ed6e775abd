"""What follows for a shipment from what carriers report of its parcels.

Facts come late, twice and in any order: each time, the tracks of all parcels are read as they are
then, with the row of the shipment locked.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from app.access import Actor, Permission, require
from app.cases import service as cases
from app.fulfillment.carriers.rules import TrackingStatus
from app.fulfillment.parcels import queries as parcels_queries
from app.fulfillment.parcels.queries import ParcelRow
from app.fulfillment.shipments import queries, service
from app.fulfillment.shipments.queries import ShipmentRow
from app.fulfillment.shipments.rules import ShipmentStatus
from app.fulfillment.strategies.rules import FulfillmentRules
from app.fulfillment.tracking import queries as tracking_queries
from app.fulfillment.tracking.queries import ParcelTrack
from app.kit.db import Session
from app.kit.formatting import format_amount, format_time
from app.settings.queries import current

#: The kind of the cases of parcels to which something happened; the key has parcel and status.
EXCEPTION = "fulfillment.parcel_exception"
_NOT_YET = frozenset({None, TrackingStatus.LABEL_CREATED})


def follow_parcel(session: Session, parcel_id: UUID) -> None:
    """Give the shipment of a parcel the status that its parcels have together: shipped once the
    carrier has all of them, delivered once the customer has. Open a case for each exception."""
    shipment_id = parcels_queries.find_shipment_of(session, parcel_id)
    if shipment_id is None:
        return
    shipment = queries.lock_shipment(session, shipment_id)
    parcels = parcels_queries.list_parcels(session, shipment_id)
    tracks = tracking_queries.parcel_tracks(session, [parcel.id for parcel in parcels])
    for parcel in parcels:
        track = tracks.get(parcel.id)
        if track is not None and track.status is not None and track.status.is_exception:
            _open_case(session, shipment, parcel, track)
    statuses = [tracks[each.id].status if each.id in tracks else None for each in parcels]
    evidence = _describe(parcels, tracks)
    if shipment.status is ShipmentStatus.PACKED and _NOT_YET.isdisjoint(statuses):
        service.ship(session, None, shipment_id, evidence=evidence)
        shipment = queries.lock_shipment(session, shipment_id)
    is_delivered = all(status is TrackingStatus.DELIVERED for status in statuses)
    if shipment.status is ShipmentStatus.SHIPPED and is_delivered:
        service.deliver(session, None, shipment_id, evidence=evidence)


def hand_to_carrier(session: Session, actor: Actor, parcel_id: UUID) -> None:
    """Note that the carrier took the shipment of a parcel, as the driver's list says; again it
    changes nothing. Raises `PermissionDenied`, `NotFound` and `ShipmentMovedOn`."""
    require(actor, Permission.SHIPMENTS_WORK)
    parcel = parcels_queries.get_parcel(session, parcel_id)
    shipment = queries.lock_shipment(session, parcel.shipment_id)
    if shipment.status is ShipmentStatus.SHIPPED:
        return
    parcels = parcels_queries.list_parcels(session, shipment.id)
    tracks = tracking_queries.parcel_tracks(session, [each.id for each in parcels])
    service.ship(session, actor, shipment.id, evidence=_describe(parcels, tracks))


def _describe(parcels: Sequence[ParcelRow], tracks: Mapping[UUID, ParcelTrack]) -> str:
    numbers = [tracks[each.id].tracking_number for each in parcels if each.id in tracks]
    return f"{parcels[0].carrier.label} {', '.join(numbers)}"


def _open_case(
    session: Session, shipment: ShipmentRow, parcel: ParcelRow, track: ParcelTrack
) -> None:
    assert track.status is not None  # of exceptions only
    assert track.status_at is not None  # status_says_since_when
    facts = {
        "Shipment": str(shipment.number),
        "Parcel": f"{parcel.number}, insured for {format_amount(parcel.value)}",
        "Carrier": f"{track.carrier.label} {track.tracking_number}",
        "Since": format_time(track.status_at),
    }
    claim_until = _claim_until(session, track.status, track.status_at)
    if claim_until is not None:
        facts["Claim until"] = format_time(claim_until)
    cases.open_once(
        session,
        kind=EXCEPTION,
        subject=shipment.public_id,
        key=f"{parcel.public_id}:{track.status}",
        title=f"A parcel: {track.status.label.lower()}",
        facts=facts,
        person_id=shipment.user_id,
    )


def _claim_until(session: Session, status: TrackingStatus, at: datetime) -> datetime | None:
    """Return until when the carrier has to be asked for the value; None if nothing is lost."""
    settings = current(session, FulfillmentRules)
    match status:
        case TrackingStatus.LOST:
            return at + timedelta(days=settings.claim_days)
        case TrackingStatus.DAMAGED:
            return at + timedelta(hours=settings.damage_claim_hours)
        case _:
            return None
