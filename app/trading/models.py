"""Tables of trading. Amounts are minor units of the asset in the column beside them."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base

_AMOUNTS_POSITIVE = "given_units > 0 AND received_units > 0 AND fee_units >= 0 AND price > 0"


class QuoteRow(Base):
    """A conversion priced for one person until it expires, calculated to the last minor unit."""

    __tablename__ = "quotes"
    __table_args__ = (
        sa.CheckConstraint("from_asset <> to_asset", name="quote_sides_differ"),
        sa.CheckConstraint(_AMOUNTS_POSITIVE, name="quote_amounts_positive"),
        sa.CheckConstraint("expires_at > quoted_at", name="quote_expires_later"),
        sa.Index("quotes_expires_at_idx", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    from_asset: Mapped[str] = mapped_column(sa.Text)
    to_asset: Mapped[str] = mapped_column(sa.Text)
    given_units: Mapped[int] = mapped_column(sa.BigInteger)
    received_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: USD per troy ounce, or the from-metal in ounces of the to-metal.
    price: Mapped[Decimal] = mapped_column(sa.Numeric)
    #: Fee, spread and rounding are in this asset, one of the two sides.
    fee_asset: Mapped[str] = mapped_column(sa.Text)
    fee_units: Mapped[int] = mapped_column(sa.BigInteger)
    spread_units: Mapped[int] = mapped_column(sa.BigInteger)
    rounding_units: Mapped[int] = mapped_column(sa.BigInteger)
    quoted_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


#: The condition of the index that finds exchanges of PAXG and XAU-s.
EXCHANGES_GOLD = sa.text("from_asset IN ('PAXG', 'XAU-s') AND to_asset IN ('PAXG', 'XAU-s')")


class OrderRow(Base):
    """A filled conversion. Its public id is the reference of its ledger entry."""

    __tablename__ = "orders"
    __table_args__ = (
        sa.CheckConstraint("from_asset <> to_asset", name="order_sides_differ"),
        sa.CheckConstraint(_AMOUNTS_POSITIVE, name="order_amounts_positive"),
        sa.Index("orders_user_id_id_idx", "user_id", "id"),
        sa.Index("orders_exchanges_idx", "user_id", "executed_at", postgresql_where=EXCHANGES_GOLD),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    quote_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("quotes.id"), unique=True)
    from_asset: Mapped[str] = mapped_column(sa.Text)
    to_asset: Mapped[str] = mapped_column(sa.Text)
    given_units: Mapped[int] = mapped_column(sa.BigInteger)
    received_units: Mapped[int] = mapped_column(sa.BigInteger)
    price: Mapped[Decimal] = mapped_column(sa.Numeric)
    fee_asset: Mapped[str] = mapped_column(sa.Text)
    fee_units: Mapped[int] = mapped_column(sa.BigInteger)
    executed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
