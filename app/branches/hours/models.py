"""Tables of opening hours."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class BranchDay(Base):
    """A day on which a branch has other hours, such as a holiday."""

    __tablename__ = "branch_days"
    __table_args__ = (
        sa.CheckConstraint("length(note) BETWEEN 1 AND 100", name="branch_day_note_has_a_length"),
    )

    branch_id: Mapped[UUID] = mapped_column(sa.ForeignKey("branches.id"), primary_key=True)
    day: Mapped[date] = mapped_column(sa.Date, primary_key=True)
    #: As `hours.rules` writes them; empty if it is closed.
    hours: Mapped[str] = mapped_column(sa.Text)
    note: Mapped[str] = mapped_column(sa.Text)
