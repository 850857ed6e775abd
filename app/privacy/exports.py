"""The verbs and reads of exports: a copy of what is held on a person, for that person alone.

A job reads everything on one snapshot, packs it outside any transaction, and stores it sealed: web
and workers may be different machines, and what they share is the database. The link that fetches it
is signed with the key ring, names the export, the person and the moment when both run out, and
opens nothing to anybody but this person, logged in.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.identity import personal as identity_personal
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import SNAPSHOT, Database, Session
from app.kit.errors import NotFound, RateLimited
from app.kit.pipeline import Row
from app.kit.tasks import task
from app.outbox import service as outbox
from app.privacy import archive, personal_data_tables
from app.privacy.errors import ArchiveLinkInvalid
from app.privacy.rules import ExportStatus

PREFIX = "exp"
#: So long an archive is kept, and its link works.
ARCHIVE_LIFETIME = timedelta(hours=24)
#: A job that has not made it by then was given up.
PENDING_MAX = timedelta(hours=24)
REQUESTS_PER_DAY_MAX = 5
_DAY = timedelta(days=1)
_TABLE, _COLUMN = "exports", "archive_sealed"

_COLUMNS = "SELECT id, user_id, status, requested_at, ready_at, expires_at, size_bytes FROM exports"
_PENDING = f"{_COLUMNS} WHERE user_id = %s AND status = 'pending'"
_ONE = f"{_COLUMNS} WHERE id = %s AND user_id = %s"
_OF = f"{_COLUMNS} WHERE user_id = %s ORDER BY id DESC LIMIT %s"
_TO_BUILD = f"{_COLUMNS} WHERE id = %s AND status = 'pending'"
_ASKED_SINCE = "SELECT count(*) FROM exports WHERE user_id = %s AND requested_at > %s"
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
    """A request for a copy, and how far it is."""

    id: UUID
    user_id: UUID
    status: ExportStatus
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None
    size_bytes: int | None

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def archive_url(self) -> str | None:
        """The signed link, while there is something to fetch."""
        if self.status is not ExportStatus.READY or self.expires_at is None:
            return None
        token = _token(self.id, self.user_id, self.expires_at)
        return f"/api/me/export/{self.public_id}/archive?token={token}"


def request_export(session: Session, actor: Actor) -> DataExport:
    """Ask for a copy; while one is being made, that one is answered. `RateLimited` to five a
    day."""
    identity_personal.lock_person(session, actor.user_id)
    row = session.row(_PENDING, (actor.user_id,))
    if row is not None:
        return _export(row)
    now = clock.now()
    [(asked,)] = session.rows(_ASKED_SINCE, (actor.user_id, now - _DAY))
    if asked >= REQUESTS_PER_DAY_MAX:
        raise RateLimited(
            f"A copy can be asked for {REQUESTS_PER_DAY_MAX} times a day",
            retry_after_seconds=int(_DAY.total_seconds()),
        )
    made = DataExport(ids.new(), actor.user_id, ExportStatus.PENDING, now, None, None, None)
    session.send(_ADD, (made.id, made.user_id, now))
    outbox.stage(session, "privacy.build_archive", {"export_id": str(made.id)})
    audit.record(session, actor=actor, action="export.requested", subject=made.public_id)
    return made


def get_export(session: Session, actor: Actor, export_id: UUID) -> DataExport:
    """One of the actor's requests. Raises `NotFound`, for somebody else's too."""
    row = session.row(_ONE, (export_id, actor.user_id))
    if row is None:
        raise NotFound
    return _export(row)


def list_exports(session: Session, person_id: UUID, limit: int) -> list[DataExport]:
    """A person's requests, newest first."""
    return [_export(row) for row in session.rows(_OF, (person_id, limit))]


def fetch_archive(session: Session, actor: Actor, export_id: UUID, token: str) -> bytes:
    """The archive behind the actor's own link. Raises `ArchiveLinkInvalid`."""
    row = session.row(_ONE, (export_id, actor.user_id))
    export = _export(row) if row else None
    if export is None or export.status is not ExportStatus.READY or export.expires_at is None:
        raise ArchiveLinkInvalid
    expected = _token(export.id, export.user_id, export.expires_at)
    if not hmac.compare_digest(expected.encode(), token.encode()):
        raise ArchiveLinkInvalid
    row = session.row(_FETCH, (export.id,))
    # It may have been deleted between the two reads.
    if row is None:
        raise ArchiveLinkInvalid
    subject = ids.encode(PREFIX, export_id)
    audit.record(session, actor=actor, action="export.fetched", subject=subject)
    return keys.open_sealed(row[0], table=_TABLE, column=_COLUMN, key=export_id)


@task("privacy.build_archive", own_transactions=True)
def build_archive(database: Database, *, export_id: str) -> None:
    """Make the archive of a request and tell the person, unless that was done, or there is nobody
    to make it for any more. Ended in the middle, it is made anew: it becomes ready once."""
    identifier = UUID(export_id)
    with database.transaction(SNAPSHOT) as session:
        row = session.row(_TO_BUILD, (identifier,))
        if row is None:
            return
        export = _export(row)
        held, at = personal_data_tables.export_sections(session, export.user_id), clock.now()
        files = personal_data_tables.export_files(session, export.user_id)
    made = archive.build(
        held,
        files,
        personal_data_tables.ROOMS,
        export=export.public_id,
        person=ids.encode("usr", export.user_id),
        at=at,
    )
    sealed = keys.seal(made, table=_TABLE, column=_COLUMN, key=identifier)
    with database.transaction() as session:
        _store_archive(session, export, sealed, size_bytes=len(made))


def _store_archive(session: Session, export: DataExport, sealed: bytes, *, size_bytes: int) -> None:
    """Keep the archive in place of an older one, unless another worker did, or the person was
    erased meanwhile."""
    if session.row(f"{_TO_BUILD} FOR UPDATE", (export.id,)) is None:
        return
    # Whole seconds, as the link says it.
    now = clock.now()
    expires_at = (now + ARCHIVE_LIFETIME).replace(microsecond=0)
    session.send(_END_OLDER, (export.user_id,))
    session.send(_READY, (now, expires_at, size_bytes, sealed, export.id))
    told = {
        "user_id": str(export.user_id),
        "kind": "export_ready",
        "event_key": f"export_ready:{export.public_id}",
        "values": {"export": export.public_id, "expires_at": clock.rfc3339(expires_at)},
    }
    outbox.stage(session, "messages.send_mail", told)


@task("privacy.expire_archives")
def expire_archives(session: Session) -> None:
    """Delete archives whose time is over, and give up requests whose job was given up."""
    now = clock.now()
    session.send(_EXPIRE, (now,))
    session.send(_GIVE_UP, (now - PENDING_MAX,))


def _export(row: Row) -> DataExport:
    """An archive whose time is over is expired, though it may not be deleted yet."""
    export_id, user_id, status, requested_at, ready_at, expires_at, size_bytes = row
    if expires_at is not None and expires_at <= clock.now():
        status = ExportStatus.EXPIRED
    return DataExport(
        export_id, user_id, ExportStatus(status), requested_at, ready_at, expires_at, size_bytes
    )


def _token(export_id: UUID, user_id: UUID, expires_at: datetime) -> str:
    seconds = int(expires_at.timestamp())
    text = f"{export_id}:{user_id}:{seconds}"
    mac = keys.blind_index(text, table=_TABLE, column=_COLUMN)
    return f"{seconds}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"
