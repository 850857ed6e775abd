"""Changes of a verification: each under the row's lock, with an event, an audit record and a
message.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.statements import compile_select
from app.kyc.models import Verification
from app.kyc.queries import (
    OF_PERSON,
    SELECT_VERIFICATIONS,
    VerificationRow,
    verification_from_row,
)
from app.kyc.rules import (
    TRANSITIONS,
    KycRules,
    ReasonCode,
    ReviewFlag,
    VerificationKind,
    VerificationStatus,
)
from app.notifications import service as notifications
from app.notifications.facts import MessageFacts
from app.notifications.kinds import KycApproved, KycMoreNeeded, KycRejected
from app.settings.queries import current

_INSERT = """
INSERT INTO verifications (id, user_id, kind, status, tier, details_sealed, id_number_index,
    person_index, address_index, flags, submitted_at, look_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_LOCK = compile_select(
    SELECT_VERIFICATIONS.where(Verification.id == sa.bindparam("verification_id")).with_for_update()
)
_LOCK_ALL = compile_select(OF_PERSON.with_for_update())
_STORE = """
UPDATE verifications SET status = %s, tier = %s, flags = %s, reasons = %s, decided_at = %s,
    expires_at = %s
WHERE id = %s
"""
_EVENT = """
INSERT INTO verification_events (id, verification_id, from_status, to_status, tier, reasons,
    actor_id, note, at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
#: When polling starts. By then the first job has run, or was given up.
FIRST_POLL_DELAY = timedelta(minutes=10)
_DECIDED = frozenset({VerificationStatus.APPROVED, VerificationStatus.REJECTED})
#: The subject of a verification, as messages say it.
KIND_PHRASES = {
    VerificationKind.IDENTITY: "your identity",
    VerificationKind.ENHANCED: "your address and where your money comes from",
    VerificationKind.BUSINESS: "your company",
}


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who changed a verification, and the internal note. No actor: the system."""

    actor: Actor | None = None
    note: str | None = None


BY_SYSTEM = Attribution()


def lock_verification(session: Session, verification_id: UUID) -> VerificationRow:
    """Return the verification, its row locked. Raises `NotFound`."""
    return session.get(verification_from_row, _LOCK, verification_id=verification_id)


def lock_verifications_of(session: Session, user_id: UUID) -> list[VerificationRow]:
    """Return a person's verifications that are not superseded, newest first, their rows locked."""
    return session.select(verification_from_row, _LOCK_ALL, user_id=user_id)


def create_verification(
    session: Session,
    actor: Actor | None,
    *,
    verification_id: UUID,
    user_id: UUID,
    kind: VerificationKind,
    status: VerificationStatus,
    tier: int,
    details_sealed: bytes | None,
    id_number_index: bytes | None = None,
    person_index: bytes | None = None,
    address_index: bytes | None = None,
    flags: Collection[ReviewFlag] = (),
) -> VerificationRow:
    """Create a verification. Raises `VerificationOpen` if one of its kind is open."""
    now = clock.now()
    session.send(
        _INSERT,
        (
            verification_id,
            user_id,
            kind,
            status,
            tier,
            details_sealed,
            id_number_index,
            person_index,
            address_index,
            sorted(flags),
            now,
            now + FIRST_POLL_DELAY,
        ),
    )
    created = VerificationRow(
        verification_id,
        user_id,
        kind,
        status,
        tier,
        frozenset(flags),
        (),
        *(None, None, None),
        now,
        *(None, None, None),
    )
    _record(session, created, None, Attribution(actor))
    session.flush()
    return created


def change_status(
    session: Session,
    verification: VerificationRow,
    status: VerificationStatus,
    *,
    attribution: Attribution = BY_SYSTEM,
    tier: int | None = None,
    reasons: Sequence[ReasonCode] = (),
    flags: Collection[ReviewFlag] | None = None,
    expires_at: datetime | None = None,
) -> VerificationRow:
    """Change the status of a locked verification, or its tier within the same status.

    Stages the message to the customer that belongs to the new status.
    """
    if status is not verification.status:
        TRANSITIONS.transition(verification.status, status)
    now = clock.now()
    if status is VerificationStatus.APPROVED and expires_at is None:
        expires_at = verification.expires_at or now + current(session, KycRules).validity
    after = replace(
        verification,
        status=status,
        tier=verification.tier if tier is None else tier,
        reasons=tuple(reasons),
        flags=verification.flags if flags is None else frozenset(flags),
        decided_at=now if status in _DECIDED else verification.decided_at,
        expires_at=expires_at or verification.expires_at,
    )
    session.send(
        _STORE,
        (
            after.status,
            after.tier,
            sorted(after.flags),
            list(after.reasons),
            after.decided_at,
            after.expires_at,
            after.id,
        ),
    )
    _record(session, after, verification, attribution)
    return after


def set_flags(
    session: Session, verification: VerificationRow, flags: frozenset[ReviewFlag]
) -> VerificationRow:
    """Set the flags of a locked verification. No event and no message."""
    session.send(
        "UPDATE verifications SET flags = %s WHERE id = %s", (sorted(flags), verification.id)
    )
    return replace(verification, flags=flags)


def supersede(
    session: Session,
    verifications: Collection[VerificationRow],
    attribution: Attribution = BY_SYSTEM,
) -> None:
    """Supersede verifications because a later one replaces them."""
    for verification in verifications:
        change_status(session, verification, VerificationStatus.SUPERSEDED, attribution=attribution)


def lower_tier(
    session: Session, verification: VerificationRow, tier: int, attribution: Attribution
) -> None:
    """Lower the tier of a locked verification that stays approved.

    No message: the customer is notified of the decision that caused it.
    """
    after = replace(verification, tier=tier)
    session.send("UPDATE verifications SET tier = %s WHERE id = %s", (tier, verification.id))
    _record_event(session, after, verification, attribution)


def add_remark(session: Session, verification: VerificationRow, attribution: Attribution) -> None:
    """Record a note about a verification without changing it."""
    _record_event(session, verification, verification, attribution)


def _record(
    session: Session,
    after: VerificationRow,
    before: VerificationRow | None,
    attribution: Attribution,
) -> None:
    event_id = _record_event(session, after, before, attribution)
    if (message := _message(session, after)) is not None:
        event = ids.encode("evt", event_id)
        notifications.notify(session, message, to=after.user_id, event=event)


def _record_event(
    session: Session,
    after: VerificationRow,
    before: VerificationRow | None,
    attribution: Attribution,
) -> UUID:
    """Write the event and the audit record of a change. Return the event's id."""
    event_id, now = ids.new(), clock.now()
    session.send(
        _EVENT,
        (
            event_id,
            after.id,
            before.status if before else None,
            after.status,
            after.tier,
            list(after.reasons),
            attribution.actor.user_id if attribution.actor else None,
            attribution.note,
            now,
        ),
    )
    step = "submitted" if before is None else after.status if before != after else "remarked"
    audit.record(
        session,
        actor=attribution.actor,
        action=AuditAction(f"verification.{step}"),
        subject=after.public_id,
        on_behalf_of=after.user_id,
        before=_audit_facts(before) if before else None,
        after=_audit_facts(after),
        reason=attribution.note,
    )
    return event_id


def _audit_facts(verification: VerificationRow) -> dict[str, str]:
    facts = {
        "kind": verification.kind,
        "status": verification.status,
        "tier": str(verification.tier),
    }
    return facts | ({"reasons": ", ".join(verification.reasons)} if verification.reasons else {})


def _message(session: Session, verification: VerificationRow) -> MessageFacts | None:
    """Return the message about a verification's new status, if it has one."""
    about = KIND_PHRASES[verification.kind]
    match verification.status:
        # The customer is notified with the identity, which has the tier.
        case VerificationStatus.APPROVED if verification.kind is not VerificationKind.ENHANCED:
            tier = verification.tier or None
            limit = current(session, KycRules).daily_limit(tier) if tier else None
            return KycApproved(about, tier, limit)
        case VerificationStatus.REJECTED:
            return KycRejected(about, verification.reasons)
        case VerificationStatus.MORE_NEEDED:
            return KycMoreNeeded(about, verification.reasons)
    return None
