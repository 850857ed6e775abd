"""Named reads of tills."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.branches.tills.models import Till
from app.branches.tills.rules import TillStatus
from app.kit import ids
from app.kit.db import Session


@dataclass(frozen=True, slots=True)
class TillSummary:
    """A till of a branch."""

    id: UUID
    branch_id: UUID
    code: str
    name: str
    opened_at: datetime
    closed_at: datetime | None

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode("til", self.id)

    @property
    def status(self) -> TillStatus:
        """Whether it is in use."""
        return TillStatus.CLOSED if self.closed_at else TillStatus.OPEN


_TILLS = sa.select(Till.id, Till.branch_id, Till.code, Till.name, Till.opened_at, Till.closed_at)


def list_tills(session: Session, branch_id: UUID) -> list[TillSummary]:
    """Return the tills of a branch: those in use first, in order of code."""
    ordered = _TILLS.where(Till.branch_id == branch_id).order_by(
        Till.closed_at.desc().nulls_first(), Till.code
    )
    return session.select(TillSummary, ordered)


def get_till(session: Session, till_id: UUID) -> TillSummary:
    """Return the till. Raises `NotFound`."""
    return session.get(TillSummary, _TILLS.where(Till.id == till_id))


def lock_till(session: Session, till_id: UUID) -> TillSummary:
    """Return the till as `get_till` does, its row locked."""
    locked = _TILLS.where(Till.id == till_id).with_for_update(key_share=True)
    return session.get(TillSummary, locked)
