"""Decisions by the system, from the sanctions lists, the provider's result and the time."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from app.kit import clock, ids
from app.kit.db import Session
from app.kyc import rules
from app.kyc.evidence import documents
from app.kyc.queries import PREFIX, VerificationRow
from app.kyc.review import enhanced_due_diligence, transitions
from app.kyc.rules import (
    AWAITING_DECISION,
    REJECTING_FLAGS,
    SANCTIONS_FLAGS,
    TIER_BLOCKING_FLAGS,
    KycRules,
    ReasonCode,
    ReviewFlag,
    VerificationKind,
    VerificationStatus,
)
from app.kyc.submission import queries as submission_queries
from app.kyc.submission import sanctions_check
from app.kyc.submission.ports import VerificationOutcome
from app.notifications import service as notifications
from app.notifications.kinds import KycExpiring
from app.settings.queries import current

_BATCH = 500
_UNSCREENED = """
SELECT id FROM verifications
WHERE status = 'in_review' AND 'unscreened' = ANY(flags) ORDER BY id LIMIT %s
"""
_EXPIRED = """
SELECT id FROM verifications WHERE status = 'approved' AND expires_at <= %s
ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_EXPIRING = """
SELECT id, user_id, kind, expires_at FROM verifications
WHERE status = 'approved' AND kind <> 'enhanced' AND expires_at <= %s AND warned_at IS NULL
ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_WARNED = "UPDATE verifications SET warned_at = %s WHERE id = %s"
_DELETE_KEPT = (
    "DELETE FROM verifications WHERE kept_until <= %s",
    "DELETE FROM kyc_documents WHERE kept_until <= %s",
)


def decide_automatically(session: Session, verification: VerificationRow) -> VerificationRow:
    """Decide a locked verification as far as its flags and the provider's result allow.

    A person whom a sanctions list names, or who lives in an embargoed place, is rejected and loses
    their tier. Otherwise nothing is decided while a sanctions flag is set. A verification that is
    decided, or that waits for the customer, is returned unchanged.
    """
    if verification.flags & REJECTING_FLAGS and verification.status in {
        *AWAITING_DECISION,
        VerificationStatus.APPROVED,
    }:
        return reject_verification(session, verification, ReasonCode.CANNOT_SERVE)
    if verification.status not in AWAITING_DECISION:
        return verification
    if verification.kind is not VerificationKind.IDENTITY or verification.flags & SANCTIONS_FLAGS:
        return _keep_waiting(session, verification, verification.flags)
    return _decide_identity(session, verification)


def _decide_identity(session: Session, verification: VerificationRow) -> VerificationRow:
    """Decide an identity without sanctions flags from the provider's result."""
    outcome = verification.provider_status
    flags = verification.flags - {ReviewFlag.PROVIDER}
    if outcome == VerificationOutcome.REVIEW:
        flags |= {ReviewFlag.PROVIDER}
    decisions = {
        VerificationOutcome.FAILED: (
            VerificationStatus.REJECTED,
            rules.TIER_NONE,
            ReasonCode.IDENTITY_NOT_VERIFIED,
        ),
        VerificationOutcome.UNFINISHED: (
            VerificationStatus.MORE_NEEDED,
            verification.tier,
            ReasonCode.NOT_FINISHED,
        ),
    }
    if outcome in decisions:
        status, tier, reason = decisions[VerificationOutcome(outcome)]
        return transitions.change_status(
            session, verification, status, tier=tier, reasons=[reason], flags=flags
        )
    if flags or outcome != VerificationOutcome.SUCCESS:
        return _keep_waiting(session, verification, flags)
    # A list may have been imported since.
    if sanctions_flag := current_sanctions_flag(session, verification):
        return decide_automatically(
            session, replace(verification, flags=frozenset({sanctions_flag}))
        )
    return approve_identity(session, verification)


def current_sanctions_flag(session: Session, verification: VerificationRow) -> ReviewFlag | None:
    """Screen everyone whom a verification names against the current list."""
    details = submission_queries.details_of(session, verification.id)
    return (
        sanctions_check.check_sanctions(session, verification.id, verification.user_id, details)
        if details is not None
        else None
    )


def _keep_waiting(
    session: Session, verification: VerificationRow, flags: frozenset[ReviewFlag]
) -> VerificationRow:
    """Keep it waiting: for staff if a flag is set, otherwise for the provider.

    An identity gives tier 1 meanwhile, unless a flag blocks the tier.
    """
    is_identity = verification.kind is VerificationKind.IDENTITY
    status = (
        VerificationStatus.PENDING if is_identity and not flags else VerificationStatus.IN_REVIEW
    )
    tier = rules.TIER_BASIC if is_identity and not flags & TIER_BLOCKING_FLAGS else rules.TIER_NONE
    if (status, tier, flags) == (verification.status, verification.tier, verification.flags):
        return verification
    return transitions.change_status(session, verification, status, tier=tier, flags=flags)


def approve_identity(
    session: Session,
    verification: VerificationRow,
    attribution: transitions.Attribution = transitions.BY_SYSTEM,
) -> VerificationRow:
    """Approve an identity for tier 2, superseding earlier ones.

    Starts the tier-3 review if the customer has already sent what it needs.
    """
    others = [
        other
        for other in transitions.lock_verifications_of(session, verification.user_id)
        if other.id != verification.id
    ]
    older = [other for other in others if other.kind is not VerificationKind.BUSINESS]
    transitions.supersede(session, older, attribution)
    approved = transitions.change_status(
        session,
        verification,
        VerificationStatus.APPROVED,
        attribution=attribution,
        tier=rules.TIER_VERIFIED,
        flags=(),
        expires_at=clock.now() + current(session, KycRules).validity,
    )
    enhanced_due_diligence.start_review_if_complete(
        session,
        verification.user_id,
        documents.accepted_documents_of(session, verification.user_id),
        transitions.BY_SYSTEM,
    )
    return approved


def reject_verification(
    session: Session,
    verification: VerificationRow,
    *reasons: ReasonCode,
    attribution: transitions.Attribution = transitions.BY_SYSTEM,
) -> VerificationRow:
    """Reject a locked verification. Rejecting an identity also ends earlier approvals."""
    if verification.kind is VerificationKind.IDENTITY:
        others = [
            other
            for other in transitions.lock_verifications_of(session, verification.user_id)
            if other.id != verification.id
        ]
        transitions.supersede(
            session,
            [other for other in others if other.kind is not VerificationKind.BUSINESS],
            attribution,
        )
    return transitions.change_status(
        session,
        verification,
        VerificationStatus.REJECTED,
        tier=rules.TIER_NONE,
        reasons=reasons,
        attribution=attribution,
    )


def rescreen_verification(session: Session, verification_id: UUID) -> None:
    """Screen everyone whom a verification names again, and decide what follows."""
    verification = transitions.lock_verification(session, verification_id)
    if verification.status not in {*AWAITING_DECISION, VerificationStatus.APPROVED}:
        return
    sanctions_flag = current_sanctions_flag(session, verification)
    # An approval is valid until compliance has decided the hit.
    if (
        verification.status is VerificationStatus.APPROVED
        and sanctions_flag is not ReviewFlag.LISTED
    ):
        return
    flags = verification.flags - SANCTIONS_FLAGS | ({sanctions_flag} if sanctions_flag else set())
    if verification.status is VerificationStatus.APPROVED:
        decide_automatically(session, replace(verification, flags=flags))
    elif flags != verification.flags:
        decide_automatically(session, transitions.set_flags(session, verification, flags))


def screen_unscreened(session: Session) -> None:
    """Screen those who submitted while there was no sanctions list."""
    for (verification_id,) in session.rows(_UNSCREENED, (_BATCH,)):
        rescreen_verification(session, verification_id)


def expire_verifications(session: Session) -> None:
    """Expire approvals that ran out, and warn about those that end soon, a batch at a time.

    An expired identity still gives tier 1: the person's details are known.
    """
    now = clock.now()
    for (verification_id,) in session.rows(_EXPIRED, (now, _BATCH)):
        verification = transitions.lock_verification(session, verification_id)
        tier = (
            rules.TIER_BASIC if verification.kind is VerificationKind.IDENTITY else rules.TIER_NONE
        )
        transitions.change_status(session, verification, VerificationStatus.EXPIRED, tier=tier)
    warn_before = now + current(session, KycRules).expiry_warning
    for verification_id, user_id, kind, expires_at in session.rows(
        _EXPIRING, (warn_before, _BATCH)
    ):
        session.send(_WARNED, (now, verification_id))
        _stage_expiry_warning(session, verification_id, user_id, VerificationKind(kind), expires_at)


def _stage_expiry_warning(
    session: Session,
    verification_id: UUID,
    user_id: UUID,
    kind: VerificationKind,
    expires_at: datetime,
) -> None:
    expiring = KycExpiring(transitions.KIND_PHRASES[kind], expires_at.date())
    event = ids.encode(PREFIX, verification_id)
    notifications.notify(session, expiring, to=user_id, event=event)


def delete_expired_evidence(session: Session) -> None:
    """Delete evidence about erased people when its retention period has ended."""
    for statement in _DELETE_KEPT:
        session.send(statement, (clock.now(),))
