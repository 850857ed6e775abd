"""Tables of pricing."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base

_METAL_KNOWN = "metal IN ('AU', 'AG', 'PT', 'PD', 'CU', 'PAXG')"
_INSTANT = sa.DateTime(timezone=True)


class Tick(Base):
    """The price of one metal from one source at one instant, unchanged. Append-only.

    The primary key makes recording the same observation twice harmless, and finds the ticks of one
    metal over a span of time.
    """

    __tablename__ = "ticks"
    __table_args__ = (
        sa.CheckConstraint(_METAL_KNOWN, name="metal_known"),
        # NaN sorts above infinity, so it is refused too.
        sa.CheckConstraint(
            "0 < coalesce(bid, mid) AND coalesce(bid, mid) <= mid "
            "AND mid <= coalesce(ask, mid) AND coalesce(ask, mid) < 'Infinity'",
            name="tick_in_order",
        ),
    )

    metal: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    #: The time of the price according to the source.
    observed_at: Mapped[datetime] = mapped_column(_INSTANT, primary_key=True)
    source: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    bid: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    ask: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    mid: Mapped[Decimal] = mapped_column(sa.Numeric)
    #: When we received it.
    received_at: Mapped[datetime] = mapped_column(_INSTANT)


class MarketPriceRow(Base):
    """The one price of a metal that orders use."""

    __tablename__ = "market_prices"
    __table_args__ = (
        sa.CheckConstraint(_METAL_KNOWN, name="metal_known"),
        sa.CheckConstraint(
            "0 < bid AND bid <= mid AND mid <= ask AND ask < 'Infinity'", name="price_in_order"
        ),
        sa.CheckConstraint("halted = (halted_reason IS NOT NULL)", name="reason_if_halted"),
        sa.CheckConstraint(
            "num_nulls(doubted_mid, doubted_as_of, doubted_ticks) IN (0, 3)", name="doubt_is_whole"
        ),
    )

    metal: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    bid: Mapped[Decimal] = mapped_column(sa.Numeric(18, 6))
    ask: Mapped[Decimal] = mapped_column(sa.Numeric(18, 6))
    mid: Mapped[Decimal] = mapped_column(sa.Numeric(18, 6))
    as_of: Mapped[datetime] = mapped_column(_INSTANT)
    #: Until when orders may use it.
    fresh_until: Mapped[datetime] = mapped_column(_INSTANT)
    #: A feed's name, or `median(a,b)`.
    source: Mapped[str] = mapped_column(sa.Text)
    halted: Mapped[bool] = mapped_column(server_default=sa.false())
    halted_reason: Mapped[str | None] = mapped_column(sa.Text)
    #: A jump that awaits confirmation (rules.unconfirmed_jump).
    doubted_mid: Mapped[Decimal | None] = mapped_column(sa.Numeric(18, 6))
    doubted_as_of: Mapped[datetime | None] = mapped_column(_INSTANT)
    doubted_ticks: Mapped[int | None] = mapped_column(sa.SmallInteger)
    updated_at: Mapped[datetime] = mapped_column(_INSTANT)


class SourcePrice(Base):
    """What a source last reported of a metal, and since when it reports the same."""

    __tablename__ = "source_prices"
    __table_args__ = (
        sa.CheckConstraint(_METAL_KNOWN, name="metal_known"),
        sa.CheckConstraint("unchanged_since <= observed_at", name="unchanged_until_observed"),
    )

    metal: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    source: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    bid: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    ask: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    mid: Mapped[Decimal] = mapped_column(sa.Numeric)
    observed_at: Mapped[datetime] = mapped_column(_INSTANT)
    unchanged_since: Mapped[datetime] = mapped_column(_INSTANT)
