"""Named reads of licences."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from app.branches.entities.models import LegalEntity
from app.branches.licences import rules
from app.branches.licences.models import Licence
from app.branches.licences.rules import LicenceStatus
from app.branches.models import Branch
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.list_query import ListSource


@dataclass(frozen=True, slots=True)
class LicenceSummary:
    """A licence, and who holds it."""

    id: UUID
    entity_id: UUID
    entity_code: str
    branch_id: UUID | None
    branch_code: str | None
    name: str
    number: str
    authority: str
    expires_on: date | None
    added_at: datetime
    ended_at: datetime | None

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode("lic", self.id)

    @property
    def holder(self) -> str:
        """The code of the branch, else of the legal entity."""
        return self.branch_code or self.entity_code

    @property
    def is_in_force(self) -> bool:
        """Whether it was neither given up nor taken away."""
        return self.ended_at is None

    @property
    def status(self) -> LicenceStatus:
        """Whether it is in force today."""
        today = clock.now().date()
        return rules.status_of(self.expires_on, is_ended=not self.is_in_force, today=today)


_SELECT = (
    sa.select(
        Licence.id,
        Licence.legal_entity_id.label("entity_id"),
        LegalEntity.code.label("entity_code"),
        Licence.branch_id,
        Branch.code.label("branch_code"),
        Licence.name,
        Licence.number,
        Licence.authority,
        Licence.expires_on,
        Licence.added_at,
        Licence.ended_at,
    )
    .join(LegalEntity, LegalEntity.id == Licence.legal_entity_id)
    .outerjoin(Branch, Branch.id == Licence.branch_id)
)
_IN_FORCE = Licence.ended_at.is_(None)
_SOONEST = (Licence.expires_on.asc().nulls_last(), Licence.id)
#: Text, so that licences that do not expire come last.
_EXPIRY = sa.func.coalesce(
    sa.func.to_char(Licence.expires_on, "YYYY-MM-DD"), "never", type_=sa.Text
)
LICENCES = ListSource(
    LicenceSummary,
    _SELECT,
    key=Licence.id,
    sorts={"added": Licence.id, "expires": _EXPIRY},
    filters={
        "number": lambda text: Licence.number == text,
    },
)


def list_of_entity(session: Session, entity_id: UUID) -> list[LicenceSummary]:
    """Return the licences in force of a legal entity as such, the first to expire first."""
    own = Licence.legal_entity_id == entity_id, Licence.branch_id.is_(None)
    return session.select(LicenceSummary, _SELECT.where(_IN_FORCE, *own).order_by(*_SOONEST))


def list_of_branch(session: Session, branch_id: UUID) -> list[LicenceSummary]:
    """Return the licences in force of a branch, the first to expire first."""
    own = Licence.branch_id == branch_id
    return session.select(LicenceSummary, _SELECT.where(_IN_FORCE, own).order_by(*_SOONEST))


def list_expiring(session: Session, today: date) -> list[LicenceSummary]:
    """Return the licences in force whose expiry is warned of today, or was before."""
    soon = Licence.expires_on <= rules.last_warned_day(today)
    return session.select(LicenceSummary, _SELECT.where(_IN_FORCE, soon).order_by(*_SOONEST))


def get_licence(session: Session, licence_id: UUID) -> LicenceSummary:
    """Return the licence. Raises `NotFound`."""
    return session.get(LicenceSummary, _SELECT.where(Licence.id == licence_id))
