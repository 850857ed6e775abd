"""A customer's verification status, as the customer sees it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.kit import clock
from app.kit.db import Session
from app.kyc import queries, rules
from app.kyc.evidence import documents
from app.kyc.evidence.documents import DocumentRow
from app.kyc.queries import TierStatus, VerificationRow
from app.kyc.review import enhanced_due_diligence
from app.kyc.rules import (
    BUSINESS_DOCUMENTS,
    OPEN_STATUSES,
    ReasonCode,
    VerificationKind,
    VerificationStatus,
)
from app.kyc.submission import queries as submission_queries

#: Status before anything was submitted.
NOT_SUBMITTED = "none"


@dataclass(frozen=True, slots=True)
class ReasonMessage:
    """A reason code with its text."""

    code: ReasonCode
    message: str


@dataclass(frozen=True, slots=True)
class VerificationSummary:
    """A verification as the customer sees it."""

    id: UUID | None
    status: str
    submitted_at: datetime | None
    decided_at: datetime | None
    expires_at: datetime | None
    reasons: list[ReasonMessage]


_NO_IDENTITY = VerificationSummary(None, NOT_SUBMITTED, None, None, None, [])


@dataclass(frozen=True, slots=True)
class KycStatus:
    """Everything that a customer sees. `identity` is the one that counts."""

    identity: VerificationSummary
    tier_status: TierStatus
    missing: list[str]
    verification_url: str | None
    documents: list[DocumentRow]
    renewal: VerificationSummary | None
    upgrade: VerificationSummary | None
    business: VerificationSummary | None


def status_of(session: Session, user_id: UUID) -> KycStatus:
    """Return a customer's verifications, tier, and what the next tier needs."""
    basis = queries.tier_basis(session, user_id)
    all_documents = documents.documents_of(session, user_id)
    documents_sent = [document for document in all_documents if document.is_usable]
    tier_status, identity = queries.tier_status_from(session, basis), basis.identity
    newest = {
        kind: next((each for each in basis.verifications if each.kind is kind), None)
        for kind in VerificationKind
    }
    latest, company = newest[VerificationKind.IDENTITY], newest[VerificationKind.BUSINESS]
    is_pending = latest is not None and latest.status is VerificationStatus.PENDING
    email_confirmed = basis.person.email_confirmed
    return KycStatus(
        _summary(identity) or _NO_IDENTITY,
        tier_status,
        _missing(tier_status, latest, company, documents_sent, email_confirmed=email_confirmed),
        submission_queries.provider_link(session, latest.id)
        if latest is not None and is_pending
        else None,
        all_documents,
        _summary(latest) if latest is not identity else None,
        _summary(newest[VerificationKind.ENHANCED]),
        _summary(company),
    )


def _missing(
    tier_status: TierStatus,
    latest: VerificationRow | None,
    company: VerificationRow | None,
    documents_sent: list[DocumentRow],
    *,
    email_confirmed: bool,
) -> list[str]:
    """List what the customer can do for the next tier, and for their company."""
    missing = [] if email_confirmed else ["email"]
    if latest is None or latest.status in {
        VerificationStatus.REJECTED,
        VerificationStatus.EXPIRED,
        VerificationStatus.MORE_NEEDED,
    }:
        missing.append("identity")
    if tier_status.tier == rules.TIER_VERIFIED:
        missing += [
            f"document:{purpose}"
            for purpose in enhanced_due_diligence.missing_documents(documents_sent)
        ]
    if company is not None and company.status in OPEN_STATUSES:
        purposes_sent = {purpose.purpose for purpose in documents_sent}
        missing += [
            f"document:{purpose}" for purpose in BUSINESS_DOCUMENTS if purpose not in purposes_sent
        ]
    return missing


def _summary(verification: VerificationRow | None) -> VerificationSummary | None:
    if verification is None:
        return None
    return VerificationSummary(
        verification.id,
        verification.status_at(clock.now()),
        verification.submitted_at,
        verification.decided_at,
        verification.expires_at,
        [ReasonMessage(reason, reason.label) for reason in verification.reasons],
    )
