"""What becomes of a verification by itself: from what the lists, the provider and the time say."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from app.kit import clock, ids
from app.kit.db import Session
from app.kit.ports import resolve
from app.kit.tasks import task
from app.kyc import rules
from app.kyc.evidence import documents
from app.kyc.queries import PREFIX, VerificationRow
from app.kyc.review import enhanced_due_diligence, transitions
from app.kyc.rules import (
    AWAITING_DECISION,
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
from app.outbox import service as outbox

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


def decide_automatically(session: Session, found: VerificationRow) -> VerificationRow:
    """The locked verification as it stands after what is known of it; one that waits for nobody
    stays as it is.

    Whoever a sanctions list names is refused, and whatever they had is taken. Otherwise nothing is
    decided while the lists are not.
    """
    if ReviewFlag.LISTED in found.flags and found.status in {
        *AWAITING_DECISION,
        VerificationStatus.APPROVED,
    }:
        return reject_verification(session, found, ReasonCode.CANNOT_SERVE)
    if found.status not in AWAITING_DECISION:
        return found
    if found.kind is not VerificationKind.IDENTITY or found.flags & SANCTIONS_FLAGS:
        return _keep_waiting(session, found, found.flags)
    return _decide_identity(session, found)


def _decide_identity(session: Session, found: VerificationRow) -> VerificationRow:
    """What the provider's answer makes of an identity that the lists do not know."""
    answered = found.provider_status
    flags = found.flags - {ReviewFlag.PROVIDER}
    if answered == VerificationOutcome.REVIEW:
        flags |= {ReviewFlag.PROVIDER}
    ends = {
        VerificationOutcome.FAILED: (
            VerificationStatus.REJECTED,
            rules.TIER_NONE,
            ReasonCode.IDENTITY_NOT_VERIFIED,
        ),
        VerificationOutcome.UNFINISHED: (
            VerificationStatus.MORE_NEEDED,
            found.tier,
            ReasonCode.NOT_FINISHED,
        ),
    }
    if answered in ends:
        status, tier, reason = ends[VerificationOutcome(answered)]
        return transitions.change_status(
            session, found, status, tier=tier, reasons=[reason], flags=flags
        )
    if flags or answered != VerificationOutcome.SUCCESS:
        return _keep_waiting(session, found, flags)
    # A list may have come since.
    if listed := current_sanctions_flag(session, found):
        return decide_automatically(session, replace(found, flags=frozenset({listed})))
    return approve_identity(session, found)


def current_sanctions_flag(session: Session, found: VerificationRow) -> ReviewFlag | None:
    """What the lists say at this moment of everybody whom a verification names."""
    told = submission_queries.details_of(session, found.id)
    return (
        sanctions_check.check_sanctions(session, found.id, found.user_id, told)
        if told is not None
        else None
    )


def _keep_waiting(
    session: Session, found: VerificationRow, flags: frozenset[ReviewFlag]
) -> VerificationRow:
    """For staff where something is marked, and for the provider where nothing is. An identity is
    good for tier 1 meanwhile, unless there are doubts about it."""
    is_identity = found.kind is VerificationKind.IDENTITY
    status = (
        VerificationStatus.PENDING if is_identity and not flags else VerificationStatus.IN_REVIEW
    )
    tier = rules.TIER_BASIC if is_identity and not flags & TIER_BLOCKING_FLAGS else rules.TIER_NONE
    if (status, tier, flags) == (found.status, found.tier, found.flags):
        return found
    return transitions.change_status(session, found, status, tier=tier, flags=flags)


def approve_identity(
    session: Session,
    found: VerificationRow,
    attribution: transitions.Attribution = transitions.BY_SYSTEM,
) -> VerificationRow:
    """Tier 2, in place of whatever identity was there before; and the review for tier 3, if the
    person has sent already what that needs."""
    others = [
        each
        for each in transitions.lock_verifications_of(session, found.user_id)
        if each.id != found.id
    ]
    older = [each for each in others if each.kind is not VerificationKind.BUSINESS]
    transitions.supersede(session, older, attribution)
    approved = transitions.change_status(
        session,
        found,
        VerificationStatus.APPROVED,
        attribution=attribution,
        tier=rules.TIER_VERIFIED,
        flags=(),
        expires_at=clock.now() + resolve(KycRules).validity,
    )
    enhanced_due_diligence.start_review_if_complete(
        session,
        found.user_id,
        documents.documents_of(session, found.user_id),
        transitions.BY_SYSTEM,
    )
    return approved


def reject_verification(
    session: Session,
    found: VerificationRow,
    *reasons: ReasonCode,
    attribution: transitions.Attribution = transitions.BY_SYSTEM,
) -> VerificationRow:
    """Say no to a locked verification. With an identity goes whatever was approved before it, and
    with one that had lifted it, its lift."""
    if found.kind is VerificationKind.IDENTITY:
        others = [
            each
            for each in transitions.lock_verifications_of(session, found.user_id)
            if each.id != found.id
        ]
        transitions.supersede(
            session,
            [each for each in others if each.kind is not VerificationKind.BUSINESS],
            attribution,
        )
    return transitions.change_status(
        session,
        found,
        VerificationStatus.REJECTED,
        tier=rules.TIER_NONE,
        reasons=reasons,
        attribution=attribution,
    )


def rescreen_verification(session: Session, verification_id: UUID) -> None:
    """Ask the lists anew about everybody whom a verification names, and settle what follows."""
    found = transitions.lock_verification(session, verification_id)
    if found.status not in {*AWAITING_DECISION, VerificationStatus.APPROVED}:
        return
    listed = current_sanctions_flag(session, found)
    # What was approved stays so until compliance has decided about a hit.
    if found.status is VerificationStatus.APPROVED and listed is not ReviewFlag.LISTED:
        return
    flags = found.flags - SANCTIONS_FLAGS | ({listed} if listed else set())
    if found.status is VerificationStatus.APPROVED:
        decide_automatically(session, replace(found, flags=flags))
    elif flags != found.flags:
        decide_automatically(session, transitions.set_flags(session, found, flags))


@task("kyc.screening_decided")
def apply_screening_decision(
    session: Session,
    *,
    about: str,
    person_id: str | None,  # noqa: ARG001 - the same decision is told to rooms that need it
    verdict: str,  # noqa: ARG001 - the lists are asked again: others may be undecided
) -> None:
    """Compliance decided about a hit of somebody whom a verification names."""
    if about.startswith(f"{PREFIX}_"):
        rescreen_verification(session, ids.decode(PREFIX, about))


@task("kyc.screen_waiting")
def screen_unscreened(session: Session) -> None:
    """Screen those who submitted while there was no list."""
    for (verification_id,) in session.rows(_UNSCREENED, (_BATCH,)):
        rescreen_verification(session, verification_id)


@task("kyc.expire")
def expire_verifications(session: Session) -> None:
    """End what held for its time, and tell those whose time ends soon; a batch at a time.

    An identity is still good for tier 1: the data are known, and nothing else is any more.
    """
    now = clock.now()
    for (verification_id,) in session.rows(_EXPIRED, (now, _BATCH)):
        found = transitions.lock_verification(session, verification_id)
        tier = rules.TIER_BASIC if found.kind is VerificationKind.IDENTITY else rules.TIER_NONE
        transitions.change_status(session, found, VerificationStatus.EXPIRED, tier=tier)
    soon = now + resolve(KycRules).expiry_warning
    for verification_id, user_id, kind, expires_at in session.rows(_EXPIRING, (soon, _BATCH)):
        session.send(_WARNED, (now, verification_id))
        _stage_expiry_warning(session, verification_id, user_id, VerificationKind(kind), expires_at)


def _stage_expiry_warning(
    session: Session,
    verification_id: UUID,
    user_id: UUID,
    kind: VerificationKind,
    expires_at: datetime,
) -> None:
    told = {
        "user_id": str(user_id),
        "event_key": f"kyc_expiring:{ids.encode(PREFIX, verification_id)}",
        "kind": "kyc_expiring",
        "values": {"about": transitions.KIND_PHRASES[kind], "until": f"{expires_at:%Y-%m-%d}"},
    }
    outbox.stage(session, "messages.deliver", told)


@task("kyc.forget_kept")
def delete_expired_evidence(session: Session) -> None:
    """Delete the evidence about people who were erased, once the law wants it no more."""
    for statement in _DELETE_KEPT:
        session.send(statement, (clock.now(),))
