"""Tables of the books: which periods are closed, and which entries adjust them."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base

_INSTANT = sa.DateTime(timezone=True)


class BookClosing(Base):
    """That everything before `ends_at` is closed, until the closing is reopened. The database
    refuses entries with such a date, unless they are adjusting entries."""

    __tablename__ = "book_closings"
    __table_args__ = (
        sa.CheckConstraint(
            "(reopening_id IS NULL) = (reopened_at IS NULL)", name="reopening_is_whole"
        ),
        sa.Index(
            "book_closings_in_force_idx",
            "ends_at",
            unique=True,
            postgresql_where=sa.text("reopened_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime] = mapped_column(_INSTANT)
    #: The request by which it was closed: its maker, its checker and the reason.
    approval_id: Mapped[UUID] = mapped_column(sa.ForeignKey("approvals.id"), unique=True)
    closed_at: Mapped[datetime] = mapped_column(_INSTANT)
    reopening_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("approvals.id"))
    reopened_at: Mapped[datetime | None] = mapped_column(_INSTANT)


class AdjustingEntry(Base):
    """That the entry with this reference adjusts the books, and who decided it."""

    __tablename__ = "adjusting_entries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(sa.Text, unique=True)
    approval_id: Mapped[UUID] = mapped_column(sa.ForeignKey("approvals.id"), unique=True)
    posted_at: Mapped[datetime] = mapped_column(_INSTANT)
    recorded_at: Mapped[datetime] = mapped_column(_INSTANT)
