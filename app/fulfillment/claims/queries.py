"""Named reads of claims."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.catalog.rules import USD
from app.fulfillment.claims.models import CarrierClaim
from app.fulfillment.claims.rules import PREFIX, ClaimStatus
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.money import Amount

_CLAIMS = sa.select(
    CarrierClaim.id,
    CarrierClaim.shipment_id,
    CarrierClaim.status,
    CarrierClaim.reference,
    CarrierClaim.claimed_units,
    CarrierClaim.paid_units,
    CarrierClaim.filed_at,
    CarrierClaim.decided_at,
)


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A claim for the goods of a shipment."""

    id: UUID
    shipment_id: UUID
    status: ClaimStatus
    reference: str
    claimed_units: int
    paid_units: int
    filed_at: datetime
    decided_at: datetime | None

    @property
    def public_id(self) -> PublicId:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def claimed(self) -> Amount:
        """What we claim."""
        return Amount(USD, self.claimed_units)

    @property
    def paid(self) -> Amount:
        """What the carrier paid."""
        return Amount(USD, self.paid_units)


def find_claim(session: Session, shipment_id: UUID) -> ClaimRow | None:
    """Return the claim for a shipment; None without one."""
    return session.find(ClaimRow, _CLAIMS.where(CarrierClaim.shipment_id == shipment_id))


def lock_claim(session: Session, shipment_id: UUID) -> ClaimRow | None:
    """Return the claim for a shipment, its row locked; None without one."""
    found = _CLAIMS.where(CarrierClaim.shipment_id == shipment_id)
    return session.find(ClaimRow, found.with_for_update())
