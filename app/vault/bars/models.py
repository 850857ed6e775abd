"""Tables of bars."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.vault.bars.rules import BarState


class Bar(Base):
    """A bar with a serial number, by the lot of one unit that it is. Its state and place change.

    Weights are in 10^-8 troy ounces.
    """

    __tablename__ = "bars"
    __table_args__ = (
        sa.CheckConstraint(
            "state IN ('available', 'quarantine', 'in_transit', 'allocated', 'picked',"
            " 'shipped', 'delivered', 'written_off', 'returned')",
            name="bar_state_known",
        ),
        sa.CheckConstraint(
            "(owner_id IS NOT NULL) = (state IN ('allocated', 'picked', 'shipped', 'delivered'))",
            name="sold_bar_has_an_owner",
        ),
        sa.CheckConstraint("length(refiner) BETWEEN 1 AND 100", name="refiner_has_a_length"),
        sa.CheckConstraint("serial ~ '^[A-Z0-9][A-Z0-9 ./-]{0,29}$'", name="serial_is_short"),
        sa.CheckConstraint("year BETWEEN 1800 AND 2100", name="bar_year_has_four_digits"),
        sa.CheckConstraint("fineness > 0 AND fineness < 1", name="bar_fineness_is_a_share"),
        sa.CheckConstraint(
            "fine_units > 0 AND fine_units <= gross_units", name="bar_fine_is_a_part"
        ),
        sa.CheckConstraint(
            "length(assay_reference) BETWEEN 1 AND 100", name="assay_reference_has_a_length"
        ),
        sa.Index(
            "bars_serial_key",
            sa.text("lower(refiner)"),
            "serial",
            unique=True,
            postgresql_where=sa.text("state NOT IN ('delivered', 'written_off', 'returned')"),
        ),
        sa.Index("bars_sku_idx", "sku", "location_id", "lot_id"),
        sa.Index("bars_serial_idx", "serial", "lot_id"),
        sa.Index(
            "bars_search_idx",
            "serial",
            postgresql_using="gin",
            postgresql_ops={"serial": "gin_trgm_ops"},
        ),
        sa.Index("bars_owner_id_idx", "owner_id", postgresql_where=sa.text("owner_id IS NOT NULL")),
    )

    lot_id: Mapped[UUID] = mapped_column(sa.ForeignKey("lots.id"), primary_key=True)
    sku: Mapped[str] = mapped_column(sa.ForeignKey("products.sku"))
    #: The brand that is stamped on it.
    refiner: Mapped[str] = mapped_column(sa.Text)
    serial: Mapped[str] = mapped_column(sa.Text)
    #: Of its making, if it is stamped on the bar.
    year: Mapped[int | None] = mapped_column(sa.SmallInteger)
    gross_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: Four significant figures.
    fineness: Mapped[Decimal] = mapped_column(sa.Numeric(4, 4))
    fine_units: Mapped[int] = mapped_column(sa.BigInteger)
    assay_reference: Mapped[str | None] = mapped_column(sa.Text)
    #: Where it is, or was last.
    location_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"))
    state: Mapped[BarState] = mapped_column(StoredEnum(BarState))
    #: The hold that reserves it, as long as that is pending.
    hold_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("holds.id"))
    #: The customer who bought it.
    owner_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))


class BarStateChange(Base):
    """A state that a bar came to. Never changes."""

    __tablename__ = "bar_states"
    __table_args__ = (
        sa.CheckConstraint(
            "state IN ('available', 'quarantine', 'in_transit', 'allocated', 'picked',"
            " 'shipped', 'delivered', 'written_off', 'returned')",
            name="bar_came_to_a_known_state",
        ),
    )

    lot_id: Mapped[UUID] = mapped_column(sa.ForeignKey("bars.lot_id"), primary_key=True)
    #: The reference of the ledger's entry that moved the unit, or of an act that left it there.
    reference: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    location_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"))
    state: Mapped[BarState] = mapped_column(StoredEnum(BarState))
    reached_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
