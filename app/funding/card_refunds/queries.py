"""Reads of refunds to cards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.catalog.rules import USD
from app.funding.models import CardRefundRow
from app.funding.states import CardRefundStatus
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.money import Amount

PREFIX = "crf"


@dataclass(frozen=True, slots=True)
class CardRefund:
    """A refund to a card."""

    id: UUID
    deposit_id: UUID
    user_id: UUID
    units: int
    status: CardRefundStatus
    because_of: PublicId
    hold_id: UUID
    provider_ref: str | None
    code: str | None
    requested_at: datetime
    opened_at: datetime | None

    @property
    def public_id(self) -> PublicId:
        """The id as the processor gets it: our reference."""
        return ids.encode(PREFIX, self.id)

    @property
    def amount(self) -> Amount:
        """What goes back."""
        return Amount(USD, self.units)


_REFUNDS = sa.select(
    CardRefundRow.id,
    CardRefundRow.deposit_id,
    CardRefundRow.user_id,
    CardRefundRow.units,
    CardRefundRow.status,
    CardRefundRow.because_of,
    CardRefundRow.hold_id,
    CardRefundRow.provider_ref,
    CardRefundRow.code,
    CardRefundRow.requested_at,
    CardRefundRow.opened_at,
)


def lock_refund(session: Session, refund_id: UUID) -> CardRefund | None:
    """Return a refund, its row locked until the transaction ends, or None."""
    return session.find(CardRefund, _REFUNDS.where(CardRefundRow.id == refund_id).with_for_update())


def list_refunds_because_of(session: Session, acts: Sequence[PublicId]) -> Sequence[CardRefund]:
    """Return the refunds to cards that these acts caused, oldest first."""
    caused = _REFUNDS.where(CardRefundRow.because_of.in_(acts))
    return session.select(CardRefund, caused.order_by(CardRefundRow.id))
