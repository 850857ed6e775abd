"""Tables of suppliers."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class Supplier(Base):
    """A company that sells goods to us. One with a provider takes orders by its API; a person
    orders from the others."""

    __tablename__ = "suppliers"
    __table_args__ = (
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="supplier_name_has_a_length"),
        sa.CheckConstraint("provider IN ('fiztrade')", name="supplier_provider_known"),
        sa.CheckConstraint("payment_days BETWEEN 0 AND 180", name="supplier_is_paid_in_time"),
        sa.CheckConstraint("lead_days BETWEEN 0 AND 365", name="supplier_delivers_in_time"),
        sa.CheckConstraint("minimum_usd >= 0", name="supplier_minimum_not_negative"),
        sa.Index("suppliers_name_key", sa.text("lower(name)"), unique=True),
        sa.Index("suppliers_provider_key", "provider", unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.Text)
    #: Where orders are sent; may be empty.
    email: Mapped[str] = mapped_column(sa.Text)
    provider: Mapped[str | None] = mapped_column(sa.Text)
    #: Invoices are due so many days after their date.
    payment_days: Mapped[int]
    #: Goods arrive so many days after the order.
    lead_days: Mapped[int]
    #: Cents: smaller orders are not taken.
    minimum_usd: Mapped[int] = mapped_column(sa.BigInteger)
    is_active: Mapped[bool]
    added_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class SupplierProduct(Base):
    """A product that is bought from a supplier, under the supplier's code."""

    __tablename__ = "supplier_products"
    __table_args__ = (
        sa.CheckConstraint("length(code) BETWEEN 1 AND 100", name="supplier_code_has_a_length"),
        sa.UniqueConstraint("supplier_id", "code", name="supplier_products_code_key"),
    )

    sku: Mapped[str] = mapped_column(sa.ForeignKey("products.sku"), primary_key=True)
    supplier_id: Mapped[UUID] = mapped_column(sa.ForeignKey("suppliers.id"))
    code: Mapped[str] = mapped_column(sa.Text)
