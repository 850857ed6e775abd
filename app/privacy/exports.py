"""Data exports: request, build and fetch a copy of a person's data, for that person alone.

A job reads everything on one snapshot and stores the archive in the database, which web and worker
machines share, in encrypted parts; no process ever holds the whole. The link that fetches it is
signed with the key ring. It names the export, the person and the time when it expires, and works
only for this person while signed in.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity import personal as identity_personal
from app.keys import files
from app.keys import service as keys
from app.keys.files import FileKey, PartWriter
from app.kit import clock, ids
from app.kit.db import SNAPSHOT, Database, Session
from app.kit.errors import NotFound
from app.kit.formatting import format_number_of
from app.kit.ids import PublicId
from app.kit.statements import AnySelect
from app.limits import service as limits
from app.limits.queries import Demand
from app.limits.registry import Limit
from app.notifications import service as notifications
from app.notifications.account_kinds import ExportReady
from app.outbox import service as outbox
from app.privacy import archive, personal_data_tables
from app.privacy.errors import ArchiveLinkInvalid
from app.privacy.models import Export
from app.privacy.rules import ExportStatus

PREFIX = "exp"
#: How long an archive is kept and its link works.
ARCHIVE_LIFETIME = timedelta(hours=24)
#: From the beginning of the job until the archive has certainly expired.
_PARTS_LIFETIME = ARCHIVE_LIFETIME + timedelta(hours=2)
#: A request older than this is cancelled: its job has failed for good.
PENDING_MAX = timedelta(hours=24)
REQUESTS_PER_DAY_MAX = 5
_TABLE, _COLUMN = "exports", "key_sealed"

_EXPORTS = sa.select(
    Export.id,
    Export.user_id,
    Export.status,
    Export.requested_at,
    Export.ready_at,
    Export.expires_at,
    Export.size_bytes,
)
_EXPORTS_DAY = Limit(
    "exports_day",
    "copies of your data",
    timedelta(days=1),
    lambda count: format_number_of(count, "copy", "copies"),
)
_EXPORTS_DAY.count(
    sa.select(
        Export.user_id.label("owner"),
        Export.id.label("id"),
        Export.requested_at.label("at"),
        sa.literal_column("1", sa.Integer).label("units"),
    )
)
_ADD = "INSERT INTO exports (id, user_id, status, requested_at) VALUES (%s, %s, 'pending', %s)"
_EXPIRED = {"status": ExportStatus.EXPIRED, "file_id": None, "key_sealed": None}
_GIVE_UP = "UPDATE exports SET status = 'cancelled' WHERE status = 'pending' AND requested_at <= %s"


@dataclass(frozen=True, slots=True)
class DataExport:
    """A person's request for a copy of their data, and its progress."""

    id: UUID
    user_id: UUID
    status: ExportStatus
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None
    size_bytes: int | None

    @property
    def public_id(self) -> PublicId:
        """The id as the API and pages show it."""
        return ids.encode(PREFIX, self.id)

    @property
    def archive_url(self) -> str | None:
        """The signed link while the archive can be fetched, else None."""
        if self.status is not ExportStatus.READY or self.expires_at is None:
            return None
        token = _token(self.id, self.user_id, self.expires_at)
        return f"/api/me/export/{self.public_id}/archive?token={token}"


def request_export(session: Session, actor: Actor) -> DataExport:
    """Request a copy of the actor's data; return the pending request if there is one.

    Raises `RateLimited` after five requests within a day.
    """
    identity_personal.lock_person(session, actor.user_id)
    is_pending = Export.status == ExportStatus.PENDING
    pending = session.find(
        _export_from_row, _EXPORTS.where(Export.user_id == actor.user_id, is_pending)
    )
    if pending is not None:
        return pending
    now = clock.now()
    limits.check_pace(
        session,
        [actor.user_id],
        Demand(_EXPORTS_DAY, REQUESTS_PER_DAY_MAX, 1),
        detail=f"You can request {REQUESTS_PER_DAY_MAX} copies a day.",
    )
    export = DataExport(ids.new(), actor.user_id, ExportStatus.PENDING, now, None, None, None)
    session.send(_ADD, (export.id, export.user_id, now))
    outbox.stage(session, "privacy.build_archive", {"export_id": str(export.id)})
    audit.record(
        session, actor=actor, action=AuditAction.EXPORT_REQUESTED, subject=export.public_id
    )
    return export


def get_export(session: Session, actor: Actor, export_id: UUID) -> DataExport:
    """Return one of the actor's requests. Raises `NotFound`, also for another person's request."""
    owned = _EXPORTS.where(Export.id == export_id, Export.user_id == actor.user_id)
    return session.get(_export_from_row, owned)


def list_exports(session: Session, person_id: UUID, limit: int) -> list[DataExport]:
    """Return a person's requests, newest first."""
    owned = _EXPORTS.where(Export.user_id == person_id)
    return session.select(_export_from_row, owned.order_by(Export.id.desc()).limit(limit))


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that is being fetched: its size, and its parts in order."""

    size_bytes: int
    parts: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class _StoredArchive:
    file_id: UUID
    key_sealed: bytes
    size_bytes: int


def fetch_archive(database: Database, actor: Actor, export_id: UUID, token: str) -> Archive:
    """Return the archive that the actor's link names, and record that they fetched it.

    Raises `ArchiveLinkInvalid`. The parts after the first raise `NotFound` if the archive is
    deleted meanwhile.
    """
    with database.transaction() as session:
        try:
            export = get_export(session, actor, export_id)
            if export.status is not ExportStatus.READY or export.expires_at is None:
                raise ArchiveLinkInvalid
            expected = _token(export.id, export.user_id, export.expires_at)
            if not hmac.compare_digest(expected.encode(), token.encode()):
                raise ArchiveLinkInvalid
            select = sa.select(Export.file_id, Export.key_sealed, Export.size_bytes)
            is_ready = Export.status == ExportStatus.READY
            stored = session.get(_StoredArchive, select.where(Export.id == export_id, is_ready))
            secret = keys.open_sealed(
                stored.key_sealed, table=_TABLE, column=_COLUMN, key=export_id
            )
            key = FileKey(stored.file_id, secret)
            parts = files.open_file(session, database, key, stored.size_bytes)
        except NotFound:
            raise ArchiveLinkInvalid from None
        subject = ids.encode(PREFIX, export_id)
        audit.record(session, actor=actor, action=AuditAction.EXPORT_FETCHED, subject=subject)
    return Archive(stored.size_bytes, parts)


def build_archive(database: Database, export_id: UUID) -> None:
    """Build the archive of a pending request and notify the person.

    Does nothing if the request is no longer pending: the archive is ready already, or the person
    was erased. Interrupted at any point, the job starts over with another file; the archive becomes
    ready once.
    """
    key, parts_expire_at = FileKey.generate(), clock.now() + _PARTS_LIFETIME

    def store(number: int, content: bytes) -> None:
        with database.transaction() as session:
            files.add_part(session, key, number, content, expires_at=parts_expire_at)

    writer = PartWriter(store)
    with database.transaction(SNAPSHOT) as session:
        export = session.find(_export_from_row, _to_build(export_id))
        if export is None:
            return
        archive.write(
            writer,
            personal_data_tables.export_sections(session, export.user_id),
            personal_data_tables.export_files(session, export.user_id),
            personal_data_tables.ROOMS,
            export=export.public_id,
            person=ids.encode("usr", export.user_id),
            at=clock.now(),
        )
    writer.finish()
    with database.transaction() as session:
        _offer_archive(session, export, key, size_bytes=writer.size)


def _offer_archive(session: Session, export: DataExport, key: FileKey, *, size_bytes: int) -> None:
    """Make the archive ready, in place of an older one; delete it if the request is no longer
    pending."""
    if session.find(_export_from_row, _to_build(export.id).with_for_update()) is None:
        files.delete_files(session, sa.select(sa.literal(key.id)))
        return
    # Whole seconds, because the link carries whole seconds.
    now = clock.now()
    expires_at = (now + ARCHIVE_LIFETIME).replace(microsecond=0)
    _expire(session, Export.user_id == export.user_id)
    session.write(
        sa.update(Export)
        .where(Export.id == export.id)
        .values(
            status=ExportStatus.READY,
            ready_at=now,
            expires_at=expires_at,
            size_bytes=size_bytes,
            file_id=key.id,
            key_sealed=keys.seal(key.secret, table=_TABLE, column=_COLUMN, key=export.id),
        )
    )
    ready = ExportReady(export.public_id, expires_at)
    notifications.notify(session, ready, to=export.user_id, event=export.public_id)


def expire_archives(session: Session) -> None:
    """Delete expired archives, and cancel requests whose job has failed for good."""
    now = clock.now()
    _expire(session, Export.expires_at <= now)
    session.send(_GIVE_UP, (now - PENDING_MAX,))


def _expire(session: Session, condition: sa.ColumnElement[bool]) -> None:
    """Delete the archives that are ready and meet the condition."""
    is_ready = Export.status == ExportStatus.READY
    files.delete_files(session, sa.select(Export.file_id).where(is_ready, condition))
    session.write(sa.update(Export).where(is_ready, condition).values(**_EXPIRED))


def _to_build(export_id: UUID) -> AnySelect:
    return _EXPORTS.where(Export.id == export_id, Export.status == ExportStatus.PENDING)


def _export_from_row(
    status: ExportStatus, expires_at: datetime | None, **values: Any
) -> DataExport:
    """Return the export, expired as soon as its time is over, even if the archive is not deleted
    yet."""
    is_over = expires_at is not None and expires_at <= clock.now()
    current = ExportStatus.EXPIRED if is_over else status
    return DataExport(status=current, expires_at=expires_at, **values)


def _token(export_id: UUID, user_id: UUID, expires_at: datetime) -> str:
    seconds = int(expires_at.timestamp())
    text = f"{export_id}:{user_id}:{seconds}"
    mac = keys.blind_index(text, table=_TABLE, column=_COLUMN)
    return f"{seconds}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"
