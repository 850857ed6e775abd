"""Tables of quotes of redemptions. Metal is in 10^-8 troy ounces, money in cents."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.products.rules import ProductForm
from app.flags.rules import FulfilmentStrategy
from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.tax.assessment import Delivery


class RedemptionQuoteRow(Base):
    """What a redemption costs at one moment, kept for a person until it expires."""

    __tablename__ = "redemption_quotes"
    __table_args__ = (
        sa.CheckConstraint("destination IN ('ship', 'pickup')", name="quoted_destination_known"),
        sa.CheckConstraint(
            "(destination = 'ship') = (country IS NOT NULL)", name="quoted_shipping_has_a_country"
        ),
        sa.CheckConstraint(
            "(destination = 'pickup') = (pickup_branch_id IS NOT NULL)",
            name="quoted_pickup_has_a_branch",
        ),
        sa.CheckConstraint(
            "0 < amount_units AND amount_units <= goods_ounces_units",
            name="pieces_cover_the_amount",
        ),
        sa.CheckConstraint("0 < bid AND bid <= ask", name="redemption_prices_in_order"),
        sa.CheckConstraint(
            "fee_units >= 0 AND shipping_units >= 0 AND insurance_units >= 0 AND top_up_units >= 0",
            name="redemption_costs_not_negative",
        ),
        sa.CheckConstraint(
            "total_units = fee_units + shipping_units + insurance_units + top_up_units",
            name="redemption_total_is_the_sum",
        ),
        sa.CheckConstraint("expires_at > quoted_at", name="redemption_quote_expires_later"),
        sa.CheckConstraint("strategy IN ('JM', 'BRINKS')", name="quoted_strategy_known"),
        sa.Index("redemption_quotes_expires_at_idx", "expires_at"),
        sa.Index("redemption_quotes_user_id_idx", "user_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    asset: Mapped[str] = mapped_column(sa.Text)
    amount_units: Mapped[int] = mapped_column(sa.BigInteger)
    form: Mapped[ProductForm] = mapped_column(StoredEnum(ProductForm))
    destination: Mapped[Delivery] = mapped_column(StoredEnum(Delivery))
    country: Mapped[str | None] = mapped_column(sa.Text)
    pickup_branch_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("branches.id"))
    bid: Mapped[Decimal] = mapped_column(sa.Numeric(18, 6))
    ask: Mapped[Decimal] = mapped_column(sa.Numeric(18, 6))
    mid: Mapped[Decimal] = mapped_column(sa.Numeric(18, 6))
    #: What the pieces weigh, and what amount and pieces are worth at mid.
    goods_ounces_units: Mapped[int] = mapped_column(sa.BigInteger)
    value_units: Mapped[int] = mapped_column(sa.BigInteger)
    goods_value_units: Mapped[int] = mapped_column(sa.BigInteger)
    fee_units: Mapped[int] = mapped_column(sa.BigInteger)
    shipping_units: Mapped[int] = mapped_column(sa.BigInteger)
    insurance_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: What the ounces cost that the pieces weigh more, with spread and rounding among it.
    top_up_units: Mapped[int] = mapped_column(sa.BigInteger)
    top_up_spread_units: Mapped[int] = mapped_column(sa.BigInteger)
    top_up_rounding_units: Mapped[int] = mapped_column(sa.BigInteger)
    total_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: The further metal that pays the total if it is sold, with what is kept of it in dollars.
    metal_units: Mapped[int] = mapped_column(sa.BigInteger)
    metal_spread_units: Mapped[int] = mapped_column(sa.BigInteger)
    metal_rounding_units: Mapped[int] = mapped_column(sa.BigInteger)
    quoted_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    #: Who sends the pieces, if they are sent, and why.
    strategy: Mapped[FulfilmentStrategy] = mapped_column(StoredEnum(FulfilmentStrategy))
    strategy_reason: Mapped[str] = mapped_column(sa.Text)


class RedemptionQuoteItem(Base):
    """Pieces of one product in a quote; one bar of a product with serials. Never changes."""

    __tablename__ = "redemption_quote_items"
    __table_args__ = (
        sa.CheckConstraint("quantity > 0 AND ounces_units > 0", name="quoted_pieces_weigh"),
        sa.CheckConstraint("lot_id IS NULL OR quantity = 1", name="quoted_bar_is_one_unit"),
    )

    quote_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("redemption_quotes.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True)
    sku: Mapped[str] = mapped_column(sa.ForeignKey("products.sku"))
    quantity: Mapped[int]
    #: The accounted ounces of one piece.
    ounces_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: The bar, of a product with serials.
    lot_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("bars.lot_id"))
