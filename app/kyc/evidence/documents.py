"""Documents: received, kept sealed, shown to staff.

They are stored in the database: web and workers may run on different machines and share only that;
a document commits with the transaction that refers to it, and is in the same backup. A file has at
most 8 MiB and is opened as a whole, so it is one value. It is encrypted under its own key, which is
sealed: rotating the key ring does not touch the content.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from secrets import token_bytes
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.accounts import people
from app.keys import service as keys
from app.kit import clock, crypto, ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kyc.errors import DocumentsFull
from app.kyc.evidence import file_sanitizer
from app.kyc.models import Document
from app.kyc.review import enhanced_due_diligence, transitions
from app.kyc.rules import DocumentPurpose

PREFIX = "doc"
#: Limits for one person: number of documents, and bytes in total.
COUNT_MAX = 20
BYTES_MAX = 60 * 1024 * 1024
_TABLE, _KEY, _INDEX = "kyc_documents", "key_sealed", "content_index"

_DOCUMENTS = sa.select(
    Document.id,
    Document.user_id,
    Document.purpose,
    Document.media_type,
    Document.size_bytes,
    Document.uploaded_at,
)
# Uploads of one person run one after another, so that the limits hold.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('kyc_documents ' || %s, 0))"
_ADD = """
INSERT INTO kyc_documents (id, user_id, purpose, media_type, size_bytes, content_index, key_sealed,
    content, uploaded_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_CONTENT = "SELECT user_id, media_type, key_sealed, content FROM kyc_documents WHERE id = %s"


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document without its content."""

    id: UUID
    user_id: UUID
    purpose: DocumentPurpose
    media_type: str
    size_bytes: int
    uploaded_at: datetime

    @property
    def public_id(self) -> str:
        """The id as other systems and people see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def file_name(self) -> str:
        """The name when it becomes a file. No part of it comes from the sender."""
        return f"{self.public_id}.{'pdf' if self.media_type == file_sanitizer.PDF else 'jpg'}"


@dataclass(frozen=True, slots=True)
class CheckedUpload:
    """A sanitized file, with the digest of the upload as it was sent."""

    file: file_sanitizer.SanitizedFile
    digest: str


def check_upload(raw: bytes, *, name: str, declared_type: str) -> CheckedUpload:
    """Check and sanitize an upload. It takes seconds, so call it before the transaction.

    `name` and `declared_type` are the sender's claims; neither is kept. Raises `Invalid` for a file
    that is not an acceptable document (file_sanitizer.py).
    """
    return CheckedUpload(
        file_sanitizer.sanitize(raw, name=name, declared_type=declared_type),
        sha256(raw).hexdigest(),
    )


def add_document(
    session: Session, actor: Actor, *, purpose: DocumentPurpose, upload: CheckedUpload
) -> tuple[DocumentRow, bool]:
    """Store a document of the actor. Return it, and whether it is new.

    The same file for the same purpose is stored once. Raises `DocumentsFull`, and
    `PermissionDenied` for a person who is no longer active.
    """
    checked = upload.file
    index = keys.blind_index(upload.digest, table=_TABLE, column=_INDEX)
    people.lock_active(session, actor.user_id)
    session.send(_LOCK, (str(actor.user_id),))
    same = _DOCUMENTS.where(
        Document.user_id == actor.user_id,
        Document.purpose == purpose,
        Document.content_index == index,
    )
    known = session.find(DocumentRow, same)
    if known is not None:
        return known, False
    existing = documents_of(session, actor.user_id)
    size = sum(document.size_bytes for document in existing) + len(checked.data)
    if len(existing) >= COUNT_MAX or size > BYTES_MAX:
        raise DocumentsFull
    added = DocumentRow(
        ids.new(), actor.user_id, purpose, checked.media_type, len(checked.data), clock.now()
    )
    _store(session, added, index, checked.data)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.DOCUMENT_SENT,
        subject=added.public_id,
        after={"purpose": purpose, "type": added.media_type, "bytes": str(added.size_bytes)},
    )
    enhanced_due_diligence.start_review_if_complete(
        session, actor.user_id, [*existing, added], transitions.Attribution(actor)
    )
    return added, True


def documents_of(session: Session, user_id: UUID) -> list[DocumentRow]:
    """Return a person's documents, oldest first."""
    owned = _DOCUMENTS.where(Document.user_id == user_id)
    return session.select(DocumentRow, owned.order_by(Document.id))


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """A document's content, decrypted."""

    user_id: UUID
    media_type: str
    data: bytes


def view_document(session: Session, actor: Actor, document_id: UUID) -> DocumentContent:
    """Return a document's content for staff, and record the access. Raises `NotFound`."""
    content = open_document(session, document_id)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.DOCUMENT_VIEWED,
        subject=ids.encode(PREFIX, document_id),
        on_behalf_of=content.user_id,
    )
    return content


def open_document(session: Session, document_id: UUID) -> DocumentContent:
    """Return a document's content. Raises `NotFound`."""
    row = session.row(_CONTENT, (document_id,))
    if row is None:
        raise NotFound
    user_id, media_type, sealed, encrypted = row
    key = keys.open_sealed(sealed, table=_TABLE, column=_KEY, key=document_id)
    return DocumentContent(
        user_id, media_type, crypto.decrypt(key, encrypted, _associated_data(document_id))
    )


def _store(session: Session, document: DocumentRow, index: bytes, data: bytes) -> None:
    key = token_bytes(crypto.KEY_BYTES)
    session.send(
        _ADD,
        (
            document.id,
            document.user_id,
            document.purpose,
            document.media_type,
            document.size_bytes,
            index,
            keys.seal(key, table=_TABLE, column=_KEY, key=document.id),
            crypto.encrypt(key, data, _associated_data(document.id)),
            document.uploaded_at,
        ),
    )


def _associated_data(document_id: UUID) -> bytes:
    return f"{_TABLE}:content:{document_id}".encode()
