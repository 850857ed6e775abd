"""Tables of numbered documents."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.documents.rules import DocumentKind
from app.keys.registry import Sealed
from app.kit.db import Base
from app.kit.statements import StoredEnum


class SalesDocument(Base):
    """A document. It has no number until the job that numbers has seen its commit."""

    __tablename__ = "sales_documents"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('invoice', 'credit_note')", name="document_kind_known"),
        sa.CheckConstraint("number > 0", name="document_number_is_positive"),
        sa.CheckConstraint(
            "(number IS NULL) = (numbered_at IS NULL)", name="numbered_document_says_when"
        ),
        sa.UniqueConstraint("entity_id", "kind", "number", name="document_number_is_unique"),
        sa.UniqueConstraint("subject", "entity_id", "kind", name="act_is_documented_once"),
        sa.Index("sales_documents_user_id_id_idx", "user_id", "id"),
        sa.Index("sales_documents_issued_at_idx", "issued_at", "id"),
        sa.Index(
            "sales_documents_waiting_idx",
            "entity_id",
            "kind",
            "issued_at",
            postgresql_where=sa.text("number IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    entity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("legal_entities.id"))
    kind: Mapped[DocumentKind] = mapped_column(StoredEnum(DocumentKind))
    number: Mapped[int | None] = mapped_column(sa.BigInteger)
    #: The public id of what it documents, such as an order.
    subject: Mapped[str] = mapped_column(sa.Text)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    total_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: `DocumentContent` as JSON.
    content_sealed: Mapped[bytes] = mapped_column(Sealed)
    issued_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    numbered_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class DocumentCounter(Base):
    """The last number of a legal entity's documents of one kind. Its row is locked to number."""

    __tablename__ = "document_counters"
    __table_args__ = (sa.CheckConstraint("last_number >= 0", name="document_counter_counts"),)

    entity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("legal_entities.id"), primary_key=True)
    kind: Mapped[DocumentKind] = mapped_column(StoredEnum(DocumentKind), primary_key=True)
    last_number: Mapped[int] = mapped_column(sa.BigInteger)
