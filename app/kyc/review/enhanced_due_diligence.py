"""Tier 3: asked for by sending what shows it, approved by two of the staff."""

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
    """A document, as far as it matters here."""

    @property
    def purpose(self) -> DocumentPurpose:
        """What it shows."""
        ...


def missing_documents(documents: Collection[HasPurpose]) -> list[DocumentPurpose]:
    """What has not been sent of what tier 3 needs."""
    there = {each.purpose for each in documents}
    return [each for each in ENHANCED_DOCUMENTS if each not in there]


def start_review_if_complete(
    session: Session,
    user_id: UUID,
    documents: Collection[HasPurpose],
    attribution: transitions.Attribution,
) -> None:
    """Begin the review for tier 3, if somebody has tier 2 and sent what it needs; bring back to the
    staff what waited for their documents."""
    found = transitions.lock_verifications_of(session, user_id)
    for each in found:
        if (
            each.status is VerificationStatus.MORE_NEEDED
            and ReasonCode.NOT_FINISHED not in each.reasons
        ):
            transitions.change_status(
                session, each, VerificationStatus.IN_REVIEW, attribution=attribution
            )
    identity = approved_identity(found)
    open_one = any(
        each.kind is VerificationKind.ENHANCED and each.status in OPEN_STATUSES for each in found
    )
    if (
        identity is None
        or identity.tier != rules.TIER_VERIFIED
        or open_one
        or missing_documents(documents)
    ):
        return
    older = [each for each in found if each.kind is VerificationKind.ENHANCED]
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
    """The approved identity among a person's verifications that tier 3 would be added to."""
    best = queries.effective_identity(list(verifications))
    is_valid = best is not None and best.status_at(clock.now()) is VerificationStatus.APPROVED
    return best if is_valid else None
