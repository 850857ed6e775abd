"""The table of needs."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.fulfillment.restock.needs.rules import NeedStatus
from app.kit.db import Base
from app.kit.statements import StoredEnum


class RestockNeed(Base):
    """That a location lacks units of a product, and what that was concluded from."""

    __tablename__ = "restock_needs"
    __table_args__ = (
        sa.CheckConstraint(
            "status IN ('open', 'ordered', 'sent', 'closed')", name="need_status_known"
        ),
        sa.CheckConstraint("units > 0", name="need_has_units"),
        sa.CheckConstraint("(status = 'open') = (ended_at IS NULL)", name="open_need_has_no_end"),
        sa.Index(
            "restock_needs_one_open_key",
            "sku",
            "location_id",
            unique=True,
            postgresql_where=sa.text("status = 'open'"),
        ),
        sa.Index("restock_needs_location_id_idx", "location_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(sa.ForeignKey("products.sku"))
    location_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"))
    status: Mapped[NeedStatus] = mapped_column(StoredEnum(NeedStatus))
    units: Mapped[int] = mapped_column(sa.BigInteger)
    #: What there was: units for sale, units on their way here, and units sold lately.
    available: Mapped[int] = mapped_column(sa.BigInteger)
    on_order: Mapped[int] = mapped_column(sa.BigInteger)
    sold: Mapped[int] = mapped_column(sa.BigInteger)
    #: The most that the shelf takes; null without a limit.
    fill_to: Mapped[int | None] = mapped_column(sa.BigInteger)
    opened_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
