"""Named reads of adjustments."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from app.catalog.rules import USD
from app.kit import ids
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.vault.adjustments.models import StockAdjustment
from app.vault.adjustments.rules import AdjustmentKind
from app.vault.locations.models import Location
from app.vault.stock.rules import StockState

#: Prefix of the public id of an adjustment.
PREFIX = "adj"


@dataclass(frozen=True, slots=True)
class AdjustmentRow:
    """Units that were lost or found."""

    id: UUID
    sku: str
    location_code: str
    state: StockState
    kind: AdjustmentKind
    units: int
    transfer_id: UUID | None
    spot: Decimal
    metal_usd: int
    premium_usd: int
    approval_id: UUID
    requested_by: UUID
    approved_by: UUID
    adjusted_at: datetime

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def metal(self) -> Amount:
        """What the metal was worth."""
        return Amount(USD, self.metal_usd)

    @property
    def premium(self) -> Amount:
        """What the units cost above their metal."""
        return Amount(USD, self.premium_usd)


_ADJUSTMENTS = sa.select(
    StockAdjustment.id,
    StockAdjustment.sku,
    Location.code.label("location_code"),
    StockAdjustment.state,
    StockAdjustment.kind,
    StockAdjustment.units,
    StockAdjustment.transfer_id,
    StockAdjustment.spot,
    StockAdjustment.metal_usd,
    StockAdjustment.premium_usd,
    StockAdjustment.approval_id,
    StockAdjustment.requested_by,
    StockAdjustment.approved_by,
    StockAdjustment.adjusted_at,
).join(Location, Location.id == StockAdjustment.location_id)
ADJUSTMENTS = ListSource(
    AdjustmentRow,
    _ADJUSTMENTS,
    key=StockAdjustment.id,
    sorts={"adjusted": StockAdjustment.id},
    filters={
        "sku": lambda text: StockAdjustment.sku == text.upper(),
        "location": lambda text: Location.code == text.upper(),
        "kind": lambda kind: StockAdjustment.kind == kind,
    },
)


def get_adjustment(session: Session, adjustment_id: UUID) -> AdjustmentRow:
    """Return an adjustment. Raises `NotFound`."""
    return session.get(AdjustmentRow, _ADJUSTMENTS.where(StockAdjustment.id == adjustment_id))
