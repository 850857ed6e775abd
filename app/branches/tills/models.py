"""Tables of tills."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.branches.rules import HEAD_OFFICE
from app.kit.db import Base


class Till(Base):
    """A till of a branch."""

    __tablename__ = "tills"
    __table_args__ = (
        sa.CheckConstraint("code ~ '^[A-Z][A-Z0-9]{1,11}$'", name="till_code_is_short"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="till_name_has_a_length"),
        sa.CheckConstraint(f"branch_id <> '{HEAD_OFFICE}'", name="till_is_not_at_head_office"),
        sa.Index(
            "tills_open_code_key",
            "branch_id",
            "code",
            unique=True,
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    branch_id: Mapped[UUID] = mapped_column(sa.ForeignKey("branches.id"))
    code: Mapped[str] = mapped_column(sa.Text)
    name: Mapped[str] = mapped_column(sa.Text)
    opened_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
