"""Tables of counts."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.vault.counts.rules import CountStatus

_UNDERWAY = "status IN ('counting', 'variance')"


class StockCount(Base):
    """A count of a location, or of some products there."""

    __tablename__ = "counts"
    __table_args__ = (
        sa.CheckConstraint(
            "status IN ('counting', 'agreed', 'variance', 'booked', 'dismissed', 'cancelled')",
            name="count_status_known",
        ),
        sa.CheckConstraint(
            "(ended_at IS NOT NULL) = (status NOT IN ('counting', 'variance'))",
            name="count_end_has_time",
        ),
        sa.CheckConstraint(
            "(submitted_at IS NULL) = (submitted_by IS NULL)", name="count_submitted_by_person"
        ),
        sa.CheckConstraint(
            "(submitted_at IS NULL) = (status IN ('counting', 'cancelled'))",
            name="count_submitted_has_time",
        ),
        sa.Index(
            "counts_one_underway_key",
            "location_id",
            unique=True,
            postgresql_where=sa.text(_UNDERWAY),
        ),
        sa.Index("counts_location_id_idx", "location_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    location_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"))
    #: The products that are to be counted, sorted; empty for all.
    skus: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    status: Mapped[CountStatus] = mapped_column(StoredEnum(CountStatus))
    started_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    started_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    submitted_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    submitted_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class CountLine(Base):
    """The units of a product that were counted, and those that the ledger had then. Never
    changes: the last line of a product is the one that counts."""

    __tablename__ = "count_lines"
    __table_args__ = (
        sa.CheckConstraint("units >= 0", name="counted_units_not_negative"),
        sa.Index("count_lines_count_id_idx", "count_id", "sku", "id"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    count_id: Mapped[UUID] = mapped_column(sa.ForeignKey("counts.id"))
    sku: Mapped[str] = mapped_column(sa.ForeignKey("products.sku"))
    units: Mapped[int] = mapped_column(sa.BigInteger)
    expected_units: Mapped[int] = mapped_column(sa.BigInteger)
    counted_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    counted_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
