"""Reads of disputes by customers' banks."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.catalog.rules import USD
from app.funding.models import DisputeRow
from app.funding.ports import DisputeKind
from app.funding.states import DisputeStatus
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.money import Amount

PREFIX = "dsp"


@dataclass(frozen=True, slots=True)
class BankDispute:
    """A payment, or a part of it, that its bank took back. `provider_ref` is the processor's id."""

    id: UUID
    deposit_id: UUID
    provider_ref: str
    units: int
    status: DisputeStatus
    opened_at: datetime
    closed_at: datetime | None

    @property
    def public_id(self) -> PublicId:
        """The id as our entries and pages show it."""
        return ids.encode(PREFIX, self.id)

    @property
    def amount(self) -> Amount:
        """What the bank took, or took for a time."""
        return Amount(USD, self.units)


def list_bank_disputes(session: Session, deposit_ids: Collection[UUID]) -> list[BankDispute]:
    """Return the disputes of card payments, oldest first. Refunds are none."""
    if not deposit_ids:
        return []
    found = sa.select(
        DisputeRow.id,
        DisputeRow.deposit_id,
        DisputeRow.provider_ref,
        DisputeRow.units,
        DisputeRow.status,
        DisputeRow.opened_at,
        DisputeRow.closed_at,
    ).where(DisputeRow.deposit_id.in_(deposit_ids), DisputeRow.kind == DisputeKind.DISPUTE)
    return session.select(BankDispute, found.order_by(DisputeRow.id))
