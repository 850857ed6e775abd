"""Tables of the messages."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class Message(Base):
    """A message in a person's inbox, as it was rendered."""

    __tablename__ = "messages"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "event_key"),
        sa.CheckConstraint("read_at >= created_at", name="read_after_created"),
        sa.Index("messages_user_id_id_idx", "user_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    #: The event it tells of; the same event makes no second message.
    event_key: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.Text)
    #: Which version of the kind's template wrote it.
    version: Mapped[int] = mapped_column(sa.SmallInteger)
    subject: Mapped[str] = mapped_column(sa.Text)
    body: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    read_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
