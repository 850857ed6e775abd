"""Tables of price locks. Prices are US dollars per troy ounce, amounts cents."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.rules import Metal
from app.catalog.tax_classes import TaxClass
from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.shop.locks.rules import LockStatus, VoidReason

_INSTANT = sa.DateTime(timezone=True)


class PriceLockRow(Base):
    """Prices and units that are kept for a person."""

    __tablename__ = "price_locks"
    __table_args__ = (
        sa.CheckConstraint(
            "status IN ('open', 'used', 'voided', 'expired')", name="lock_status_known"
        ),
        sa.CheckConstraint(
            "voided_reason IN ('cancelled', 'price_moved')", name="lock_void_reason_known"
        ),
        sa.CheckConstraint(
            "(status = 'voided') = (voided_reason IS NOT NULL)", name="voided_lock_has_a_reason"
        ),
        sa.CheckConstraint(
            "(status = 'used') = (checkout_id IS NOT NULL)", name="used_lock_has_a_checkout"
        ),
        sa.CheckConstraint("(status = 'open') = (ended_at IS NULL)", name="open_lock_has_no_end"),
        sa.CheckConstraint("expires_at > locked_at", name="lock_expires_later"),
        sa.CheckConstraint("total_units > 0", name="lock_total_positive"),
        sa.CheckConstraint("pieces > 0", name="lock_has_pieces"),
        sa.CheckConstraint(
            "cancel_fee_units >= 0 AND cancel_offset_percent BETWEEN 0 AND 100"
            " AND cancel_vault_hours >= 0",
            name="lock_cancel_terms_in_bounds",
        ),
        sa.CheckConstraint("after_hours_percent >= 0", name="lock_after_hours_not_negative"),
        sa.Index("price_locks_user_id_locked_at_idx", "user_id", "locked_at"),
        sa.Index(
            "price_locks_expires_at_idx",
            "expires_at",
            postgresql_where=sa.text("status = 'open'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    status: Mapped[LockStatus] = mapped_column(StoredEnum(LockStatus))
    locked_at: Mapped[datetime] = mapped_column(_INSTANT)
    expires_at: Mapped[datetime] = mapped_column(_INSTANT)
    ended_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    total_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: Units of all lines.
    pieces: Mapped[int]
    #: Where the person collects the goods, if they said so.
    pickup_branch_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("branches.id"))
    #: The version of the terms that the person had accepted.
    terms_version: Mapped[int] = mapped_column(sa.SmallInteger)
    #: `CancelTerms` of that moment: they count for the order.
    cancel_fee_units: Mapped[int] = mapped_column(sa.BigInteger)
    cancel_offset_percent: Mapped[int] = mapped_column(sa.SmallInteger)
    cancel_vault_hours: Mapped[int] = mapped_column(sa.SmallInteger)
    after_hours_percent: Mapped[Decimal] = mapped_column(sa.Numeric(6, 4))
    voided_reason: Mapped[VoidReason | None] = mapped_column(StoredEnum(VoidReason))
    checkout_id: Mapped[UUID | None]


class PriceLockMetal(Base):
    """The market price of a metal that a lock keeps."""

    __tablename__ = "price_lock_metals"
    __table_args__ = (
        sa.CheckConstraint("metal IN ('AU', 'AG', 'PT', 'PD', 'CU')", name="lock_metal_known"),
        sa.CheckConstraint("0 < bid AND bid <= ask", name="lock_prices_in_order"),
    )

    lock_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("price_locks.id", ondelete="CASCADE"), primary_key=True
    )
    metal: Mapped[Metal] = mapped_column(StoredEnum(Metal), primary_key=True)
    ask: Mapped[Decimal] = mapped_column(sa.Numeric(18, 6))
    bid: Mapped[Decimal] = mapped_column(sa.Numeric(18, 6))
    source: Mapped[str] = mapped_column(sa.Text)
    observed_at: Mapped[datetime] = mapped_column(_INSTANT)


class PriceLockLine(Base):
    """Units of a product, all at one price. A bar with a weight of its own is a line."""

    __tablename__ = "price_lock_lines"
    __table_args__ = (
        sa.CheckConstraint("quantity BETWEEN 1 AND 10000", name="lock_quantity_in_range"),
        sa.CheckConstraint("unit_price_units > 0", name="lock_price_positive"),
        sa.CheckConstraint("ounces_units > 0", name="lock_ounces_positive"),
        sa.CheckConstraint(
            "tax_class IN ('bullion', 'legal_tender', 'numismatic', 'processed', 'copper',"
            " 'accessory')",
            name="lock_tax_class_known",
        ),
    )

    lock_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("price_locks.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True)
    sku: Mapped[str] = mapped_column(sa.Text, sa.ForeignKey("products.sku"))
    quantity: Mapped[int]
    unit_price_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: The ask.
    spot: Mapped[Decimal] = mapped_column(sa.Numeric(18, 6))
    #: The accounted ounces of one unit, in 10^-8.
    ounces_units: Mapped[int] = mapped_column(sa.BigInteger)
    rule_id: Mapped[UUID] = mapped_column(sa.ForeignKey("price_rules.id"))
    #: As it was when the price was made.
    tax_class: Mapped[TaxClass] = mapped_column(StoredEnum(TaxClass))


class PriceLockPart(Base):
    """Units of a line at one location, reserved by a hold."""

    __tablename__ = "price_lock_parts"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["lock_id", "position"],
            ["price_lock_lines.lock_id", "price_lock_lines.position"],
            name="price_lock_parts_line_fkey",
            ondelete="CASCADE",
        ),
        sa.Index("price_lock_parts_lock_id_idx", "lock_id", "position"),
        sa.CheckConstraint("units > 0", name="lock_part_has_units"),
        sa.CheckConstraint("lot_id IS NULL OR units = 1", name="named_bar_is_one_unit"),
    )

    #: The hold that reserves the units.
    hold_id: Mapped[UUID] = mapped_column(primary_key=True)
    lock_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(sa.SmallInteger)
    location_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"))
    units: Mapped[int]
    #: The bar, of a product with serials.
    lot_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("bars.lot_id"))
