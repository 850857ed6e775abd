"""Documents: taken in, kept sealed, shown to staff.

They stand in the database: web and workers may be different machines, and that is what they share;
a document comes and goes with the transaction that speaks of it, and is in the same backup. A file
has 8 MiB at most and is opened as a whole, so it is one value and not many. It is encrypted under a
key of its own, which is sealed: rotating the key ring leaves the megabytes alone.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from secrets import token_bytes
from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.identity.accounts import people
from app.keys import service as keys
from app.kit import clock, crypto, ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.pipeline import Row
from app.kyc.errors import DocumentsFull
from app.kyc.evidence import file_sanitizer
from app.kyc.review import enhanced_due_diligence, transitions
from app.kyc.rules import Purpose

PREFIX = "doc"
#: Of one person: so many, and together.
COUNT_MAX = 20
BYTES_MAX = 60 * 1024 * 1024
_TABLE, _KEY, _INDEX = "kyc_documents", "key_sealed", "content_index"

_COLUMNS = """
SELECT id, user_id, purpose, media_type, size_bytes, uploaded_at FROM kyc_documents
"""
_OF = f"{_COLUMNS} WHERE user_id = %s ORDER BY id"
_SAME = f"{_COLUMNS} WHERE user_id = %s AND purpose = %s AND content_index = %s"
# Those who send documents of one person take turns, so that the limits hold.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('kyc_documents ' || %s, 0))"
_ADD = """
INSERT INTO kyc_documents (id, user_id, purpose, media_type, size_bytes, content_index, key_sealed,
    content, uploaded_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_CONTENT = "SELECT user_id, media_type, key_sealed, content FROM kyc_documents WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Document:
    """A document without its content."""

    id: UUID
    user_id: UUID
    purpose: Purpose
    media_type: str
    size_bytes: int
    uploaded_at: datetime

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def file_name(self) -> str:
        """What it is called where it becomes a file: nothing of it was chosen by the sender."""
        return f"{self.public_id}.{'pdf' if self.media_type == file_sanitizer.PDF else 'jpg'}"


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that may be kept, and what tells it from others as it was sent."""

    content: file_sanitizer.Content
    digest: str


def check(raw: bytes, *, name: str, declared: str) -> Checked:
    """Look at a file that was sent. That takes seconds, so it is done before a transaction.

    `name` and `declared` are what the sender calls it; neither is kept. Raises `Invalid` for what
    is no document (content.py).
    """
    return Checked(
        file_sanitizer.checked(raw, name=name, declared=declared), sha256(raw).hexdigest()
    )


def add(
    session: Session, actor: Actor, *, purpose: Purpose, file: Checked
) -> tuple[Document, bool]:
    """Take in a document of the actor's; whether it is new. The same file for the same purpose sent
    again is answered and not kept twice.

    Raises `DocumentsFull`, and `PermissionDenied` for somebody who is not active any more.
    """
    checked = file.content
    index = keys.blind_index(file.digest, table=_TABLE, column=_INDEX)
    people.lock_active(session, actor.user_id)
    session.send(_LOCK, (str(actor.user_id),))
    row = session.row(_SAME, (actor.user_id, purpose, index))
    if row is not None:
        return _document(row), False
    there = of_person(session, actor.user_id)
    size = sum(each.size_bytes for each in there) + len(checked.data)
    if len(there) >= COUNT_MAX or size > BYTES_MAX:
        raise DocumentsFull
    added = Document(
        ids.new(), actor.user_id, purpose, checked.media_type, len(checked.data), clock.now()
    )
    _keep(session, added, index, checked.data)
    audit.record(
        session,
        actor=actor,
        action="document.sent",
        subject=added.public_id,
        after={"purpose": purpose, "type": added.media_type, "bytes": str(added.size_bytes)},
    )
    enhanced_due_diligence.consider(
        session, actor.user_id, [*there, added], transitions.Said(actor)
    )
    return added, True


def of_person(session: Session, user_id: UUID) -> list[Document]:
    """A person's documents, oldest first."""
    return [_document(row) for row in session.rows(_OF, (user_id,))]


@dataclass(frozen=True, slots=True)
class Opened:
    """A document with its content."""

    user_id: UUID
    media_type: str
    data: bytes


def show(session: Session, actor: Actor, document_id: UUID) -> Opened:
    """A document for one of the staff: that it was looked at is recorded. Raises `NotFound`."""
    shown = opened(session, document_id)
    audit.record(
        session,
        actor=actor,
        action="document.viewed",
        subject=ids.encode(PREFIX, document_id),
        on_behalf_of=shown.user_id,
    )
    return shown


def opened(session: Session, document_id: UUID) -> Opened:
    """A document. Raises `NotFound`."""
    row = session.row(_CONTENT, (document_id,))
    if row is None:
        raise NotFound
    user_id, media_type, sealed, encrypted = row
    key = keys.open_sealed(sealed, table=_TABLE, column=_KEY, key=document_id)
    return Opened(user_id, media_type, crypto.decrypt(key, encrypted, _place(document_id)))


def _keep(session: Session, added: Document, index: bytes, data: bytes) -> None:
    key = token_bytes(crypto.KEY_BYTES)
    session.send(
        _ADD,
        (
            added.id,
            added.user_id,
            added.purpose,
            added.media_type,
            added.size_bytes,
            index,
            keys.seal(key, table=_TABLE, column=_KEY, key=added.id),
            crypto.encrypt(key, data, _place(added.id)),
            added.uploaded_at,
        ),
    )


def _place(document_id: UUID) -> bytes:
    return f"{_TABLE}:content:{document_id}".encode()


def _document(row: Row) -> Document:
    document_id, user_id, purpose, *rest = row
    return Document(document_id, user_id, Purpose(purpose), *rest)
