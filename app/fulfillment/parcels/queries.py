"""Named reads of parcels."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa

from app.catalog.rules import USD
from app.fulfillment.carriers.rules import Carrier, Speed
from app.fulfillment.labels.rules import LabelStatus
from app.fulfillment.parcels.models import ShipmentParcel, ShipmentParcelUnits
from app.fulfillment.shipments.models import Shipment
from app.fulfillment.shipments.rules import PREFIX as SHIPMENT_PREFIX
from app.fulfillment.shipments.rules import ShipmentStatus
from app.fulfillment.tracking import queries as tracking_queries
from app.fulfillment.tracking.queries import ParcelTrack
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.vault.locations.models import Location

#: The prefix of a parcel's public id.
PREFIX = "prc"


@dataclass(frozen=True, slots=True)
class ParcelRow:
    """A parcel of a shipment. `tracking_number` is None until its label is bought."""

    id: UUID
    shipment_id: UUID
    shipment_number: int
    shipment_status: ShipmentStatus
    location_code: str
    number: int
    value_units: int
    grams: int
    carrier: Carrier
    speed: Speed
    ships_on: date
    tracking_number: str | None

    @property
    def public_id(self) -> PublicId:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def shipment_public_id(self) -> PublicId:
        """The public id of its shipment."""
        return ids.encode(SHIPMENT_PREFIX, self.shipment_id)

    @property
    def value(self) -> Amount:
        """What it is declared and insured for."""
        return Amount(USD, self.value_units)


_LABELS = sa.table(
    "parcel_labels",
    sa.column("parcel_id", sa.Uuid()),
    sa.column("tracking_number", sa.Text()),
    sa.column("status", sa.Text()),
)
_PARCELS = (
    sa.select(
        ShipmentParcel.id,
        ShipmentParcel.shipment_id,
        Shipment.number.label("shipment_number"),
        Shipment.status.label("shipment_status"),
        Location.code.label("location_code"),
        ShipmentParcel.number,
        ShipmentParcel.value_units,
        ShipmentParcel.grams,
        ShipmentParcel.carrier,
        ShipmentParcel.speed,
        ShipmentParcel.ships_on,
        _LABELS.c.tracking_number,
    )
    .join(Shipment, Shipment.id == ShipmentParcel.shipment_id)
    .join(Location, Location.id == Shipment.location_id)
    .outerjoin(
        _LABELS,
        sa.and_(
            _LABELS.c.parcel_id == ShipmentParcel.id, _LABELS.c.status == LabelStatus.BOUGHT.value
        ),
    )
)
PARCELS = ListSource(
    ParcelRow,
    _PARCELS,
    key=ShipmentParcel.id,
    sorts={"ships_on": ShipmentParcel.ships_on, "packed": ShipmentParcel.id},
    filters={
        "carrier": lambda carrier: ShipmentParcel.carrier == carrier,
        "location": lambda text: Location.code == text.upper(),
        "status": lambda status: Shipment.status == status,
        "from": lambda instant: ShipmentParcel.ships_on >= instant.date(),
        "to": lambda instant: ShipmentParcel.ships_on < instant.date(),
    },
)


def list_parcels(session: Session, shipment_id: UUID) -> Sequence[ParcelRow]:
    """Return the parcels of a shipment, in order."""
    own = _PARCELS.where(ShipmentParcel.shipment_id == shipment_id)
    return session.select(ParcelRow, own.order_by(ShipmentParcel.number))


def get_parcel(session: Session, parcel_id: UUID) -> ParcelRow:
    """Return a parcel. Raises `NotFound`."""
    return session.get(ParcelRow, _PARCELS.where(ShipmentParcel.id == parcel_id))


def list_sent(session: Session, subject_id: UUID) -> list[ParcelTrack]:
    """Return the parcels of an order or redemption that have a tracking number, and where they
    are; the oldest first."""
    own = (
        sa.select(ShipmentParcel.id.label("parcel_id"))
        .join(Shipment, Shipment.id == ShipmentParcel.shipment_id)
        .where(Shipment.subject_id == subject_id)
        .order_by(ShipmentParcel.id)
    )
    parcel_ids = session.select(lambda parcel_id: parcel_id, own)
    tracks = tracking_queries.parcel_tracks(session, parcel_ids)
    return [tracks[parcel_id] for parcel_id in parcel_ids if parcel_id in tracks]


def find_shipment_of(session: Session, parcel_id: UUID) -> UUID | None:
    """Return the shipment of a parcel; None for a parcel of others."""
    found = sa.select(ShipmentParcel.shipment_id).where(ShipmentParcel.id == parcel_id)
    return session.find(lambda shipment_id: shipment_id, found)


def units_by_parcel(
    session: Session, parcel_ids: Collection[UUID]
) -> Mapping[UUID, Mapping[int, int]]:
    """Return what is in each of these parcels: units by the position of their line."""
    found = sa.select(
        ShipmentParcelUnits.parcel_id, ShipmentParcelUnits.position, ShipmentParcelUnits.units
    ).where(ShipmentParcelUnits.parcel_id.in_(parcel_ids))
    units: dict[UUID, dict[int, int]] = {parcel_id: {} for parcel_id in parcel_ids}
    for parcel_id, position, count in session.select(
        lambda parcel_id, position, units: (parcel_id, position, units), found
    ):
        units[parcel_id][position] = count
    return units
