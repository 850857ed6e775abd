"""The email about a document that got its number, with the document."""

from collections.abc import Mapping

from app.documents import queries
from app.documents.rules import PREFIX
from app.kit import ids
from app.kit.db import Session
from app.messages import attachments
from app.messages.ports import EmailAttachment
from app.notifications.document_kinds import DocumentIssued

PDF = "application/pdf"


def draw_document(session: Session, values: Mapping[str, str]) -> list[EmailAttachment]:
    """Return the PDF of the document that a message is about."""
    document = queries.get_document(session, ids.decode(PREFIX, values["document"]))
    content = queries.get_content(session, document.id)
    from app.documents import invoice_pdf  # noqa: PLC0415 - its library takes 20 MB

    pdf = invoice_pdf.render_pdf(document.title, document.issued_at, content)
    return [EmailAttachment(document.file_name, PDF, pdf)]


attachments.register(DocumentIssued.kind.name, draw_document)
