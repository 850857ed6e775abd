"""Reads of tracking."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from app.fulfillment.carriers.rules import Carrier, TrackingStatus
from app.keys import service as keys
from app.kit.db import Session
from app.kit.errors import NotFound

TABLE, PROOF = "tracked_parcels", "proof_sealed"

_TRACKED = """
SELECT id, parcel_id, carrier, tracking_number, status, status_at, expected_on,
    proof_sealed IS NOT NULL
FROM tracked_parcels WHERE parcel_id = ANY (%s) ORDER BY id
"""
_EVENTS = """
SELECT e.at, e.status, e.place, e.text FROM tracking_events e
JOIN tracked_parcels t ON t.id = e.tracked_id
WHERE t.parcel_id = %s ORDER BY e.at, e.event_id
"""
_PROOF = """
SELECT id, proof_sealed FROM tracked_parcels
WHERE parcel_id = %s AND proof_sealed IS NOT NULL ORDER BY id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class ParcelTrack:
    """Where a parcel is. `status` and `status_at` are None until the carrier knows its number."""

    id: UUID
    parcel_id: UUID
    carrier: Carrier
    tracking_number: str
    status: TrackingStatus | None
    status_at: datetime | None
    expected_on: date | None
    has_proof: bool

    @property
    def tracking_url(self) -> str:
        """The page of its carrier that shows it."""
        return self.carrier.tracking_url(self.tracking_number)


@dataclass(frozen=True, slots=True)
class ParcelEvent:
    """Something that happened to a parcel, in the carrier's words."""

    at: datetime
    status: TrackingStatus | None
    place: str
    text: str


def parcel_track(session: Session, parcel_id: UUID) -> ParcelTrack | None:
    """Return where a parcel is by the last number that it was given; None if it has none."""
    return parcel_tracks(session, [parcel_id]).get(parcel_id)


def parcel_tracks(session: Session, parcel_ids: Collection[UUID]) -> dict[UUID, ParcelTrack]:
    """Return where parcels are, each by the last number that it was given."""
    tracks: dict[UUID, ParcelTrack] = {}
    for row in session.rows(_TRACKED, (list(parcel_ids),)):
        identifier, parcel_id, carrier, number, status, *rest = row
        known = None if status is None else TrackingStatus(status)
        tracks[parcel_id] = ParcelTrack(
            identifier, parcel_id, Carrier(carrier), number, known, *rest
        )
    return tracks


def parcel_events(session: Session, parcel_id: UUID) -> list[ParcelEvent]:
    """Return what happened to a parcel, oldest first; carriers count seconds or minutes."""
    events = [
        ParcelEvent(at, None if status is None else TrackingStatus(status), place, text)
        for at, status, place, text in session.rows(_EVENTS, (parcel_id,))
    ]
    return sorted(events, key=lambda event: (event.at, event.status.rank if event.status else -1))


def proof_of_delivery(session: Session, parcel_id: UUID) -> bytes:
    """Return the PDF that proves a delivery. Raises `NotFound` if there is none yet."""
    row = session.row(_PROOF, (parcel_id,))
    if row is None:
        raise NotFound
    identifier, sealed = row
    return keys.open_sealed(sealed, table=TABLE, column=PROOF, key=identifier)
