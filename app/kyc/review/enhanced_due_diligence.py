"""Enhanced due diligence for tier 3: started by sending the documents, approved by two people."""

from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from app.kit import clock, ids
from app.kit.db import Session
from app.kyc import queries, rules
from app.kyc.queries import VerificationRow
from app.kyc.review import transitions
from app.kyc.rules import (
    ENHANCED_DOCUMENTS,
    OPEN_STATUSES,
    DocumentPurpose,
    ReasonCode,
    VerificationKind,
    VerificationStatus,
)


class HasPurpose(Protocol):
    """Any document with a purpose."""

    @property
    def purpose(self) -> DocumentPurpose:
        """What the document proves."""
        ...


def missing_documents(documents: Collection[HasPurpose]) -> list[DocumentPurpose]:
    """Return the purposes that tier 3 needs and for which no document was sent."""
    purposes = {purpose.purpose for purpose in documents}
    return [purpose for purpose in ENHANCED_DOCUMENTS if purpose not in purposes]


def start_review_if_complete(
    session: Session,
    user_id: UUID,
    documents: Collection[HasPurpose],
    attribution: transitions.Attribution,
) -> None:
    """Start the tier-3 review if a customer has tier 2 and all documents for it.

    Also returns verifications to staff that waited for the customer's documents.
    """
    verifications = transitions.lock_verifications_of(session, user_id)
    for verification in verifications:
        if (
            verification.status is VerificationStatus.MORE_NEEDED
            and ReasonCode.NOT_FINISHED not in verification.reasons
        ):
            transitions.change_status(
                session, verification, VerificationStatus.IN_REVIEW, attribution=attribution
            )
    identity = approved_identity(verifications)
    is_open = any(
        verification.kind is VerificationKind.ENHANCED and verification.status in OPEN_STATUSES
        for verification in verifications
    )
    if (
        identity is None
        or identity.tier != rules.TIER_VERIFIED
        or is_open
        or missing_documents(documents)
    ):
        return
    older = [
        verification
        for verification in verifications
        if verification.kind is VerificationKind.ENHANCED
    ]
    transitions.supersede(session, older, attribution)
    transitions.create_verification(
        session,
        attribution.actor,
        verification_id=ids.new(),
        user_id=user_id,
        kind=VerificationKind.ENHANCED,
        status=VerificationStatus.IN_REVIEW,
        tier=rules.TIER_NONE,
        details_sealed=None,
    )


def approved_identity(verifications: Collection[VerificationRow]) -> VerificationRow | None:
    """Return the approved identity that tier 3 is added to, if there is one."""
    identity = queries.effective_identity(list(verifications))
    is_valid = (
        identity is not None and identity.status_at(clock.now()) is VerificationStatus.APPROVED
    )
    return identity if is_valid else None
