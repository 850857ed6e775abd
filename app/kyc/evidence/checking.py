"""The check of a document after its upload: its pages are drawn, or it is refused with a reason."""

from uuid import UUID

import sqlalchemy as sa

from app.audit import service as audit
from app.audit.actions import AuditAction
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import Invalid
from app.kyc.evidence import documents
from app.kyc.evidence.documents import DocumentRow
from app.kyc.models import Document
from app.kyc.review import enhanced_due_diligence, transitions
from app.kyc.rules import DocumentState
from app.notifications import service as notifications
from app.notifications.kinds import DocumentUnusable
from app.pictures import file_types, rendering
from app.pictures.rendering import FileRefused
from app.pictures.rules import FileProblem


def check_document(database: Database, document_id: UUID) -> None:
    """Draw the pages of a document and keep them in place of its file, or refuse it.

    Does nothing for one that has its verdict, or that was erased meanwhile.
    """
    with database.reading() as session:
        raw = documents.find_file(session, document_id)
    if raw is None:
        return
    pages, problem = _draw(raw)
    with database.transaction() as session:
        document = _lock(session, document_id)
        if document is None or document.page_count is not None or not document.is_usable:
            return
        if problem is None:
            _accept(session, document, pages)
        # One that was accepted before pages were drawn stays evidence, which must be kept.
        elif document.state is DocumentState.RECEIVED:
            _refuse(session, document, problem)


def _draw(raw: bytes) -> tuple[list[bytes], FileProblem | None]:
    try:
        return rendering.render_pages(file_types.recognize(raw)), None
    except Invalid:
        # Its type was taken when it was sent: the rules have changed since.
        return [], FileProblem.DAMAGED
    except FileRefused as refused:
        return [], refused.problem


def _lock(session: Session, document_id: UUID) -> DocumentRow | None:
    return session.find(
        DocumentRow, documents.SELECT_DOCUMENTS.where(Document.id == document_id).with_for_update()
    )


def _accept(session: Session, document: DocumentRow, pages: list[bytes]) -> None:
    documents.add_pages(session, document.id, pages)
    _settle(session, document, state=DocumentState.ACCEPTED, page_count=len(pages))
    if document.state is DocumentState.ACCEPTED:
        return
    _record(session, document, AuditAction.DOCUMENT_ACCEPTED, {"pages": str(len(pages))})
    enhanced_due_diligence.start_review_if_complete(
        session,
        document.user_id,
        documents.accepted_documents_of(session, document.user_id),
        transitions.BY_SYSTEM,
    )


def _refuse(session: Session, document: DocumentRow, problem: FileProblem) -> None:
    _settle(session, document, state=DocumentState.REFUSED, problem=problem)
    _record(session, document, AuditAction.DOCUMENT_REFUSED, {"problem": problem})
    unusable = DocumentUnusable(document.purpose.label, problem.label)
    notifications.notify(
        session, unusable, to=document.user_id, event=ids.encode(documents.PREFIX, document.id)
    )


def _settle(session: Session, document: DocumentRow, **verdict: object) -> None:
    """Store the verdict. The file itself is not kept."""
    of_document = sa.update(Document).where(Document.id == document.id)
    session.write(of_document.values(content=None, checked_at=clock.now(), **verdict))


def _record(
    session: Session, document: DocumentRow, action: AuditAction, after: dict[str, str]
) -> None:
    audit.record(
        session,
        actor=None,
        action=action,
        subject=document.public_id,
        on_behalf_of=document.user_id,
        after=after,
    )
