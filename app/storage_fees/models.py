"""Tables of storage fees. Dollars are cents, metal is in 10^-8 troy ounces."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.rules import Metal
from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.storage_fees.rules import ChargeStatus

_METAL_KNOWN = "metal IN ('AU', 'AG', 'PT', 'PD', 'CU')"
_INSTANT = sa.DateTime(timezone=True)


class StorageDay(Base):
    """A day that was accrued, with the price, rate and allowance of a metal. Append-only."""

    __tablename__ = "storage_days"
    __table_args__ = (
        sa.CheckConstraint(_METAL_KNOWN, name="storage_day_metal_known"),
        sa.CheckConstraint(
            "mid > 0 AND rate_percent >= 0 AND allowance_units >= 0", name="storage_day_in_bounds"
        ),
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    metal: Mapped[Metal] = mapped_column(StoredEnum(Metal), primary_key=True)
    #: The accepted mid at 24:00 UTC; null for a metal that never had a price.
    mid: Mapped[Decimal | None] = mapped_column(sa.Numeric(18, 6))
    rate_percent: Mapped[Decimal] = mapped_column(sa.Numeric)
    allowance_units: Mapped[int] = mapped_column(sa.BigInteger)
    accrued_at: Mapped[datetime] = mapped_column(_INSTANT)


class StorageAccrual(Base):
    """The ounces of a customer at the end of a day, where they were above the allowance.

    Only the statement that reads `storage_days` adds rows, for all customers: it has no foreign key
    to that table, which would be checked for each of them.
    """

    __tablename__ = "storage_accruals"
    __table_args__ = (
        sa.CheckConstraint("ounces_units > 0", name="storage_accrual_is_of_something"),
        sa.Index("storage_accruals_user_id_idx", "user_id", "day"),
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    metal: Mapped[Metal] = mapped_column(StoredEnum(Metal), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"), primary_key=True)
    ounces_units: Mapped[int] = mapped_column(sa.BigInteger)


class StorageMonth(Base):
    """A month that is closed, by its first day: its charges never change. Append-only."""

    __tablename__ = "storage_months"
    __table_args__ = (
        sa.CheckConstraint("extract(day FROM month) = 1", name="storage_month_is_its_first_day"),
    )

    month: Mapped[date] = mapped_column(primary_key=True)
    closed_at: Mapped[datetime] = mapped_column(_INSTANT)


class StorageCharge(Base):
    """What a customer pays for the metal of a month."""

    __tablename__ = "storage_charges"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "month"),
        sa.CheckConstraint(
            "status IN ('due', 'charged', 'waived')", name="storage_charge_status_known"
        ),
        sa.CheckConstraint("fee_units > 0", name="storage_charge_is_of_something"),
        sa.CheckConstraint(
            "num_nulls(reference, charged_at, dollar_units, sale_units, owed_units) IN (0, 5)"
            " AND (status = 'charged') <= (charged_at IS NOT NULL)"
            " AND (status = 'due') <= (charged_at IS NULL)",
            name="storage_charge_says_how_it_is_paid",
        ),
        sa.CheckConstraint(
            "dollar_units >= 0 AND sale_units >= 0 AND owed_units >= 0"
            " AND dollar_units + sale_units + owed_units = fee_units",
            name="storage_charge_is_paid_or_owed",
        ),
        sa.CheckConstraint(
            "num_nulls(sold_asset, sold_units, sale_price) IN (0, 3)"
            " AND (sold_asset IS NOT NULL) = (coalesce(sale_units, 0) > 0)",
            name="storage_sale_is_whole",
        ),
        sa.CheckConstraint(
            "num_nulls(waived_at, waive_reason) IN (0, 2)"
            " AND (status = 'waived') = (waived_at IS NOT NULL)",
            name="storage_waiver_is_whole",
        ),
        sa.Index(
            "storage_charges_due_idx",
            "try_at",
            postgresql_where=sa.text("status = 'due'"),
        ),
        sa.Index("storage_charges_month_id_idx", "month", "id"),
        sa.Index("storage_charges_reference_key", "reference", unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    month: Mapped[date] = mapped_column(sa.ForeignKey("storage_months.month"))
    status: Mapped[ChargeStatus] = mapped_column(StoredEnum(ChargeStatus))
    fee_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: When a job charges it next, while it is due.
    try_at: Mapped[datetime] = mapped_column(_INSTANT)
    #: The reference of its entry.
    reference: Mapped[str | None] = mapped_column(sa.Text)
    charged_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    #: What the balance of dollars paid, what the sale of metal paid, and what the customer owes.
    dollar_units: Mapped[int | None] = mapped_column(sa.BigInteger)
    sale_units: Mapped[int | None] = mapped_column(sa.BigInteger)
    owed_units: Mapped[int | None] = mapped_column(sa.BigInteger)
    sold_asset: Mapped[str | None] = mapped_column(sa.Text)
    sold_units: Mapped[int | None] = mapped_column(sa.BigInteger)
    sale_price: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    waived_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    waived_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    waive_reason: Mapped[str | None] = mapped_column(sa.Text)


class StorageChargeLine(Base):
    """The part of a charge for one metal at one rate and allowance. Never changes."""

    __tablename__ = "storage_charge_lines"
    __table_args__ = (
        sa.CheckConstraint(_METAL_KNOWN, name="storage_line_metal_known"),
        sa.CheckConstraint(
            "days > 0 AND ounce_days_units > 0 AND value_days > 0 AND rate_percent >= 0"
            " AND allowance_units >= 0 AND fee_units >= 0",
            name="storage_line_in_bounds",
        ),
    )

    charge_id: Mapped[UUID] = mapped_column(sa.ForeignKey("storage_charges.id"), primary_key=True)
    position: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True)
    metal: Mapped[Metal] = mapped_column(StoredEnum(Metal))
    days: Mapped[int] = mapped_column(sa.SmallInteger)
    ounce_days_units: Mapped[Decimal] = mapped_column(sa.Numeric)
    allowance_units: Mapped[int] = mapped_column(sa.BigInteger)
    rate_percent: Mapped[Decimal] = mapped_column(sa.Numeric)
    value_days: Mapped[Decimal] = mapped_column(sa.Numeric)
    fee_units: Mapped[int] = mapped_column(sa.BigInteger)
