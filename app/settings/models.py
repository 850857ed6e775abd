"""The table of settings. Append-only."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base

Instant = sa.DateTime(timezone=True)


class SettingChange(Base):
    """A value of a setting, from an instant on. A setting without any has its default."""

    __tablename__ = "setting_changes"
    __table_args__ = (
        sa.CheckConstraint("effective_at >= made_at", name="setting_change_is_not_backdated"),
        sa.Index("setting_changes_name_effective_at_id_idx", "name", "effective_at", "id"),
        sa.Index("setting_changes_effective_at_id_idx", "effective_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.Text)
    #: As text: a number without its unit.
    value: Mapped[str] = mapped_column(sa.Text)
    effective_at: Mapped[datetime] = mapped_column(Instant)
    reason: Mapped[str] = mapped_column(sa.Text)
    #: Null for the command line.
    maker_id: Mapped[UUID | None]
    #: The request by which a second person approved it.
    approval_id: Mapped[UUID | None]
    made_at: Mapped[datetime] = mapped_column(Instant)
