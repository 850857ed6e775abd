"""Named reads of legal entities."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.branches.entities import rules
from app.branches.entities.models import LegalEntity
from app.branches.entities.rules import CashReportRegime
from app.kit import ids
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.postal_addresses import PostalAddress


@dataclass(frozen=True, slots=True)
class EntitySummary:
    """A company."""

    id: UUID
    code: str
    name: str
    jurisdiction: str
    address: dict[str, Any] | None
    #: Shown to people with `ENTITIES_READ` only.
    tax_number: str | None
    cash_report_regime: CashReportRegime
    added_at: datetime

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode("ent", self.id)

    @property
    def postal(self) -> PostalAddress | None:
        """Where it is registered."""
        return PostalAddress(**self.address) if self.address else None

    @property
    def jurisdiction_name(self) -> str:
        """The English name of its jurisdiction."""
        return rules.jurisdiction_name(self.jurisdiction)


_SELECT = sa.select(
    LegalEntity.id,
    LegalEntity.code,
    LegalEntity.name,
    LegalEntity.jurisdiction,
    LegalEntity.address,
    LegalEntity.tax_number,
    LegalEntity.cash_report_regime,
    LegalEntity.added_at,
)
ENTITIES = ListSource(
    EntitySummary,
    _SELECT,
    key=LegalEntity.id,
    sorts={"code": LegalEntity.code, "added": LegalEntity.id},
    filters={},
)


def list_entities(session: Session) -> list[EntitySummary]:
    """Return every legal entity, in order of code."""
    return session.select(EntitySummary, _SELECT.order_by(LegalEntity.code))


def find_entity(session: Session, entity_id: UUID) -> EntitySummary | None:
    """Return the legal entity, or None."""
    return session.find(EntitySummary, _SELECT.where(LegalEntity.id == entity_id))


def get_entity(session: Session, entity_id: UUID) -> EntitySummary:
    """Return the legal entity. Raises `NotFound`."""
    return session.get(EntitySummary, _SELECT.where(LegalEntity.id == entity_id))


def lock_entity(session: Session, entity_id: UUID) -> EntitySummary:
    """Return the legal entity, its row locked. Raises `NotFound`."""
    locked = _SELECT.where(LegalEntity.id == entity_id).with_for_update()
    return session.get(EntitySummary, locked)
