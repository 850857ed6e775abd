"""The table of notes on customers."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.keys.registry import Sealed
from app.kit.db import Base


class CustomerNote(Base):
    """A note of staff on a customer."""

    __tablename__ = "customer_notes"
    __table_args__ = (sa.Index("customer_notes_user_id_id_idx", "user_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    actor_id: Mapped[UUID]
    #: The colleague whom it is to reach.
    mentioned_id: Mapped[UUID | None]
    text_sealed: Mapped[bytes] = mapped_column(Sealed)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
