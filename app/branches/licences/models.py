"""Tables of licences."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class Licence(Base):
    """What an authority permits a legal entity to do, or one branch."""

    __tablename__ = "licences"
    __table_args__ = (
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="licence_name_has_a_length"),
        sa.CheckConstraint("length(number) BETWEEN 1 AND 100", name="licence_number_has_a_length"),
        sa.CheckConstraint(
            "length(authority) BETWEEN 1 AND 100", name="licence_authority_has_a_length"
        ),
        sa.UniqueConstraint("authority", "number", name="licences_authority_number_key"),
        sa.Index("licences_legal_entity_id_idx", "legal_entity_id"),
        sa.Index("licences_branch_id_idx", "branch_id"),
        sa.Index(
            "licences_expires_on_idx", "expires_on", postgresql_where=sa.text("ended_at IS NULL")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    legal_entity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("legal_entities.id"))
    #: The only branch to which it applies.
    branch_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("branches.id"))
    #: What it is, such as "Money transmitter".
    name: Mapped[str] = mapped_column(sa.Text)
    number: Mapped[str] = mapped_column(sa.Text)
    authority: Mapped[str] = mapped_column(sa.Text)
    #: The last day on which it is valid; None if it does not expire.
    expires_on: Mapped[date | None] = mapped_column(sa.Date)
    added_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
