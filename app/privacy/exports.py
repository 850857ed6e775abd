"""Data exports: request, build and fetch a copy of a person's data, for that person alone.

A job reads everything on one snapshot, packs the archive outside any transaction, and stores it
sealed in the database, which web and worker machines share. The link that fetches the archive is
signed with the key ring. It names the export, the person and the time when it expires, and works
only for this person while signed in.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity import personal as identity_personal
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import SNAPSHOT, Database, Session
from app.kit.errors import NotFound, RateLimited
from app.kit.ids import PublicId
from app.kit.statements import AnySelect
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
#: A request older than this is cancelled: its job has failed for good.
PENDING_MAX = timedelta(hours=24)
REQUESTS_PER_DAY_MAX = 5
_DAY = timedelta(days=1)
_TABLE, _COLUMN = "exports", "archive_sealed"

_EXPORTS = sa.select(
    Export.id,
    Export.user_id,
    Export.status,
    Export.requested_at,
    Export.ready_at,
    Export.expires_at,
    Export.size_bytes,
)
_COUNT_SINCE = "SELECT count(*) FROM exports WHERE user_id = %s AND requested_at > %s"
_ADD = "INSERT INTO exports (id, user_id, status, requested_at) VALUES (%s, %s, 'pending', %s)"
_END_OLDER = """
UPDATE exports SET status = 'expired', archive_sealed = NULL WHERE user_id = %s AND status = 'ready'
"""
_READY = """
UPDATE exports SET status = 'ready', ready_at = %s, expires_at = %s, size_bytes = %s,
    archive_sealed = %s
WHERE id = %s
"""
_FETCH = "SELECT archive_sealed FROM exports WHERE id = %s AND status = 'ready'"
_EXPIRE = """
UPDATE exports SET status = 'expired', archive_sealed = NULL
WHERE status = 'ready' AND expires_at <= %s
"""
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
    recent = session.value(_COUNT_SINCE, (actor.user_id, now - _DAY))
    if recent >= REQUESTS_PER_DAY_MAX:
        raise RateLimited(
            f"You can request {REQUESTS_PER_DAY_MAX} copies a day.",
            retry_after_seconds=int(_DAY.total_seconds()),
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


def fetch_archive(session: Session, actor: Actor, export_id: UUID, token: str) -> bytes:
    """Return the archive that the actor's link names. Raises `ArchiveLinkInvalid`."""
    try:
        export = get_export(session, actor, export_id)
    except NotFound:
        raise ArchiveLinkInvalid from None
    if export.status is not ExportStatus.READY or export.expires_at is None:
        raise ArchiveLinkInvalid
    expected = _token(export.id, export.user_id, export.expires_at)
    if not hmac.compare_digest(expected.encode(), token.encode()):
        raise ArchiveLinkInvalid
    sealed = session.optional_value(_FETCH, (export.id,))
    # It may have been deleted between the two reads.
    if sealed is None:
        raise ArchiveLinkInvalid
    subject = ids.encode(PREFIX, export_id)
    audit.record(session, actor=actor, action=AuditAction.EXPORT_FETCHED, subject=subject)
    return keys.open_sealed(sealed, table=_TABLE, column=_COLUMN, key=export_id)


def build_archive(database: Database, export_id: UUID) -> None:
    """Build the archive of a pending request and notify the person.

    Does nothing if the request is no longer pending: the archive is ready already, or the person
    was erased. Interrupted at any point, the job starts over; the archive becomes ready once.
    """
    with database.transaction(SNAPSHOT) as session:
        export = session.find(_export_from_row, _to_build(export_id))
        if export is None:
            return
        sections, at = personal_data_tables.export_sections(session, export.user_id), clock.now()
        files = personal_data_tables.export_files(session, export.user_id)
    content = archive.build(
        sections,
        files,
        personal_data_tables.ROOMS,
        export=export.public_id,
        person=ids.encode("usr", export.user_id),
        at=at,
    )
    sealed = keys.seal(content, table=_TABLE, column=_COLUMN, key=export_id)
    with database.transaction() as session:
        _store_archive(session, export, sealed, size_bytes=len(content))


def _store_archive(session: Session, export: DataExport, sealed: bytes, *, size_bytes: int) -> None:
    """Store the archive in place of an older one, if the request is still pending."""
    if session.find(_export_from_row, _to_build(export.id).with_for_update()) is None:
        return
    # Whole seconds, because the link carries whole seconds.
    now = clock.now()
    expires_at = (now + ARCHIVE_LIFETIME).replace(microsecond=0)
    session.send(_END_OLDER, (export.user_id,))
    session.send(_READY, (now, expires_at, size_bytes, sealed, export.id))
    ready = ExportReady(export.public_id, expires_at)
    notifications.notify(session, ready, to=export.user_id, event=export.public_id)


def expire_archives(session: Session) -> None:
    """Delete expired archives, and cancel requests whose job has failed for good."""
    now = clock.now()
    session.send(_EXPIRE, (now,))
    session.send(_GIVE_UP, (now - PENDING_MAX,))


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
