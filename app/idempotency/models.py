"""Tables of idempotency."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class IdempotentAnswer(Base):
    """The response to the first request of an actor with a key."""

    __tablename__ = "idempotent_answers"
    __table_args__ = (
        sa.CheckConstraint("status BETWEEN 200 AND 299", name="only_successes_are_stored"),
        sa.Index("idempotent_answers_created_at_idx", "created_at", postgresql_using="brin"),
    )

    actor_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    #: SHA-256 of method, path and parsed JSON.
    fingerprint: Mapped[bytes] = mapped_column(sa.LargeBinary)
    status: Mapped[int] = mapped_column(sa.SmallInteger)
    content_type: Mapped[str] = mapped_column(sa.Text)
    body: Mapped[bytes] = mapped_column(sa.LargeBinary)
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
