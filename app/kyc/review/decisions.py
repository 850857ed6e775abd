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
from app.kyc.queries import PREFIX, Verification
from app.kyc.review import enhanced_due_diligence, transitions
from app.kyc.rules import DOUBTS, OF_LISTS, WAITING, Flag, Kind, KycRules, Reason, Status
from app.kyc.submission import queries as submission_queries
from app.kyc.submission import sanctions_check
from app.kyc.submission.ports import Outcome
from app.outbox import service as outbox

_BATCH = 500
_UNSCREENED = """
SELECT id FROM verifications
WHERE status = 'in_review' AND 'unscreened' = ANY(flags) ORDER BY id LIMIT %s
"""
_OVER = """
SELECT id FROM verifications WHERE status = 'approved' AND expires_at <= %s
ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_ENDING = """
SELECT id, user_id, kind, expires_at FROM verifications
WHERE status = 'approved' AND kind <> 'enhanced' AND expires_at <= %s AND warned_at IS NULL
ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_WARNED = "UPDATE verifications SET warned_at = %s WHERE id = %s"
_FORGET = (
    "DELETE FROM verifications WHERE kept_until <= %s",
    "DELETE FROM kyc_documents WHERE kept_until <= %s",
)


def settle(session: Session, found: Verification) -> Verification:
    """The locked verification as it stands after what is known of it; one that waits for nobody
    stays as it is.

    Whoever a sanctions list names is refused, and whatever they had is taken. Otherwise nothing is
    decided while the lists are not.
    """
    if Flag.LISTED in found.flags and found.status in {*WAITING, Status.APPROVED}:
        return refuse(session, found, Reason.CANNOT_SERVE)
    if found.status not in WAITING:
        return found
    if found.kind is not Kind.IDENTITY or found.flags & OF_LISTS:
        return _wait(session, found, found.flags)
    return _settle_identity(session, found)


def _settle_identity(session: Session, found: Verification) -> Verification:
    """What the provider's answer makes of an identity that the lists do not know."""
    answered = found.provider_status
    flags = found.flags - {Flag.PROVIDER}
    if answered == Outcome.REVIEW:
        flags |= {Flag.PROVIDER}
    ends = {
        Outcome.FAILED: (Status.REJECTED, rules.TIER_NONE, Reason.IDENTITY_NOT_VERIFIED),
        Outcome.UNFINISHED: (Status.MORE_NEEDED, found.tier, Reason.NOT_FINISHED),
    }
    if answered in ends:
        status, tier, reason = ends[Outcome(answered)]
        return transitions.go(session, found, status, tier=tier, reasons=[reason], flags=flags)
    if flags or answered != Outcome.SUCCESS:
        return _wait(session, found, flags)
    # A list may have come since.
    if listed := listed_now(session, found):
        return settle(session, replace(found, flags=frozenset({listed})))
    return approve_identity(session, found)


def listed_now(session: Session, found: Verification) -> Flag | None:
    """What the lists say at this moment of everybody whom a verification names."""
    told = submission_queries.of(session, found.id)
    return (
        sanctions_check.flag(session, found.id, found.user_id, told) if told is not None else None
    )


def _wait(session: Session, found: Verification, flags: frozenset[Flag]) -> Verification:
    """For staff where something is marked, and for the provider where nothing is. An identity is
    good for tier 1 meanwhile, unless there are doubts about it."""
    is_identity = found.kind is Kind.IDENTITY
    status = Status.PENDING if is_identity and not flags else Status.IN_REVIEW
    tier = rules.TIER_BASIC if is_identity and not flags & DOUBTS else rules.TIER_NONE
    if (status, tier, flags) == (found.status, found.tier, found.flags):
        return found
    return transitions.go(session, found, status, tier=tier, flags=flags)


def approve_identity(
    session: Session, found: Verification, said: transitions.Said = transitions.BY_ITSELF
) -> Verification:
    """Tier 2, in place of whatever identity was there before; and the review for tier 3, if the
    person has sent already what that needs."""
    others = [each for each in transitions.locked_of(session, found.user_id) if each.id != found.id]
    older = [each for each in others if each.kind is not Kind.BUSINESS]
    transitions.supersede(session, older, said)
    approved = transitions.go(
        session,
        found,
        Status.APPROVED,
        said=said,
        tier=rules.TIER_VERIFIED,
        flags=(),
        expires_at=clock.now() + resolve(KycRules).valid,
    )
    enhanced_due_diligence.consider(
        session, found.user_id, documents.of_person(session, found.user_id), transitions.BY_ITSELF
    )
    return approved


def refuse(
    session: Session,
    found: Verification,
    *reasons: Reason,
    said: transitions.Said = transitions.BY_ITSELF,
) -> Verification:
    """Say no to a locked verification. With an identity goes whatever was approved before it, and
    with one that had lifted it, its lift."""
    if found.kind is Kind.IDENTITY:
        others = [
            each for each in transitions.locked_of(session, found.user_id) if each.id != found.id
        ]
        transitions.supersede(
            session, [each for each in others if each.kind is not Kind.BUSINESS], said
        )
    return transitions.go(
        session, found, Status.REJECTED, tier=rules.TIER_NONE, reasons=reasons, said=said
    )


def screen_again(session: Session, verification_id: UUID) -> None:
    """Ask the lists anew about everybody whom a verification names, and settle what follows."""
    found = transitions.locked(session, verification_id)
    if found.status not in {*WAITING, Status.APPROVED}:
        return
    listed = listed_now(session, found)
    # What was approved stays so until compliance has decided about a hit.
    if found.status is Status.APPROVED and listed is not Flag.LISTED:
        return
    flags = found.flags - OF_LISTS | ({listed} if listed else set())
    if found.status is Status.APPROVED:
        settle(session, replace(found, flags=flags))
    elif flags != found.flags:
        settle(session, transitions.flagged(session, found, flags))


@task("kyc.screening_decided")
def screening_decided(
    session: Session,
    *,
    about: str,
    person_id: str | None,  # noqa: ARG001 - the same decision is told to rooms that need it
    verdict: str,  # noqa: ARG001 - the lists are asked again: others may be undecided
) -> None:
    """Compliance decided about a hit of somebody whom a verification names."""
    if about.startswith(f"{PREFIX}_"):
        screen_again(session, ids.decode(PREFIX, about))


@task("kyc.screen_waiting")
def screen_waiting(session: Session) -> None:
    """Screen those who submitted while there was no list."""
    for (verification_id,) in session.rows(_UNSCREENED, (_BATCH,)):
        screen_again(session, verification_id)


@task("kyc.expire")
def expire(session: Session) -> None:
    """End what held for its time, and tell those whose time ends soon; a batch at a time.

    An identity is still good for tier 1: the data are known, and nothing else is any more.
    """
    now = clock.now()
    for (verification_id,) in session.rows(_OVER, (now, _BATCH)):
        found = transitions.locked(session, verification_id)
        tier = rules.TIER_BASIC if found.kind is Kind.IDENTITY else rules.TIER_NONE
        transitions.go(session, found, Status.EXPIRED, tier=tier)
    soon = now + resolve(KycRules).warned
    for verification_id, user_id, kind, expires_at in session.rows(_ENDING, (soon, _BATCH)):
        session.send(_WARNED, (now, verification_id))
        _warn(session, verification_id, user_id, Kind(kind), expires_at)


def _warn(
    session: Session, verification_id: UUID, user_id: UUID, kind: Kind, expires_at: datetime
) -> None:
    told = {
        "user_id": str(user_id),
        "event_key": f"kyc_expiring:{ids.encode(PREFIX, verification_id)}",
        "kind": "kyc_expiring",
        "values": {"about": transitions.ABOUT[kind], "until": f"{expires_at:%Y-%m-%d}"},
    }
    outbox.stage(session, "messages.deliver", told)


@task("kyc.forget_kept")
def forget_kept(session: Session) -> None:
    """Delete the evidence about people who were erased, once the law wants it no more."""
    for statement in _FORGET:
        session.send(statement, (clock.now(),))
