"""Tables of kyc."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.keys.registry import Sealed
from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.kyc.rules import (
    DocumentPurpose,
    DocumentState,
    ReasonCode,
    ReviewFlag,
    VerificationKind,
    VerificationStatus,
)
from app.pictures.rules import FileProblem

_STATUSES = (
    "'pending', 'in_review', 'more_needed', 'approved', 'rejected', 'expired', 'superseded',"
    " 'withdrawn'"
)
_OPEN = "status IN ('pending', 'in_review', 'more_needed')"
_NOTHING = sa.text("'{}'::text[]")


class Verification(Base):
    """A submission by a person about themselves or their company, and its outcome."""

    __tablename__ = "verifications"
    __table_args__ = (
        sa.CheckConstraint(
            "kind IN ('identity', 'enhanced', 'business')", name="verification_kind_known"
        ),
        sa.CheckConstraint(f"status IN ({_STATUSES})", name="verification_status_known"),
        sa.CheckConstraint("tier BETWEEN 0 AND 3", name="tier_known"),
        sa.CheckConstraint("kind = 'identity' OR tier = 0", name="tier_is_an_identitys"),
        sa.CheckConstraint(
            "(kind = 'enhanced') = (details_sealed IS NULL)", name="details_unless_enhanced"
        ),
        sa.CheckConstraint(
            "status <> 'approved' OR (decided_at IS NOT NULL AND expires_at IS NOT NULL"
            " AND (kind <> 'identity' OR tier >= 2) AND cardinality(flags) = 0)",
            name="approved_with_evidence",
        ),
        sa.CheckConstraint(
            "status NOT IN ('rejected', 'more_needed') OR cardinality(reasons) > 0",
            name="reasons_if_refused",
        ),
        sa.CheckConstraint("status <> 'rejected' OR tier = 0", name="rejected_has_no_tier"),
        sa.CheckConstraint(
            "id_number_index IS NULL OR octet_length(id_number_index) = 32",
            name="id_number_index_is_a_mac",
        ),
        sa.CheckConstraint(
            "person_index IS NULL OR octet_length(person_index) = 32", name="person_index_is_a_mac"
        ),
        sa.CheckConstraint(
            "address_index IS NULL OR octet_length(address_index) = 32",
            name="address_index_is_a_mac",
        ),
        sa.CheckConstraint(
            "provider_reference IS NULL OR provider IS NOT NULL", name="reference_of_a_provider"
        ),
        sa.UniqueConstraint("provider", "provider_reference"),
        sa.Index(
            "verifications_one_open_key",
            "user_id",
            "kind",
            unique=True,
            postgresql_where=sa.text(_OPEN),
        ),
        sa.Index("verifications_user_id_id_idx", "user_id", "id"),
        sa.Index("verifications_status_id_idx", "status", "id"),
        sa.Index(
            "verifications_look_at_idx",
            "look_at",
            postgresql_where=sa.text("kind = 'identity' AND status IN ('pending', 'in_review')"),
        ),
        sa.Index(
            "verifications_id_number_index_idx",
            "id_number_index",
            postgresql_where=sa.text("id_number_index IS NOT NULL"),
        ),
        sa.Index(
            "verifications_person_index_idx",
            "person_index",
            postgresql_where=sa.text("person_index IS NOT NULL"),
        ),
        sa.Index(
            "verifications_address_index_idx",
            "address_index",
            postgresql_where=sa.text("address_index IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    kind: Mapped[VerificationKind] = mapped_column(StoredEnum(VerificationKind))
    status: Mapped[VerificationStatus] = mapped_column(StoredEnum(VerificationStatus))
    tier: Mapped[int] = mapped_column(sa.Integer)
    #: Submitted details as JSON (applicant_details.py). An enhanced verification has none.
    details_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    #: Blind index that finds the same ID number in another person's verification.
    id_number_index: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    #: Blind indexes of name and birth date, and of the postal address (same_person.py). The first
    #: is null when staff decided that the person is another one.
    person_index: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    address_index: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    #: Why it cannot be approved without staff.
    flags: Mapped[list[ReviewFlag]] = mapped_column(
        ARRAY(StoredEnum(ReviewFlag)), server_default=_NOTHING
    )
    #: The reasons that the customer sees (rules.ReasonCode).
    reasons: Mapped[list[ReasonCode]] = mapped_column(
        ARRAY(StoredEnum(ReasonCode)), server_default=_NOTHING
    )
    #: The provider, its reference, and its last outcome.
    provider: Mapped[str | None] = mapped_column(sa.Text)
    provider_reference: Mapped[str | None] = mapped_column(sa.Text)
    provider_status: Mapped[str | None] = mapped_column(sa.Text)
    #: The link where the customer continues at the provider. Its bearer has access: sealed.
    provider_link_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    submitted_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    #: When the provider is polled again, until its result is final.
    look_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    decided_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    expires_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: When the customer was warned of its expiry.
    warned_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: Set when the person is erased: it is deleted then.
    kept_until: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class VerificationEvent(Base):
    """A change of a verification's status, or a remark about it."""

    __tablename__ = "verification_events"
    __table_args__ = (sa.Index("verification_events_verification_id_idx", "verification_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    verification_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("verifications.id", ondelete="CASCADE")
    )
    #: Null for the first event.
    from_status: Mapped[str | None] = mapped_column(sa.Text)
    to_status: Mapped[str] = mapped_column(sa.Text)
    tier: Mapped[int] = mapped_column(sa.Integer)
    reasons: Mapped[list[str]] = mapped_column(ARRAY(sa.Text), server_default=_NOTHING)
    #: Null for the system: the provider's result, or expiry.
    actor_id: Mapped[UUID | None]
    #: Internal note.
    note: Mapped[str | None] = mapped_column(sa.Text)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class BeneficialOwner(Base):
    """A person who owns at least a quarter of a company, or who controls it."""

    __tablename__ = "beneficial_owners"
    __table_args__ = (
        sa.CheckConstraint("share_bps BETWEEN 0 AND 10000", name="share_is_a_part"),
        sa.CheckConstraint("controls OR share_bps >= 2500", name="owner_owns_or_controls"),
        sa.Index("beneficial_owners_verification_id_idx", "verification_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    verification_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("verifications.id", ondelete="CASCADE")
    )
    #: Names, date of birth, country and address, as JSON.
    details_sealed: Mapped[bytes] = mapped_column(Sealed)
    share_bps: Mapped[int] = mapped_column(sa.Integer)
    controls: Mapped[bool] = mapped_column(sa.Boolean)


class Document(Base):
    """A document that a person sent, encrypted under its own key, which is sealed.

    Rotating the key ring wraps only the key again, not the document.
    """

    __tablename__ = "kyc_documents"
    __table_args__ = (
        sa.CheckConstraint(
            "purpose IN ('identity', 'address', 'funds', 'registration', 'licence', 'ownership')",
            name="document_purpose_known",
        ),
        sa.CheckConstraint(
            "media_type IN ('image/jpeg', 'application/pdf')", name="document_type_known"
        ),
        sa.CheckConstraint("size_bytes > 0", name="document_is_not_empty"),
        sa.CheckConstraint("octet_length(content_index) = 32", name="content_index_is_a_mac"),
        sa.CheckConstraint(
            "state IN ('received', 'accepted', 'refused')", name="document_state_known"
        ),
        sa.CheckConstraint(
            "(state = 'refused') = (problem IS NOT NULL)", name="document_refused_for_a_problem"
        ),
        sa.CheckConstraint(
            "CASE state WHEN 'received' THEN content IS NOT NULL"
            " WHEN 'refused' THEN content IS NULL"
            " ELSE (content IS NULL) = (page_count IS NOT NULL) END",
            name="document_is_kept_as_pages",
        ),
        sa.CheckConstraint("page_count BETWEEN 1 AND 60", name="page_count_known"),
        sa.UniqueConstraint("user_id", "purpose", "content_index"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    purpose: Mapped[DocumentPurpose] = mapped_column(StoredEnum(DocumentPurpose))
    media_type: Mapped[str] = mapped_column(sa.Text)
    state: Mapped[DocumentState] = mapped_column(StoredEnum(DocumentState))
    problem: Mapped[FileProblem | None] = mapped_column(StoredEnum(FileProblem))
    page_count: Mapped[int | None] = mapped_column(sa.Integer)
    #: Size of the file as it was sent.
    size_bytes: Mapped[int] = mapped_column(sa.Integer)
    #: Blind index of the file's hash: recognises the same file sent again, and proves from which
    #: file the pages were drawn.
    content_index: Mapped[bytes] = mapped_column(sa.LargeBinary)
    key_sealed: Mapped[bytes] = mapped_column(Sealed)
    #: The file, encrypted with AES-256-GCM under that key, until its pages are drawn.
    content: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    uploaded_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    checked_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: Set when the person is erased: it is deleted then.
    kept_until: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class DocumentPage(Base):
    """A page of an accepted document, drawn as a JPEG picture."""

    __tablename__ = "kyc_document_pages"
    __table_args__ = (
        sa.CheckConstraint("number BETWEEN 1 AND 60", name="document_page_number_known"),
    )

    document_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("kyc_documents.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    #: Encrypted with AES-256-GCM under the document's key.
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)
