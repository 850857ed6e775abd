"""Tables of lists."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.access import Role
from app.keys.registry import Sealed
from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.lists.rules import Density, ListExportStatus

Instant = sa.DateTime(timezone=True)


class ListSettingsRow(Base):
    """How one person wants to see one list."""

    __tablename__ = "list_settings"
    __table_args__ = (
        sa.CheckConstraint("density IN ('comfortable', 'compact')", name="density_known"),
    )

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"), primary_key=True)
    list_name: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    #: The names of the shown columns; NULL for the columns that the list shows by default.
    columns: Mapped[list[str] | None] = mapped_column(ARRAY(sa.Text))
    density: Mapped[Density] = mapped_column(StoredEnum(Density))


class SavedViewRow(Base):
    """A search of a list under a name, private or shared with a role."""

    __tablename__ = "saved_views"
    __table_args__ = (
        sa.UniqueConstraint("owner_id", "list_name", "name"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 60", name="view_name_has_a_length"),
        sa.CheckConstraint("length(query) <= 2000", name="view_query_has_a_length"),
        sa.Index("saved_views_list_name_role_idx", "list_name", "role"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    list_name: Mapped[str] = mapped_column(sa.Text)
    name: Mapped[str] = mapped_column(sa.Text)
    #: The role that it is shared with; NULL for a private view.
    role: Mapped[Role | None] = mapped_column(StoredEnum(Role))
    #: Filters and sort, as in the URL.
    query: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(Instant)


class ListExportRow(Base):
    """A large CSV of a list that a job prepares for the person who requested it."""

    __tablename__ = "list_exports"
    __table_args__ = (
        sa.CheckConstraint(
            "status IN ('pending', 'ready', 'expired')", name="list_export_status_known"
        ),
        sa.CheckConstraint(
            "num_nonnulls(file_id, key_sealed, size_bytes)"
            " = CASE status WHEN 'ready' THEN 3 ELSE 0 END",
            name="list_export_has_content",
        ),
        sa.Index("list_exports_user_id_idx", "user_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    list_name: Mapped[str] = mapped_column(sa.Text)
    query: Mapped[str] = mapped_column(sa.Text)
    status: Mapped[ListExportStatus] = mapped_column(StoredEnum(ListExportStatus))
    requested_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    row_count: Mapped[int | None] = mapped_column(sa.Integer)
    #: The CSV (keys/files.py), and the key of its parts.
    file_id: Mapped[UUID | None]
    key_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    size_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)
