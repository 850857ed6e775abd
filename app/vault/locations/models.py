"""Tables of locations."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.vault.locations.rules import LocationKind


class Location(Base):
    """A place of a branch where goods are, such as a vault or a shop's shelves."""

    __tablename__ = "locations"
    __table_args__ = (
        sa.CheckConstraint("code ~ '^[A-Z][A-Z0-9-]{1,15}$'", name="location_code_is_short"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="location_name_has_a_length"),
        sa.CheckConstraint(
            "kind IN ('vault', 'store', 'receiving', 'picking', 'staging', 'depot')",
            name="location_kind_known",
        ),
        sa.Index("locations_branch_id_idx", "branch_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    branch_id: Mapped[UUID] = mapped_column(sa.ForeignKey("branches.id"))
    code: Mapped[str] = mapped_column(sa.Text, unique=True)
    name: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[LocationKind] = mapped_column(StoredEnum(LocationKind))
    opened_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
