"""Named reads of locations."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.branches.models import Branch
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.postal_addresses import PostalAddress
from app.kit.statements import any_of, compile_select
from app.vault.locations.models import Location
from app.vault.locations.rules import LocationKind


@dataclass(frozen=True, slots=True)
class LocationSummary:
    """A place of a branch where goods are."""

    id: UUID
    branch_id: UUID
    branch_code: str
    entity_id: UUID
    code: str
    name: str
    kind: LocationKind
    opened_at: datetime
    branch_address: dict[str, Any] | None

    @property
    def postal(self) -> PostalAddress | None:
        """Where its branch is."""
        return PostalAddress(**self.branch_address) if self.branch_address else None


_LOCATION_SELECT = sa.select(
    Location.id,
    Location.branch_id,
    Branch.code.label("branch_code"),
    Branch.legal_entity_id.label("entity_id"),
    Location.code,
    Location.name,
    Location.kind,
    Location.opened_at,
    Branch.address.label("branch_address"),
).join(Branch, Branch.id == Location.branch_id)
#: Those with these `location_ids`.
BY_ID = compile_select(_LOCATION_SELECT.where(Location.id == any_of("location_ids", sa.Uuid)))
LOCATIONS = ListSource(
    LocationSummary,
    _LOCATION_SELECT,
    key=Location.id,
    sorts={"code": Location.code, "opened": Location.id},
    filters={"kind": lambda kind: Location.kind == kind},
)


def find_location(session: Session, code: str) -> LocationSummary | None:
    """Return the location with this code, or None."""
    return session.find(LocationSummary, _LOCATION_SELECT.where(Location.code == code.upper()))


def list_locations_of_branch(session: Session, branch_id: UUID) -> Sequence[LocationSummary]:
    """Return the locations of a branch in order of code."""
    own = _LOCATION_SELECT.where(Location.branch_id == branch_id)
    return session.select(LocationSummary, own.order_by(Location.code))


def get_location(session: Session, location_id: UUID) -> LocationSummary:
    """Return a location. Raises `NotFound`."""
    return session.get(LocationSummary, _LOCATION_SELECT.where(Location.id == location_id))


def list_locations(session: Session) -> Sequence[LocationSummary]:
    """Return every location in order of its code."""
    return session.select(LocationSummary, _LOCATION_SELECT.order_by(Location.code))


def locations_by_id(
    session: Session, location_ids: Collection[UUID]
) -> Mapping[UUID, LocationSummary]:
    """Return these locations by their id."""
    found = session.select(LocationSummary, BY_ID, location_ids=list(location_ids))
    return {each.id: each for each in found}
