"""Tables of branches."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.branches.rules import HEAD_OFFICE
from app.kit.db import Base


class Branch(Base):
    """A place where customers are served; one is head office."""

    __tablename__ = "branches"
    __table_args__ = (
        sa.CheckConstraint("code ~ '^[A-Z][A-Z0-9]{1,11}$'", name="branch_code_is_short"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="branch_name_has_a_length"),
        sa.CheckConstraint("cardinality(weekly_hours) = 7", name="week_has_seven_days"),
        sa.CheckConstraint(
            f"NOT offers_pickup OR address IS NOT NULL AND id <> '{HEAD_OFFICE}'",
            name="pickup_is_at_an_address",
        ),
        sa.CheckConstraint("phone ~ '^\\+[1-9][0-9]{3,14}$'", name="branch_phone_is_e164"),
        sa.Index("branches_legal_entity_id_idx", "legal_entity_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.Text, unique=True)
    name: Mapped[str] = mapped_column(sa.Text)
    legal_entity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("legal_entities.id"))
    #: As `postal_addresses.to_fields` returns it.
    address: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    phone: Mapped[str | None] = mapped_column(sa.Text)
    time_zone: Mapped[str] = mapped_column(sa.Text, server_default=sa.text("'America/New_York'"))
    #: The hours of each weekday from Monday on, as `hours.rules` writes them.
    weekly_hours: Mapped[list[str]] = mapped_column(
        ARRAY(sa.Text), server_default=sa.text('\'{"","","","","","",""}\'')
    )
    #: Whether customers can pick up here what they bought.
    offers_pickup: Mapped[bool] = mapped_column(server_default=sa.false())
    opened_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
