"""Tables of imports."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.imports.rules import ImportState, RowOutcome
from app.kit.db import Base
from app.kit.statements import StoredEnum

Instant = sa.DateTime(timezone=True)


class ImportRow(Base):
    """A file that was sent to be imported, and what became of it."""

    __tablename__ = "imports"
    __table_args__ = (
        sa.CheckConstraint(
            "state IN ('checking', 'wrong', 'checked', 'applying', 'done', 'failed', 'expired')",
            name="import_state_known",
        ),
        sa.CheckConstraint(
            "(content IS NOT NULL) = (state IN ('checking', 'checked', 'applying'))",
            name="import_content_is_kept_until_it_is_settled",
        ),
        sa.Index("imports_requested_by_idx", "requested_by"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.Text)
    #: The sender's name of the file.
    file_name: Mapped[str] = mapped_column(sa.Text)
    state: Mapped[ImportState] = mapped_column(StoredEnum(ImportState))
    row_count: Mapped[int]
    #: How many rows were checked or written so far.
    progress: Mapped[int]
    added_count: Mapped[int]
    changed_count: Mapped[int]
    same_count: Mapped[int]
    wrong_count: Mapped[int]
    #: Why nothing was imported.
    problem: Mapped[str] = mapped_column(sa.Text)
    #: The file, in UTF-8.
    content: Mapped[bytes | None]
    requested_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    requested_at: Mapped[datetime] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)


class CheckedRow(Base):
    """A row of a file, and what its check found."""

    __tablename__ = "import_rows"
    __table_args__ = (
        sa.CheckConstraint(
            "outcome IN ('added', 'changed', 'same', 'wrong')", name="import_row_outcome_known"
        ),
    )

    import_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True
    )
    #: The line of the file on which it begins.
    line: Mapped[int] = mapped_column(primary_key=True)
    outcome: Mapped[RowOutcome] = mapped_column(StoredEnum(RowOutcome))
    subject: Mapped[str] = mapped_column(sa.Text)
    #: The columns that differ from what is there.
    changes: Mapped[list[str]] = mapped_column(sa.ARRAY(sa.Text))
    #: What is wrong, by column; under an empty name what is wrong with the row.
    problems: Mapped[dict[str, str]] = mapped_column(JSONB)
