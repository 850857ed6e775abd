"""Choose columns, save views, and export lists as CSV."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from unicodedata import normalize
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access import Actor, Role
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.spreadsheets import escape_formula
from app.lists import queries
from app.lists.errors import TooManyViews, ViewNameTaken
from app.lists.models import ListExportRow, ListSettingsRow, SavedViewRow
from app.lists.rules import (
    EXPORT_LIFETIME,
    QUERY_LENGTH_MAX,
    VIEW_NAME_LENGTH_MAX,
    VIEWS_PER_LIST_MAX,
    Density,
    ListExportStatus,
)
from app.outbox import service as outbox


def save_settings(
    session: Session,
    actor: Actor,
    list_name: str,
    *,
    columns: Sequence[str] | None,
    density: Density,
) -> None:
    """Store how this person sees the list; `columns` None means its default columns."""
    values = {"columns": None if columns is None else list(columns), "density": density}
    session.write(
        insert(ListSettingsRow)
        .values(user_id=actor.user_id, list_name=list_name, **values)
        .on_conflict_do_update(index_elements=["user_id", "list_name"], set_=values)
    )


def save_view(
    session: Session, actor: Actor, list_name: str, *, name: str, role: Role | None, query: str
) -> UUID:
    """Save a search under a name and return its id. `role` shares it with that role.

    Raises `Invalid` naming the field, `ViewNameTaken` and `TooManyViews`.
    """
    name = normalize("NFC", name).strip()
    if not 0 < len(name) <= VIEW_NAME_LENGTH_MAX or not name.isprintable():
        raise Invalid("name", f"Enter a name (1 to {VIEW_NAME_LENGTH_MAX} characters).")
    _check_length(query)
    own = [
        view
        for view in queries.list_views(session, actor, list_name)
        if view.owner_id == actor.user_id
    ]
    if any(view.name == name for view in own):
        raise ViewNameTaken
    if len(own) >= VIEWS_PER_LIST_MAX:
        raise TooManyViews
    view_id = ids.new()
    session.write(
        sa.insert(SavedViewRow).values(
            id=view_id,
            owner_id=actor.user_id,
            list_name=list_name,
            name=name,
            role=role,
            query=query,
            created_at=clock.now(),
        )
    )
    return view_id


def delete_view(session: Session, actor: Actor, view_id: UUID) -> None:
    """Delete one of the person's own views. Raises `NotFound`, also for another person's view."""
    if not queries.owns_view(session, actor, view_id):
        raise NotFound
    session.write(sa.delete(SavedViewRow).where(SavedViewRow.id == view_id))


def render_csv(lines: Iterable[Sequence[str]]) -> tuple[bytes, int]:
    """Return a CSV, and its rows without the heading."""
    file = io.BytesIO()
    count = write_csv(file.write, lines)
    return file.getvalue(), count


@dataclass(frozen=True, slots=True)
class _Utf8:
    """Text that is written as bytes."""

    write_bytes: Callable[[bytes], object]

    def write(self, text: str) -> None:
        self.write_bytes(text.encode())


def write_csv(write: Callable[[bytes], object], lines: Iterable[Sequence[str]]) -> int:
    """Write a CSV (RFC 4180, UTF-8) in which no cell is a formula. Return its rows without the
    heading."""
    writer = csv.writer(_Utf8(write))
    count = -1
    for line in lines:
        writer.writerow([escape_formula(cell) for cell in line])
        count += 1
    return count


def record_export(
    session: Session, actor: Actor, list_name: str, query: str, *, row_count: int
) -> None:
    """Record in the audit trail that the person took this CSV."""
    audit.record(
        session,
        actor=actor,
        action=AuditAction.LIST_EXPORTED,
        subject=list_name,
        after={"query": query, "rows": str(row_count)},
    )


def request_export(session: Session, actor: Actor, list_name: str, query: str) -> UUID:
    """Request a CSV that a job prepares, and return its id. Raises `Invalid` naming `query`."""
    _check_length(query)
    export_id, now = ids.new(), clock.now()
    session.write(
        sa.insert(ListExportRow).values(
            id=export_id,
            user_id=actor.user_id,
            list_name=list_name,
            query=query,
            status=ListExportStatus.PENDING,
            requested_at=now,
            expires_at=now + EXPORT_LIFETIME,
        )
    )
    outbox.stage(session, "lists.build_export", {"export_id": str(export_id)})
    return export_id


def _check_length(query: str) -> None:
    if len(query) > QUERY_LENGTH_MAX:
        raise Invalid("query", "Remove some filters: this search is too long to be kept.")
