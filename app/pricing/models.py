"""Tables of pricing."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.pricing.rules import HaltReason

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
    #: A jump that awaits confirmation (rules.unconfirmed_jump).
    doubted_mid: Mapped[Decimal | None] = mapped_column(sa.Numeric(18, 6))
    doubted_as_of: Mapped[datetime | None] = mapped_column(_INSTANT)
    doubted_ticks: Mapped[int | None] = mapped_column(sa.SmallInteger)
    updated_at: Mapped[datetime] = mapped_column(_INSTANT)


class AcceptedPrice(Base):
    """What the market price of a metal was from an instant on. Append-only: a statement of the past
    is valued as it was."""

    __tablename__ = "accepted_prices"
    __table_args__ = (
        sa.CheckConstraint(_METAL_KNOWN, name="metal_known"),
        sa.CheckConstraint("mid > 0", name="accepted_mid_positive"),
    )

    metal: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    as_of: Mapped[datetime] = mapped_column(_INSTANT, primary_key=True)
    mid: Mapped[Decimal] = mapped_column(sa.Numeric(18, 6))


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


class MarketHalt(Base):
    """A halt of a market by staff, and its end."""

    __tablename__ = "market_halts"
    __table_args__ = (
        sa.CheckConstraint(
            "asset IN ('AU', 'AG', 'PT', 'PD', 'CU', 'PAXG', 'USDC')", name="asset_known"
        ),
        sa.CheckConstraint(
            "reason IN ('prices', 'provider', 'event', 'maintenance', 'legal', 'other')",
            name="halt_reason_known",
        ),
        sa.CheckConstraint(
            "(lifted_at IS NULL) = (lifted_note IS NULL) AND lifted_at >= halted_at "
            "AND (lifted_by IS NULL OR lifted_at IS NOT NULL)",
            name="lift_is_whole",
        ),
        sa.Index(
            "market_halts_asset_idx",
            "asset",
            unique=True,
            postgresql_where=sa.text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: A metal, or a token with a price of its own.
    asset: Mapped[str] = mapped_column(sa.Text)
    reason: Mapped[HaltReason] = mapped_column(StoredEnum(HaltReason))
    note: Mapped[str] = mapped_column(sa.Text)
    halted_at: Mapped[datetime] = mapped_column(_INSTANT)
    #: Null for the command line.
    halted_by: Mapped[UUID | None]
    lifted_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    lifted_by: Mapped[UUID | None]
    lifted_note: Mapped[str | None] = mapped_column(sa.Text)
