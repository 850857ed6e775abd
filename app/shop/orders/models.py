"""Tables of orders of goods. Amounts are cents, units of metal 10^-8 troy ounces."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.tax_classes import TaxClass
from app.keys.registry import Sealed
from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.shop.orders.rules import CancelReason, HoldReason, OrderPaymentMethod, OrderStatus
from app.tax.assessment import Delivery


class ShopOrder(Base):
    """An order. Its row is locked by those who change it."""

    __tablename__ = "shop_orders"
    __table_args__ = (
        sa.CheckConstraint(
            "status IN ('pending_payment', 'on_hold', 'allocated', 'picking', 'shipped',"
            " 'delivered', 'refunded', 'returned', 'cancelled')",
            name="shop_order_status_known",
        ),
        sa.CheckConstraint(
            "destination IN ('ship', 'pickup', 'vault')", name="shop_order_destination_known"
        ),
        sa.CheckConstraint(
            "(destination = 'ship') = (shipping_sealed IS NOT NULL)",
            name="shipped_order_has_an_address",
        ),
        sa.CheckConstraint(
            "(destination = 'pickup') = (pickup_branch_id IS NOT NULL)",
            name="collected_order_has_a_branch",
        ),
        sa.CheckConstraint(
            "goods_units > 0 AND tax_units >= 0 AND shipping_units >= 0 AND insurance_units >= 0",
            name="shop_order_amounts_not_negative",
        ),
        sa.CheckConstraint(
            "total_units = goods_units + tax_units + shipping_units + insurance_units",
            name="shop_order_total_is_the_sum",
        ),
        sa.CheckConstraint(
            "status IN ('allocated', 'picking', 'shipped', 'delivered') <= (paid_at IS NOT NULL)"
            " AND status IN ('pending_payment', 'on_hold') <= (paid_at IS NULL)",
            name="paid_order_says_when",
        ),
        sa.CheckConstraint(
            "status <> 'pending_payment' OR deposit_id IS NOT NULL",
            name="unpaid_order_waits_for_a_deposit",
        ),
        sa.CheckConstraint(
            "refunded_units >= 0 AND refunded_units <= total_units"
            " AND (refunded_units > 0) <= (paid_at IS NOT NULL)",
            name="refunds_are_of_what_was_paid",
        ),
        sa.CheckConstraint(
            "status <> 'on_hold' OR held_at IS NOT NULL", name="held_order_says_when"
        ),
        sa.CheckConstraint("held_at IS NULL OR hold_reasons <> '{}'", name="held_order_says_why"),
        sa.CheckConstraint(
            "hold_reasons <@ ARRAY['screening', 'many_orders', 'addresses_differ',"
            " 'first_large_order']",
            name="shop_order_hold_reasons_known",
        ),
        sa.CheckConstraint(
            "(deposit_id IS NULL) = (payment_due_at IS NULL)", name="deposit_of_order_is_due"
        ),
        sa.CheckConstraint(
            "(status = 'cancelled') = (cancelled_at IS NOT NULL)", name="cancelled_order_says_when"
        ),
        sa.CheckConstraint(
            "(status = 'cancelled') = (cancel_reason IS NOT NULL)", name="cancelled_order_says_why"
        ),
        sa.CheckConstraint(
            "cancel_reason IN ('customer', 'staff', 'payment_failed', 'payment_cancelled',"
            " 'payment_late', 'money_short', 'goods_gone', 'rejected',"
            " 'review_late')",
            name="shop_order_cancel_reason_known",
        ),
        sa.Index("shop_orders_user_id_id_idx", "user_id", "id"),
        sa.Index("shop_orders_pickup_branch_id_idx", "pickup_branch_id"),
        sa.Index("shop_orders_placed_at_idx", "placed_at", "id"),
        sa.Index("shop_orders_status_placed_at_idx", "status", "placed_at", "id"),
        sa.Index(
            "shop_orders_waiting_idx",
            "user_id",
            "id",
            postgresql_where=sa.text("status IN ('pending_payment', 'on_hold')"),
        ),
        sa.Index(
            "shop_orders_to_ship_idx",
            "id",
            postgresql_where=sa.text("status = 'allocated' AND destination <> 'vault'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: For people.
    number: Mapped[int] = mapped_column(
        sa.BigInteger, sa.Identity(always=True, start=10_000_001), unique=True
    )
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    #: The prices that were promised, each used once.
    lock_id: Mapped[UUID] = mapped_column(sa.ForeignKey("price_locks.id"), unique=True)
    status: Mapped[OrderStatus] = mapped_column(StoredEnum(OrderStatus))
    #: Whether some of its shipments have left and others have not.
    partially_shipped: Mapped[bool] = mapped_column(server_default=sa.false())
    destination: Mapped[Delivery] = mapped_column(StoredEnum(Delivery))
    pickup_branch_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("branches.id"))
    #: Where it is shipped to, and the address of the invoice where that is another one.
    shipping_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    billing_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    goods_units: Mapped[int] = mapped_column(sa.BigInteger)
    tax_units: Mapped[int] = mapped_column(sa.BigInteger)
    shipping_units: Mapped[int] = mapped_column(sa.BigInteger)
    insurance_units: Mapped[int] = mapped_column(sa.BigInteger)
    total_units: Mapped[int] = mapped_column(sa.BigInteger)
    placed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    paid_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: The deposit that pays for a part, and until when it has to come; null if all was paid at
    #: once.
    deposit_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("deposits.id"), unique=True)
    payment_due_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: Why staff look at it before its goods are sold, and since when they do or did; empty and null
    #: of an order that no rule stops.
    hold_reasons: Mapped[list[HoldReason]] = mapped_column(
        ARRAY(StoredEnum(HoldReason)), server_default=sa.text("'{}'::text[]")
    )
    held_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: What was given back, in cents.
    refunded_units: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))
    #: When its customer was reminded of the transfer that it waits for, or staff of their review.
    reminded_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    cancelled_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    cancel_reason: Mapped[CancelReason | None] = mapped_column(StoredEnum(CancelReason))


class ShopOrderLine(Base):
    """Units of a product in an order, at the price that was promised. Never changes."""

    __tablename__ = "shop_order_lines"
    __table_args__ = (
        sa.CheckConstraint("quantity > 0", name="shop_order_line_has_units"),
        sa.CheckConstraint(
            "price_units = unit_price_units * quantity AND tax_units >= 0",
            name="shop_order_line_price_is_the_product",
        ),
    )

    order_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shop_orders.id"), primary_key=True)
    position: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    sku: Mapped[str] = mapped_column(sa.ForeignKey("products.sku"))
    quantity: Mapped[int] = mapped_column(sa.BigInteger)
    unit_price_units: Mapped[int] = mapped_column(sa.BigInteger)
    price_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: The price of the metal that was promised, in US dollars per troy ounce.
    spot: Mapped[Decimal] = mapped_column(sa.Numeric)
    #: That of the product at the time of the sale.
    tax_class: Mapped[TaxClass] = mapped_column(StoredEnum(TaxClass))
    tax_units: Mapped[int] = mapped_column(sa.BigInteger)
    tax_reason: Mapped[str] = mapped_column(sa.Text)


class ShopOrderPart(Base):
    """Units of a line at one location, or one bar. What was and is being returned of them changes,
    the bar, if it was exchanged, and the place whose tax it is, if they are sent elsewhere."""

    __tablename__ = "shop_order_parts"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["order_id", "line_position"],
            ["shop_order_lines.order_id", "shop_order_lines.position"],
        ),
        sa.CheckConstraint("units > 0", name="shop_order_part_has_units"),
        sa.CheckConstraint("returned_units BETWEEN 0 AND units", name="returned_units_were_sold"),
        sa.CheckConstraint(
            "returning_units BETWEEN 0 AND units - returned_units",
            name="returning_units_are_not_refunded",
        ),
        sa.Index("shop_order_parts_location_id_idx", "location_id"),
    )

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    line_position: Mapped[int] = mapped_column(sa.Integer)
    location_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"))
    units: Mapped[int] = mapped_column(sa.BigInteger)
    #: Units whose price was given back.
    returned_units: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))
    #: Units that a return claims, which has not ended: nothing else refunds them.
    returning_units: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))
    price_units: Mapped[int] = mapped_column(sa.BigInteger)
    tax_units: Mapped[int] = mapped_column(sa.BigInteger)
    hold_id: Mapped[UUID]
    #: Of a product with serials: the bar.
    lot_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("lots.id"))
    #: The place whose sales tax it is.
    tax_country: Mapped[str] = mapped_column(sa.Text)
    tax_state: Mapped[str | None] = mapped_column(sa.Text)
    tax_postal_code: Mapped[str] = mapped_column(sa.Text)


class ShopOrderPayment(Base):
    """What pays for a part of an order."""

    __tablename__ = "shop_order_payments"
    __table_args__ = (
        sa.CheckConstraint(
            "method IN ('balance', 'metal', 'card', 'bank_transfer')",
            name="shop_payment_method_known",
        ),
        sa.CheckConstraint("units > 0 AND usd_units > 0", name="shop_payment_pays_something"),
        sa.CheckConstraint("(method = 'metal') = (bid IS NOT NULL)", name="metal_is_sold_at_a_bid"),
    )

    order_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shop_orders.id"), primary_key=True)
    position: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    method: Mapped[OrderPaymentMethod] = mapped_column(StoredEnum(OrderPaymentMethod))
    asset: Mapped[str] = mapped_column(sa.Text)
    #: Minor units of the asset, and what they pay, in cents.
    units: Mapped[int] = mapped_column(sa.BigInteger)
    usd_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: In US dollars per troy ounce.
    bid: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    spread_units: Mapped[int] = mapped_column(sa.BigInteger)
    rounding_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: What keeps it available until the order is paid; null of what is paid at once or later.
    hold_id: Mapped[UUID | None]


class ShopOrderNote(Base):
    """A note of staff on an order, for its customer too or not. Never changes."""

    __tablename__ = "shop_order_notes"
    __table_args__ = (sa.Index("shop_order_notes_order_id_id_idx", "order_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shop_orders.id"))
    actor_id: Mapped[UUID]
    is_for_customer: Mapped[bool]
    text_sealed: Mapped[bytes] = mapped_column(Sealed)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class ShopOrderEvent(Base):
    """A change of an order's status, with the actor and the evidence. Never changes."""

    __tablename__ = "shop_order_events"
    __table_args__ = (sa.Index("shop_order_events_order_id_id_idx", "order_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shop_orders.id"))
    from_status: Mapped[OrderStatus | None] = mapped_column(StoredEnum(OrderStatus))
    to_status: Mapped[OrderStatus] = mapped_column(StoredEnum(OrderStatus))
    actor_id: Mapped[UUID | None]
    evidence: Mapped[str | None] = mapped_column(sa.Text)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
