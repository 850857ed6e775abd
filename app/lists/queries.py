"""Reads of list settings, saved views and exports."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Role
from app.keys import files
from app.keys import service as keys
from app.keys.files import FileKey
from app.kit import ids
from app.kit.db import Database, Session
from app.kit.errors import NotFound
from app.lists.models import ListExportRow, ListSettingsRow, SavedViewRow
from app.lists.rules import Density, ListExportStatus

EXPORT_PREFIX = "lex"
VIEW_PREFIX = "viw"


@dataclass(frozen=True, slots=True)
class ListSettings:
    """How a person sees a list. `columns` is None for those that it shows by default."""

    columns: list[str] | None = None
    density: Density = Density.COMFORTABLE


@dataclass(frozen=True, slots=True)
class SavedView:
    """A search under a name. `role` is None for a private view."""

    id: UUID
    owner_id: UUID
    name: str
    role: Role | None
    query: str

    @property
    def public_id(self) -> str:
        """The id as pages show it."""
        return ids.encode(VIEW_PREFIX, self.id)


@dataclass(frozen=True, slots=True)
class ListExport:
    """A requested CSV. `row_count` is None until it is ready."""

    id: UUID
    user_id: UUID
    list_name: str
    query: str
    status: ListExportStatus
    requested_at: datetime
    expires_at: datetime
    row_count: int | None

    @property
    def public_id(self) -> str:
        """The id as pages show it."""
        return ids.encode(EXPORT_PREFIX, self.id)


SELECT_EXPORTS = sa.select(
    ListExportRow.id,
    ListExportRow.user_id,
    ListExportRow.list_name,
    ListExportRow.query,
    ListExportRow.status,
    ListExportRow.requested_at,
    ListExportRow.expires_at,
    ListExportRow.row_count,
)


@dataclass(frozen=True, slots=True)
class _StoredFile:
    file_id: UUID
    key_sealed: bytes
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Identifier:
    identifier: UUID


def get_settings(session: Session, actor: Actor, list_name: str) -> ListSettings:
    """Return how this person sees the list."""
    chosen = session.select(
        ListSettings,
        sa.select(ListSettingsRow.columns, ListSettingsRow.density).where(
            ListSettingsRow.user_id == actor.user_id, ListSettingsRow.list_name == list_name
        ),
    )
    return chosen[0] if chosen else ListSettings()


def list_views(session: Session, actor: Actor, list_name: str) -> list[SavedView]:
    """Return the person's own views of the list and those shared with their role, by name."""
    return session.select(
        SavedView,
        sa.select(
            SavedViewRow.id,
            SavedViewRow.owner_id,
            SavedViewRow.name,
            SavedViewRow.role,
            SavedViewRow.query,
        )
        .where(
            SavedViewRow.list_name == list_name,
            sa.or_(SavedViewRow.owner_id == actor.user_id, SavedViewRow.role == actor.role),
        )
        .order_by(SavedViewRow.name, SavedViewRow.id),
    )


def owns_view(session: Session, actor: Actor, view_id: UUID) -> bool:
    """Whether this is one of the person's own views."""
    own = sa.select(SavedViewRow.id.label("identifier")).where(
        SavedViewRow.id == view_id, SavedViewRow.owner_id == actor.user_id
    )
    return bool(session.select(_Identifier, own))


def get_export(session: Session, actor: Actor, export_id: UUID) -> ListExport:
    """Return one of the person's own exports. Raises `NotFound`."""
    exports = session.select(
        ListExport,
        SELECT_EXPORTS.where(ListExportRow.id == export_id, ListExportRow.user_id == actor.user_id),
    )
    if not exports:
        raise NotFound
    return exports[0]


def open_content(
    session: Session, database: Database, actor: Actor, export_id: UUID
) -> tuple[int, Iterator[bytes]]:
    """Return the size and the parts of the CSV of one of the person's own exports.

    Raises `NotFound` unless it is ready; so do the parts after the first if it is deleted
    meanwhile.
    """
    stored = session.get(
        _StoredFile,
        sa.select(ListExportRow.file_id, ListExportRow.key_sealed, ListExportRow.size_bytes).where(
            ListExportRow.id == export_id,
            ListExportRow.user_id == actor.user_id,
            ListExportRow.status == ListExportStatus.READY,
        ),
    )
    secret = keys.open_sealed(
        stored.key_sealed, table="list_exports", column="key_sealed", key=export_id
    )
    key = FileKey(stored.file_id, secret)
    return stored.size_bytes, files.open_file(session, database, key, stored.size_bytes)
