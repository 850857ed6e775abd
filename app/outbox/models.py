"""Tables of the outbox."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base

Instant = sa.DateTime(timezone=True)


class StagedJob(Base):
    """A job to be done once. It is pending until it is done or dead."""

    __tablename__ = "outbox"
    __table_args__ = (
        sa.CheckConstraint("jsonb_typeof(args) = 'object'", name="args_are_named"),
        sa.CheckConstraint("sends >= 0 AND tries >= 0", name="counts_not_negative"),
        sa.CheckConstraint("(sent_at IS NULL) = (sends = 0)", name="sent_at_if_sent"),
        sa.CheckConstraint("done_at IS NULL OR tries > 0", name="done_only_if_tried"),
        sa.CheckConstraint("dead_at IS NULL OR last_error IS NOT NULL", name="dead_says_why"),
        sa.CheckConstraint("done_at IS NULL OR dead_at IS NULL", name="done_or_dead"),
        sa.Index(
            "outbox_pending_queue_due_at_idx",
            "queue",
            "due_at",
            postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
        ),
        sa.Index(
            "outbox_sent_idx",
            "queue",
            "provider",
            postgresql_where=sa.text(
                "provider IS NOT NULL AND sent_at IS NOT NULL AND done_at IS NULL"
                " AND dead_at IS NULL"
            ),
        ),
        sa.Index(
            "outbox_waiting_args_idx",
            "args",
            postgresql_using="hash",
            postgresql_where=sa.text(
                "provider IS NOT NULL AND sent_at IS NULL AND done_at IS NULL AND dead_at IS NULL"
            ),
        ),
        sa.Index("outbox_done_at_idx", "done_at", postgresql_where=sa.text("done_at IS NOT NULL")),
        sa.Index("outbox_dead_at_idx", "dead_at", postgresql_where=sa.text("dead_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(sa.Text)
    args: Mapped[dict[str, Any]] = mapped_column(JSONB)
    queue: Mapped[str] = mapped_column(sa.Text)
    #: The provider that the job calls, if any: its jobs in flight are limited.
    provider: Mapped[str | None] = mapped_column(sa.Text)
    staged_at: Mapped[datetime] = mapped_column(Instant)
    #: When the relay sends it next. Every sending and every failure postpones it.
    due_at: Mapped[datetime] = mapped_column(Instant)
    #: When it was last sent to a worker; `sends` counts how often. None while it waits, also after
    #: a failure: a job with a value is in flight.
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    sends: Mapped[int] = mapped_column(sa.Integer, server_default=sa.text("0"))
    #: How often a worker started it.
    tries: Mapped[int] = mapped_column(sa.Integer, server_default=sa.text("0"))
    last_error: Mapped[str | None] = mapped_column(sa.Text)
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    dead_at: Mapped[datetime | None] = mapped_column(Instant)


class TimetableEntry(Base):
    """A task that is staged periodically. One row per name, however many schedulers run."""

    __tablename__ = "timetable"
    __table_args__ = (sa.CheckConstraint("every_seconds > 0", name="period_is_positive"),)

    name: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    task: Mapped[str] = mapped_column(sa.Text)
    every_seconds: Mapped[int] = mapped_column(sa.Integer)
    next_due_at: Mapped[datetime] = mapped_column(Instant)
    last_staged_at: Mapped[datetime | None] = mapped_column(Instant)
    #: The job that was staged last. Not a foreign key, because done rows are pruned.
    last_outbox_id: Mapped[UUID | None]
