"""The table of claims."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.keys.registry import Sealed
from app.kit.db import Base


class QueueClaim(Base):
    """What staff did about work in the queue. Work without a row was never touched."""

    __tablename__ = "queue_claims"
    __table_args__ = (
        sa.CheckConstraint(
            "num_nulls(escalated_at, escalated_by, escalation_sealed) IN (0, 3)",
            name="escalation_says_who_and_why",
        ),
        sa.Index("queue_claims_touched_at_idx", "touched_at"),
    )

    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    #: The name of the source.
    source: Mapped[str] = mapped_column(sa.Text)
    #: When the work began to wait.
    since: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    #: Who touched it first, and when: the first response.
    touched_by: Mapped[UUID]
    touched_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    assignee_id: Mapped[UUID | None]
    snoozed_until: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    escalated_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    escalated_by: Mapped[UUID | None]
    escalation_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    done_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
