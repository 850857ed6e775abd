"""Named reads of quarantine and assays."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission
from app.kit import ids
from app.kit.counts import Count
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.vault.assays.models import Assay, Quarantine
from app.vault.assays.rules import AssayMethod, AssayResult, QuarantineStatus
from app.vault.locations.models import Location

#: Prefix of the public id of a quarantine.
PREFIX = "qua"


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """Units that were put into quarantine together."""

    id: UUID
    sku: str
    location_id: UUID
    location_code: str
    units: int
    examined_units: int
    reason: str
    put_by: UUID | None
    put_at: datetime

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def waiting(self) -> int:
        """The units that are to be examined."""
        return self.units - self.examined_units

    @property
    def status(self) -> QuarantineStatus:
        """Whether all units were examined."""
        return QuarantineStatus.WAITING if self.waiting else QuarantineStatus.EXAMINED


@dataclass(frozen=True, slots=True)
class AssayRow:
    """An examination of units in quarantine."""

    id: UUID
    units: int
    result: AssayResult
    method: AssayMethod
    measured: str
    assayed_by: UUID
    assayed_at: datetime


_QUARANTINES = sa.select(
    Quarantine.id,
    Quarantine.sku,
    Quarantine.location_id,
    Location.code.label("location_code"),
    Quarantine.units,
    Quarantine.examined_units,
    Quarantine.reason,
    Quarantine.put_by,
    Quarantine.put_at,
).join(Location, Location.id == Quarantine.location_id)
_WAITING_COUNT = """
SELECT count(*) FROM quarantines
WHERE examined_units < units AND put_by IS DISTINCT FROM %(actor)s
"""
_IS_WAITING = Quarantine.examined_units < Quarantine.units
QUARANTINES = ListSource(
    QuarantineRow,
    _QUARANTINES,
    key=Quarantine.id,
    sorts={"put": Quarantine.id},
    filters={
        "sku": lambda text: Quarantine.sku == text.upper(),
        "location": lambda text: Location.code == text.upper(),
        "status": lambda status: (
            _IS_WAITING if status is QuarantineStatus.WAITING else sa.not_(_IS_WAITING)
        ),
    },
)


def waiting_count(actor: Actor) -> Count | None:
    """Return the count of what this person could examine: what others put into quarantine; None
    without the permission."""
    if Permission.VAULT_ASSAY not in actor.permissions:
        return None
    return Count((_WAITING_COUNT, {"actor": actor.user_id}))


def get_quarantine(session: Session, quarantine_id: UUID) -> QuarantineRow:
    """Return a quarantine. Raises `NotFound`."""
    return session.get(QuarantineRow, _QUARANTINES.where(Quarantine.id == quarantine_id))


def lock_quarantine(session: Session, quarantine_id: UUID) -> QuarantineRow:
    """Return a quarantine, its row locked. Raises `NotFound`."""
    locked = _QUARANTINES.where(Quarantine.id == quarantine_id).with_for_update(of=Quarantine)
    return session.get(QuarantineRow, locked)


def list_assays(session: Session, quarantine_id: UUID) -> list[AssayRow]:
    """Return the assays of a quarantine in order."""
    return session.select(
        AssayRow,
        sa.select(
            Assay.id,
            Assay.units,
            Assay.result,
            Assay.method,
            Assay.measured,
            Assay.assayed_by,
            Assay.assayed_at,
        )
        .where(Assay.quarantine_id == quarantine_id)
        .order_by(Assay.id),
    )
