"""Tables of refunds of orders. Amounts are cents, units of metal 10^-8 troy ounces."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.shop.refunds.rules import RefundCause, RefundDestination


class ShopRefund(Base):
    """What was given back of a paid order at once. Never changes."""

    __tablename__ = "shop_refunds"
    __table_args__ = (
        sa.CheckConstraint(
            "cause IN ('cancelled', 'reduced', 'refunded', 'returned')",
            name="shop_refund_cause_known",
        ),
        sa.CheckConstraint(
            "goods_units >= 0 AND shipping_units >= 0 AND insurance_units >= 0"
            " AND borne_units >= 0 AND loss_units >= 0 AND fee_units >= 0",
            name="shop_refund_amounts_not_negative",
        ),
        sa.CheckConstraint(
            "total_units = goods_units + tax_units + shipping_units + insurance_units"
            " + borne_units - loss_units - fee_units",
            name="shop_refund_total_is_the_sum",
        ),
        sa.CheckConstraint(
            "total_units >= 0 OR cause = 'cancelled'", name="only_a_cancellation_costs_more"
        ),
        sa.Index("shop_refunds_order_id_idx", "order_id", "id"),
        sa.Index("shop_refunds_user_id_idx", "user_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shop_orders.id"))
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    cause: Mapped[RefundCause] = mapped_column(StoredEnum(RefundCause))
    goods_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: Below zero where what the customer keeps is taxed after all.
    tax_units: Mapped[int] = mapped_column(sa.BigInteger)
    shipping_units: Mapped[int] = mapped_column(sa.BigInteger)
    insurance_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: Of that tax, what PBCEx pays.
    borne_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: What the metal lost, and the fee: of a cancellation.
    loss_units: Mapped[int] = mapped_column(sa.BigInteger)
    fee_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: What goes back; below zero, what the customer owes.
    total_units: Mapped[int] = mapped_column(sa.BigInteger)
    actor_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    reason: Mapped[str | None] = mapped_column(sa.Text)
    refunded_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class ShopRefundPart(Base):
    """Units of a part of an order that came back, and the tax of it that changed. Never changes."""

    __tablename__ = "shop_refund_parts"
    __table_args__ = (
        sa.CheckConstraint("units >= 0 AND price_units >= 0", name="shop_refund_part_returns"),
        sa.CheckConstraint("(units = 0) = (price_units = 0)", name="refunded_units_have_a_price"),
    )

    refund_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shop_refunds.id"), primary_key=True)
    part_position: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    #: Zero of goods that stay, whose tax alone changes.
    units: Mapped[int] = mapped_column(sa.BigInteger)
    price_units: Mapped[int] = mapped_column(sa.BigInteger)
    tax_units: Mapped[int] = mapped_column(sa.BigInteger)


class ShopMarketLoss(Base):
    """What the metal of a line lost from its promised price to a cancellation. Never changes."""

    __tablename__ = "shop_market_losses"
    __table_args__ = (
        sa.CheckConstraint(
            "ounces_units > 0 AND locked > 0 AND offset_price > 0 AND loss_units >= 0",
            name="market_loss_is_of_something",
        ),
        sa.CheckConstraint(
            "loss_units = 0 OR offset_price < locked", name="market_gain_is_no_loss"
        ),
    )

    refund_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shop_refunds.id"), primary_key=True)
    line_position: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    ounces_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: In US dollars per troy ounce.
    locked: Mapped[Decimal] = mapped_column(sa.Numeric)
    offset_price: Mapped[Decimal] = mapped_column(sa.Numeric)
    loss_units: Mapped[int] = mapped_column(sa.BigInteger)


class ShopRefundPayment(Base):
    """What went back of one payment of an order. Never changes."""

    __tablename__ = "shop_refund_payments"
    __table_args__ = (
        sa.CheckConstraint("units > 0", name="shop_refund_payment_gives_something"),
        sa.CheckConstraint(
            "destination IN ('balance', 'card')", name="shop_refund_destination_known"
        ),
    )

    refund_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shop_refunds.id"), primary_key=True)
    payment_position: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    units: Mapped[int] = mapped_column(sa.BigInteger)
    destination: Mapped[RefundDestination] = mapped_column(
        StoredEnum(RefundDestination), primary_key=True
    )
