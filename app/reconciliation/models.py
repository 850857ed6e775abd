"""Tables of reconciliation."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base

Instant = sa.DateTime(timezone=True)


class ReconciliationRow(Base):
    """One comparison of our books with one source. Each difference is a case of its own."""

    __tablename__ = "reconciliations"
    __table_args__ = (
        sa.CheckConstraint(
            "compared >= 0 AND healed >= 0 AND differences >= 0", name="counts_of_comparison"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(sa.Text)
    since: Mapped[datetime] = mapped_column(Instant)
    began_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime] = mapped_column(Instant)
    compared: Mapped[int] = mapped_column(sa.Integer)
    #: Items that we had missed and have booked since.
    healed: Mapped[int] = mapped_column(sa.Integer)
    differences: Mapped[int] = mapped_column(sa.Integer)
    failure: Mapped[str | None] = mapped_column(sa.Text)
