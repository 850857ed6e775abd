"""The table of goodwill credits."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class GoodwillCredit(Base):
    """Dollars that a customer got for goodwill. Its public id is the reference of its entry."""

    __tablename__ = "goodwill_credits"
    __table_args__ = (
        sa.CheckConstraint("units > 0", name="goodwill_is_positive"),
        sa.CheckConstraint("checker_id <> actor_id", name="goodwill_checker_is_another"),
        sa.Index("goodwill_credits_user_id_id_idx", "user_id", "id"),
        sa.Index("goodwill_credits_actor_id_at_idx", "actor_id", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    #: Who gave or requested it.
    actor_id: Mapped[UUID]
    #: Who approved it; null for one that took one person.
    checker_id: Mapped[UUID | None]
    units: Mapped[int] = mapped_column(sa.BigInteger)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
