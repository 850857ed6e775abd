"""Tables of lots."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class Lot(Base):
    """One product of one delivery, or one bar with a serial, and what it cost. Never changes."""

    __tablename__ = "lots"
    __table_args__ = (
        sa.UniqueConstraint(
            "supplier", "supplier_reference", "sku", "part", name="lots_delivery_key"
        ),
        sa.CheckConstraint("part > 0", name="lot_part_counts_from_one"),
        sa.CheckConstraint("units > 0", name="lot_has_units"),
        sa.CheckConstraint("ounces_units > 0", name="lot_has_ounces"),
        sa.CheckConstraint("spot > 0", name="lot_spot_positive"),
        sa.CheckConstraint("metal_usd > 0", name="lot_metal_positive"),
        sa.CheckConstraint("length(supplier) BETWEEN 1 AND 100", name="lot_supplier_has_a_length"),
        sa.CheckConstraint(
            "length(supplier_reference) BETWEEN 1 AND 100", name="lot_reference_has_a_length"
        ),
        sa.Index("lots_sku_idx", "sku", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(sa.Text, sa.ForeignKey("products.sku"))
    #: Where it arrived.
    location_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"))
    units: Mapped[int] = mapped_column(sa.BigInteger)
    #: 10^-8 accounted troy ounces of all units.
    ounces_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: The price of the metal that was agreed, in US dollars per troy ounce.
    spot: Mapped[Decimal] = mapped_column(sa.Numeric(20, 6))
    #: Cents: the metal at that price, and what was paid above it (below, if negative).
    metal_usd: Mapped[int] = mapped_column(sa.BigInteger)
    premium_usd: Mapped[int] = mapped_column(sa.BigInteger)
    supplier: Mapped[str] = mapped_column(sa.Text)
    #: The number of the supplier's invoice or delivery note.
    supplier_reference: Mapped[str] = mapped_column(sa.Text)
    #: The number of the bar among those of its product in this delivery; 1 for other goods.
    part: Mapped[int] = mapped_column(sa.SmallInteger, server_default=sa.text("1"))
    received_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    received_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class LotStock(Base):
    """What is left of a lot at a location. Locking the rows of a product at a location, the first
    lot first, orders those who take from it."""

    __tablename__ = "lot_stock"
    __table_args__ = (
        sa.CheckConstraint("units >= 0", name="lot_stock_not_negative"),
        sa.CheckConstraint("units > 0 OR premium_usd = 0", name="premium_leaves_with_units"),
        sa.Index("lot_stock_lot_id_idx", "lot_id"),
    )

    location_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"), primary_key=True)
    sku: Mapped[str] = mapped_column(sa.Text, sa.ForeignKey("products.sku"), primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(sa.ForeignKey("lots.id"), primary_key=True)
    units: Mapped[int] = mapped_column(sa.BigInteger)
    #: Cents.
    premium_usd: Mapped[int] = mapped_column(sa.BigInteger)


class LotMovement(Base):
    """Units of a lot that came to a location, or left it (negative). Never changes."""

    __tablename__ = "lot_movements"
    __table_args__ = (
        sa.CheckConstraint("units <> 0", name="lot_movement_moves_units"),
        sa.Index("lot_movements_lot_id_idx", "lot_id"),
    )

    #: The reference of the ledger's entry that moves the units.
    reference: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(sa.ForeignKey("lots.id"), primary_key=True)
    location_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"), primary_key=True)
    units: Mapped[int] = mapped_column(sa.BigInteger)
    #: Cents of the lot's premium that went with them.
    premium_usd: Mapped[int] = mapped_column(sa.BigInteger)
    moved_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
