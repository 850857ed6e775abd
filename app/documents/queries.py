"""Named reads of documents. Those without a number yet are not shown."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.branches.entities.models import LegalEntity
from app.catalog.rules import USD
from app.documents import rules
from app.documents.models import SalesDocument
from app.documents.rules import DocumentContent, DocumentKind
from app.keys import service as keys
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.list_query import ListSource
from app.kit.money import Amount


@dataclass(frozen=True, slots=True)
class NumberedDocument:
    """A document with its number."""

    id: UUID
    entity_code: str
    kind: DocumentKind
    sequence: int
    subject: PublicId
    user_id: UUID
    total_units: int
    issued_at: datetime
    numbered_at: datetime

    @property
    def public_id(self) -> PublicId:
        """The id as the API and the pages show it."""
        return ids.encode(rules.PREFIX, self.id)

    @property
    def number(self) -> str:
        """The number as the document shows it."""
        return rules.format_number(self.entity_code, self.kind, self.sequence)

    @property
    def total(self) -> Amount:
        """What it is about, in US dollars."""
        return Amount(USD, self.total_units)

    @property
    def title(self) -> str:
        """Its kind and number."""
        return f"{self.kind.label} {self.number}"

    @property
    def file_name(self) -> str:
        """The name of its file."""
        return f"{self.number}.pdf"


DOCUMENTS = ListSource(
    NumberedDocument,
    sa.select(
        SalesDocument.id,
        LegalEntity.code.label("entity_code"),
        SalesDocument.kind,
        SalesDocument.number.label("sequence"),
        SalesDocument.subject,
        SalesDocument.user_id,
        SalesDocument.total_units,
        SalesDocument.issued_at,
        SalesDocument.numbered_at,
    )
    .join(LegalEntity, LegalEntity.id == SalesDocument.entity_id)
    .where(SalesDocument.number.is_not(None)),
    key=SalesDocument.id,
    sorts={"issued": SalesDocument.issued_at},
    filters={
        "customer": lambda user_id: SalesDocument.user_id == user_id,
        "subject": lambda subject: SalesDocument.subject == subject,
        "number": lambda number: SalesDocument.number == number,
        "entity": lambda code: LegalEntity.code == code,
        "kind": lambda kind: SalesDocument.kind == kind,
        "from": lambda instant: SalesDocument.issued_at >= instant,
        "to": lambda instant: SalesDocument.issued_at < instant,
    },
)


def list_every_document(session: Session, user_id: UUID) -> Sequence[NumberedDocument]:
    """Return all documents of a customer, oldest first."""
    own = DOCUMENTS.select.where(SalesDocument.user_id == user_id)
    return session.select(NumberedDocument, own.order_by(SalesDocument.id))


def list_documents_about(
    session: Session, subjects: Sequence[PublicId]
) -> Sequence[NumberedDocument]:
    """Return the documents of acts, such as an order and its refunds, oldest first."""
    about = DOCUMENTS.select.where(SalesDocument.subject.in_(subjects))
    return session.select(NumberedDocument, about.order_by(SalesDocument.id))


def list_numbered(
    session: Session, entity_id: UUID, kind: DocumentKind, after: int
) -> list[NumberedDocument]:
    """Return the documents of a legal entity and kind with numbers after this one, by number."""
    found = DOCUMENTS.select.where(
        SalesDocument.entity_id == entity_id,
        SalesDocument.kind == kind,
        SalesDocument.number > after,
    )
    return session.select(NumberedDocument, found.order_by(SalesDocument.number))


def get_document(
    session: Session, document_id: UUID, *, user_id: UUID | None = None
) -> NumberedDocument:
    """Return a document; with `user_id` only if it is that customer's. Raises `NotFound`, also
    until it has its number."""
    found = DOCUMENTS.select.where(SalesDocument.id == document_id)
    if user_id is not None:
        found = found.where(SalesDocument.user_id == user_id)
    return session.get(NumberedDocument, found)


def get_invoice_content(session: Session, subject: PublicId, entity_id: UUID) -> DocumentContent:
    """Return what the invoice of a legal entity about an act says, also before it has its number.

    Raises `NotFound`.
    """
    found = sa.select(SalesDocument.id.label("document_id")).where(
        SalesDocument.subject == subject,
        SalesDocument.entity_id == entity_id,
        SalesDocument.kind == DocumentKind.INVOICE,
    )
    document_id: UUID = session.get(lambda document_id: document_id, found)
    return get_content(session, document_id)


def get_content(session: Session, document_id: UUID) -> DocumentContent:
    """Return what a document says."""
    sealed = session.value(
        "SELECT content_sealed FROM sales_documents WHERE id = %s", (document_id,)
    )
    text = keys.open_sealed(
        sealed, table="sales_documents", column="content_sealed", key=document_id
    )
    return DocumentContent.from_json(json.loads(text))
