"""Tables of purchase orders. Money is in cents."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.fulfillment.restock.purchase_orders.rules import PurchaseStatus
from app.kit.db import Base
from app.kit.statements import StoredEnum


class PurchaseOrder(Base):
    """An order to a supplier for one location. Its row is locked by those who change it."""

    __tablename__ = "purchase_orders"
    __table_args__ = (
        sa.CheckConstraint(
            "status IN ('planned', 'held', 'locked', 'executing', 'ordered', 'shipped',"
            " 'part_received', 'received', 'closed', 'cancelled', 'failed')",
            name="purchase_order_status_known",
        ),
        sa.CheckConstraint("estimate_usd > 0", name="purchase_estimate_positive"),
        sa.CheckConstraint(
            "status NOT IN ('locked', 'executing')"
            " OR (lock_token IS NOT NULL AND lock_ends_at IS NOT NULL)",
            name="locked_purchase_has_a_lock",
        ),
        sa.CheckConstraint(
            "(status IN ('ordered', 'shipped', 'part_received', 'received', 'closed'))"
            " = (ordered_at IS NOT NULL AND confirmation IS NOT NULL)",
            name="ordered_purchase_is_confirmed",
        ),
        sa.CheckConstraint(
            "(status IN ('received', 'closed', 'cancelled', 'failed')) = (ended_at IS NOT NULL)",
            name="ended_purchase_says_when",
        ),
        sa.Index("purchase_orders_confirmation_key", "supplier_id", "confirmation", unique=True),
        sa.Index(
            "purchase_orders_due_idx", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")
        ),
        sa.Index("purchase_orders_location_id_idx", "location_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: For people and for the supplier.
    number: Mapped[int] = mapped_column(
        sa.BigInteger, sa.Identity(always=True, start=70_000_001), unique=True
    )
    supplier_id: Mapped[UUID] = mapped_column(sa.ForeignKey("suppliers.id"))
    location_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"))
    status: Mapped[PurchaseStatus] = mapped_column(StoredEnum(PurchaseStatus))
    #: Null if it was planned automatically.
    requested_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    #: What it may cost: its metal at the market with a margin for premiums, when it was planned.
    estimate_usd: Mapped[int] = mapped_column(sa.BigInteger)
    #: What two people agreed that it may cost.
    approved_usd: Mapped[int | None] = mapped_column(sa.BigInteger)
    lock_token: Mapped[str | None] = mapped_column(sa.Text)
    lock_ends_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: The supplier's number of it.
    confirmation: Mapped[str | None] = mapped_column(sa.Text)
    ordered_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    expected_on: Mapped[date | None]
    #: The carriers' numbers of what is on its way.
    tracking: Mapped[str] = mapped_column(sa.Text)
    #: Why the supplier did not take it.
    failure: Mapped[str] = mapped_column(sa.Text)
    #: When its job runs next; null for orders that wait for a person.
    due_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    planned_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class PurchaseOrderLine(Base):
    """Units of one product in a purchase order, which fill one need."""

    __tablename__ = "purchase_order_lines"
    __table_args__ = (
        sa.UniqueConstraint("need_id", name="need_is_ordered_once"),
        sa.UniqueConstraint("order_id", "sku", name="purchase_order_lines_sku_key"),
        sa.CheckConstraint("units > 0", name="purchase_line_has_units"),
        sa.CheckConstraint("cost_usd > 0", name="purchase_cost_positive"),
        sa.CheckConstraint("spot > 0", name="purchase_spot_positive"),
        sa.CheckConstraint(
            "(cost_usd IS NULL) = (spot IS NULL)", name="purchase_cost_has_its_spot"
        ),
        sa.CheckConstraint(
            "shipped_units >= 0 AND received_units >= 0", name="arrived_units_not_negative"
        ),
        sa.Index("purchase_order_lines_sku_idx", "sku"),
    )

    order_id: Mapped[UUID] = mapped_column(sa.ForeignKey("purchase_orders.id"), primary_key=True)
    position: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    sku: Mapped[str] = mapped_column(sa.ForeignKey("products.sku"))
    need_id: Mapped[UUID] = mapped_column(sa.ForeignKey("restock_needs.id"))
    #: The supplier's code of the product.
    code: Mapped[str] = mapped_column(sa.Text)
    units: Mapped[int] = mapped_column(sa.BigInteger)
    #: What all units cost as agreed, and the price of the metal in it, per troy ounce.
    cost_usd: Mapped[int | None] = mapped_column(sa.BigInteger)
    spot: Mapped[Decimal | None] = mapped_column(sa.Numeric(20, 6))
    #: How many the supplier says it has sent.
    shipped_units: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))
    #: How many were counted here; more than `units` after an over-delivery.
    received_units: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))


class PurchaseOrderEvent(Base):
    """A status that a purchase order took, with the actor and the evidence. Never changes."""

    __tablename__ = "purchase_order_events"
    __table_args__ = (sa.Index("purchase_order_events_order_id_idx", "order_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(sa.ForeignKey("purchase_orders.id"))
    from_status: Mapped[PurchaseStatus | None] = mapped_column(StoredEnum(PurchaseStatus))
    to_status: Mapped[PurchaseStatus] = mapped_column(StoredEnum(PurchaseStatus))
    actor_id: Mapped[UUID | None]
    evidence: Mapped[str | None] = mapped_column(sa.Text)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
