"""Documents: received, kept sealed, shown to staff.

They are stored in the database: web and workers may run on different machines and share only that;
a document commits with the transaction that refers to it, and is in the same backup. A file has at
most 8 MiB and is opened as a whole, so it is one value. It is encrypted under its own key, which is
sealed: rotating the key ring does not touch the content.

A file is kept as it was sent only until a job has drawn its pages (checking.py). Staff see pages,
never a file.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
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
from app.kit.formatting import format_number_of
from app.kit.personal import ExportFiles
from app.kyc.errors import DocumentsFull
from app.kyc.models import Document, DocumentPage
from app.kyc.rules import DocumentPurpose, DocumentState
from app.outbox import service as outbox
from app.pictures import file_types
from app.pictures.file_types import FileType, RecognizedFile
from app.pictures.rules import FileProblem

PREFIX = "doc"
#: Limits for one person, without what was refused: number of documents, and bytes in total.
COUNT_MAX = 20
BYTES_MAX = 60 * 1024 * 1024
JPEG, PDF = "image/jpeg", "application/pdf"
_TABLE, _KEY, _INDEX = "kyc_documents", "key_sealed", "content_index"

SELECT_DOCUMENTS = sa.select(
    Document.id,
    Document.user_id,
    Document.purpose,
    Document.media_type,
    Document.state,
    Document.problem,
    Document.page_count,
    Document.size_bytes,
    Document.uploaded_at,
)
# Uploads of one person run one after another, so that the limits hold.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('kyc_documents ' || %s, 0))"


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document without its content."""

    id: UUID
    user_id: UUID
    purpose: DocumentPurpose
    media_type: str
    state: DocumentState
    problem: FileProblem | None
    #: None until its pages are drawn.
    page_count: int | None
    size_bytes: int
    uploaded_at: datetime

    @property
    def public_id(self) -> str:
        """The id as other systems and people see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def is_usable(self) -> bool:
        """Whether it counts as evidence, or may soon."""
        return self.state is not DocumentState.REFUSED

    @property
    def message(self) -> str:
        """What its state means for the customer."""
        if self.problem is not None:
            return self.problem.label
        if self.state is DocumentState.RECEIVED:
            return "We received the file and are checking that it can be read."
        return f"We can read it: {format_number_of(self.page_count or 1, 'page')}."

    def page_name(self, number: int) -> str:
        """The name of a page when it becomes a file. No part of it comes from the sender."""
        return f"{self.public_id}.jpg" if number == 1 else f"{self.public_id}-{number}.jpg"


@dataclass(frozen=True, slots=True)
class CheckedUpload:
    """A file of a type that is taken, with the digest of the upload as it was sent."""

    file: RecognizedFile
    digest: str
    size_bytes: int


def check_upload(raw: bytes, *, name: str) -> CheckedUpload:
    """Check which type an upload is. Raises `Invalid` for one that is not taken (file_types.py).

    `name` is the sender's claim and is not kept.
    """
    return CheckedUpload(file_types.recognize(raw, name=name), sha256(raw).hexdigest(), len(raw))


def add_document(
    session: Session, actor: Actor, *, purpose: DocumentPurpose, upload: CheckedUpload
) -> tuple[DocumentRow, bool]:
    """Store a document of the actor, and stage its check. Return it, and whether it is new.

    The same file for the same purpose is stored once. Raises `DocumentsFull`, and
    `PermissionDenied` for a person who is no longer active.
    """
    index = keys.blind_index(upload.digest, table=_TABLE, column=_INDEX)
    people.lock_active(session, actor.user_id)
    session.send(_LOCK, (str(actor.user_id),))
    same = SELECT_DOCUMENTS.where(
        Document.user_id == actor.user_id,
        Document.purpose == purpose,
        Document.content_index == index,
    )
    known = session.find(DocumentRow, same)
    if known is not None:
        return known, False
    existing = [each for each in documents_of(session, actor.user_id) if each.is_usable]
    size = sum(document.size_bytes for document in existing) + upload.size_bytes
    if len(existing) >= COUNT_MAX or size > BYTES_MAX:
        raise DocumentsFull
    added = DocumentRow(
        ids.new(),
        actor.user_id,
        purpose,
        PDF if upload.file.type is FileType.PDF else JPEG,
        DocumentState.RECEIVED,
        *(None, None),
        upload.size_bytes,
        clock.now(),
    )
    _store(session, added, index, upload.file.content)
    outbox.stage(session, "kyc.check_document", {"document_id": str(added.id)})
    audit.record(
        session,
        actor=actor,
        action=AuditAction.DOCUMENT_SENT,
        subject=added.public_id,
        after={"purpose": purpose, "type": upload.file.type, "bytes": str(added.size_bytes)},
    )
    return added, True


def _store(session: Session, document: DocumentRow, index: bytes, content: bytes) -> None:
    key = token_bytes(crypto.KEY_BYTES)
    session.write(
        sa.insert(Document).values(
            id=document.id,
            user_id=document.user_id,
            purpose=document.purpose,
            media_type=document.media_type,
            state=document.state,
            size_bytes=document.size_bytes,
            content_index=index,
            key_sealed=keys.seal(key, table=_TABLE, column=_KEY, key=document.id),
            content=crypto.encrypt(key, content, _associated_data(document.id)),
            uploaded_at=document.uploaded_at,
        )
    )


def documents_of(session: Session, user_id: UUID) -> list[DocumentRow]:
    """Return a person's documents, oldest first."""
    owned = SELECT_DOCUMENTS.where(Document.user_id == user_id)
    return session.select(DocumentRow, owned.order_by(Document.id))


def accepted_documents_of(session: Session, user_id: UUID) -> list[DocumentRow]:
    """Return a person's documents that staff can open, oldest first."""
    return [
        document
        for document in documents_of(session, user_id)
        if document.state is DocumentState.ACCEPTED
    ]


@dataclass(frozen=True, slots=True)
class _SealedContent:
    """A content as it is stored, with the key of its document."""

    user_id: UUID
    key_sealed: bytes
    content: bytes


def view_page(session: Session, actor: Actor, document_id: UUID, number: int) -> bytes:
    """Return a page as a JPEG picture for staff, and record the access. Raises `NotFound`."""
    page = _find_page(session, document_id, number)
    if page is None:
        raise NotFound
    audit.record(
        session,
        actor=actor,
        action=AuditAction.DOCUMENT_VIEWED,
        subject=ids.encode(PREFIX, document_id),
        on_behalf_of=page.user_id,
    )
    return _decrypt(document_id, page, _associated_data(document_id, number))


def names_of_files(document: DocumentRow) -> list[str]:
    """Return the names of what `kept_files` returns."""
    if document.page_count is not None:
        return [document.page_name(number) for number in range(1, document.page_count + 1)]
    ending = "pdf" if document.media_type == PDF else "jpg"
    return [f"{document.public_id}.{ending}"] if document.is_usable else []


def kept_files(session: Session, document: DocumentRow) -> ExportFiles:
    """Return what reads each file that is kept of a document for its owner, by its name: its pages,
    or the file of one whose pages are not drawn yet."""
    names = names_of_files(document)
    if document.page_count is None:
        return {name: partial(_read_file, session, document.id) for name in names}
    return {
        name: partial(_read_page, session, document.id, number)
        for number, name in enumerate(names, 1)
    }


def _read_file(session: Session, document_id: UUID) -> bytes:
    file = find_file(session, document_id)
    assert file is not None, "a document that is not refused has its file, or pages"
    return file


def _read_page(session: Session, document_id: UUID, number: int) -> bytes:
    page = _find_page(session, document_id, number)
    assert page is not None, "an accepted document has its pages"
    return _decrypt(document_id, page, _associated_data(document_id, number))


def find_file(session: Session, document_id: UUID) -> bytes | None:
    """Return the file of a document, None once its pages are drawn or it was refused."""
    select = sa.select(Document.user_id, Document.key_sealed, Document.content)
    kept = select.where(Document.id == document_id, Document.content.is_not(None))
    file = session.find(_SealedContent, kept)
    return None if file is None else _decrypt(document_id, file, _associated_data(document_id))


def _find_page(session: Session, document_id: UUID, number: int) -> _SealedContent | None:
    select = sa.select(Document.user_id, Document.key_sealed, DocumentPage.content)
    of_document = select.join(DocumentPage, DocumentPage.document_id == Document.id)
    return session.find(
        _SealedContent,
        of_document.where(Document.id == document_id, DocumentPage.number == number),
    )


def add_pages(session: Session, document_id: UUID, pages: list[bytes]) -> None:
    """Keep the pages of a document, under its key."""
    sealed = session.get(
        lambda key_sealed: key_sealed,
        sa.select(Document.key_sealed).where(Document.id == document_id),
    )
    key = keys.open_sealed(sealed, table=_TABLE, column=_KEY, key=document_id)
    for number, page in enumerate(pages, 1):
        content = crypto.encrypt(key, page, _associated_data(document_id, number))
        values = {"document_id": document_id, "number": number, "content": content}
        session.write(sa.insert(DocumentPage).values(values))


def _decrypt(document_id: UUID, sealed: _SealedContent, associated_data: bytes) -> bytes:
    key = keys.open_sealed(sealed.key_sealed, table=_TABLE, column=_KEY, key=document_id)
    return crypto.decrypt(key, sealed.content, associated_data)


def _associated_data(document_id: UUID, page: int | None = None) -> bytes:
    """Bind a content to its place: a page of a document, or the document's file."""
    place = "content" if page is None else f"page {page}"
    return f"{_TABLE}:{place}:{document_id}".encode()
