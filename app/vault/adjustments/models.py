"""Tables of adjustments."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.vault.adjustments.rules import AdjustmentKind
from app.vault.stock.rules import StockState


class StockAdjustment(Base):
    """Units that were lost or found, as two people booked them. Never changes."""

    __tablename__ = "stock_adjustments"
    __table_args__ = (
        sa.CheckConstraint(
            "kind IN ('damage', 'loss', 'theft', 'found')", name="stock_adjustment_kind_known"
        ),
        sa.CheckConstraint(
            "state IN ('available', 'quarantine', 'in_transit')",
            name="stock_adjustment_state_known",
        ),
        sa.CheckConstraint(
            "(transfer_id IS NOT NULL) = (state = 'in_transit')", name="transfer_if_in_transit"
        ),
        sa.CheckConstraint("units > 0", name="stock_adjustment_has_units"),
        sa.CheckConstraint("approved_by <> requested_by", name="adjustment_takes_two_people"),
        sa.UniqueConstraint("approval_id", "sku", name="stock_adjustments_approval_id_key"),
        sa.Index("stock_adjustments_sku_idx", "sku", "id"),
        sa.Index("stock_adjustments_location_idx", "location_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(sa.ForeignKey("products.sku"))
    location_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"))
    state: Mapped[StockState] = mapped_column(StoredEnum(StockState))
    kind: Mapped[AdjustmentKind] = mapped_column(StoredEnum(AdjustmentKind))
    units: Mapped[int] = mapped_column(sa.BigInteger)
    transfer_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("stock_transfers.id"))
    #: The accepted price at which the metal was booked, in US dollars per troy ounce.
    spot: Mapped[Decimal] = mapped_column(sa.Numeric(20, 6))
    #: Cents: the metal at that price, and the premium of the lots.
    metal_usd: Mapped[int] = mapped_column(sa.BigInteger)
    premium_usd: Mapped[int] = mapped_column(sa.BigInteger)
    approval_id: Mapped[UUID] = mapped_column(sa.ForeignKey("approvals.id"))
    requested_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    approved_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    adjusted_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
