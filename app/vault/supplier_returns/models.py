"""The table of returns to suppliers."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class SupplierReturn(Base):
    """Units that went back to their supplier, as two people booked them. Never changes."""

    __tablename__ = "supplier_returns"
    __table_args__ = (
        sa.CheckConstraint("units > 0", name="supplier_return_has_units"),
        sa.CheckConstraint("ounces_units > 0", name="supplier_return_has_ounces"),
        sa.CheckConstraint(
            "length(supplier) BETWEEN 1 AND 100", name="supplier_of_return_has_a_length"
        ),
        sa.CheckConstraint(
            "length(supplier_reference) BETWEEN 1 AND 100",
            name="reference_of_return_has_a_length",
        ),
        sa.CheckConstraint("approved_by <> requested_by", name="supplier_return_takes_two_people"),
        sa.UniqueConstraint("approval_id", name="supplier_returns_approval_id_key"),
        sa.Index("supplier_returns_sku_idx", "sku", "id"),
        sa.Index("supplier_returns_location_idx", "location_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(sa.ForeignKey("products.sku"))
    location_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"))
    units: Mapped[int] = mapped_column(sa.BigInteger)
    #: 10^-8 accounted troy ounces of all units.
    ounces_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: Cents: what the metal cost, and what was paid above it (below, if negative).
    metal_usd: Mapped[int] = mapped_column(sa.BigInteger)
    premium_usd: Mapped[int] = mapped_column(sa.BigInteger)
    supplier: Mapped[str] = mapped_column(sa.Text)
    #: The number under which the supplier takes the goods back.
    supplier_reference: Mapped[str] = mapped_column(sa.Text)
    approval_id: Mapped[UUID] = mapped_column(sa.ForeignKey("approvals.id"))
    requested_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    approved_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    returned_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
