"""A verification's steps: each under the row's lock, with an event, a record and a message."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.ports import resolve
from app.kyc import rules
from app.kyc.queries import COLUMNS, Verification, verification
from app.kyc.rules import REASON_TEXTS, STEPS, Flag, Kind, KycRules, Reason, Status
from app.outbox import service as outbox

_INSERT = """
INSERT INTO verifications (id, user_id, kind, status, tier, details_sealed, id_number_index, flags,
    submitted_at, look_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_LOCK = f"{COLUMNS} WHERE id = %s FOR UPDATE"
_LOCK_ALL = f"{COLUMNS} WHERE user_id = %s AND status <> 'superseded' ORDER BY id DESC FOR UPDATE"
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
#: If the provider was not asked by then, the job for it was given up, and it is asked anew.
FIRST_LOOK = timedelta(minutes=10)
_DECISIONS = frozenset({Status.APPROVED, Status.REJECTED})
#: What a person is told of a step, by kind of message.
_MESSAGES = {
    Status.APPROVED: "kyc_approved",
    Status.REJECTED: "kyc_rejected",
    Status.MORE_NEEDED: "kyc_more_needed",
}
#: In the words of messages.
ABOUT = {
    Kind.IDENTITY: "your identity",
    Kind.ENHANCED: "your address and where your money comes from",
    Kind.BUSINESS: "your company",
}


@dataclass(frozen=True, slots=True)
class Said:
    """Who made a step and why, for the house. Nobody: the provider, or the time."""

    actor: Actor | None = None
    note: str | None = None


BY_ITSELF = Said()


def locked(session: Session, verification_id: UUID) -> Verification:
    """The verification, which nobody changes before this transaction ends. Raises `NotFound`."""
    row = session.row(_LOCK, (verification_id,))
    if row is None:
        raise NotFound
    return verification(row)


def locked_of(session: Session, user_id: UUID) -> list[Verification]:
    """All that a person has submitted and still counts, newest first, none of it changed by
    others before this transaction ends."""
    return [verification(row) for row in session.rows(_LOCK_ALL, (user_id,))]


def begin(
    session: Session,
    actor: Actor | None,
    *,
    verification_id: UUID,
    user_id: UUID,
    kind: Kind,
    status: Status,
    tier: int,
    details_sealed: bytes | None,
    id_number_index: bytes | None = None,
    flags: Collection[Flag] = (),
) -> Verification:
    """A new verification. Raises `VerificationOpen` where one of its kind is open."""
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
            sorted(flags),
            now,
            now + FIRST_LOOK,
        ),
    )
    begun = Verification(
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
    _record(session, begun, None, Said(actor))
    session.flush()
    return begun


def go(
    session: Session,
    found: Verification,
    status: Status,
    *,
    said: Said = BY_ITSELF,
    tier: int | None = None,
    reasons: Sequence[Reason] = (),
    flags: Collection[Flag] | None = None,
    expires_at: datetime | None = None,
) -> Verification:
    """A locked verification's next step, or a new tier in the same status; the person is told of
    what concerns them."""
    if status is not found.status:
        STEPS.transition(found.status, status)
    now = clock.now()
    if status is Status.APPROVED and expires_at is None:
        expires_at = found.expires_at or now + resolve(KycRules).valid
    after = replace(
        found,
        status=status,
        tier=found.tier if tier is None else tier,
        reasons=tuple(reasons),
        flags=found.flags if flags is None else frozenset(flags),
        decided_at=now if status in _DECISIONS else found.decided_at,
        expires_at=expires_at or found.expires_at,
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
    _record(session, after, found, said)
    return after


def flagged(session: Session, found: Verification, flags: frozenset[Flag]) -> Verification:
    """A locked verification with other marks; no step yet, and nobody is told."""
    session.send("UPDATE verifications SET flags = %s WHERE id = %s", (sorted(flags), found.id))
    return replace(found, flags=flags)


def supersede(session: Session, older: Collection[Verification], said: Said = BY_ITSELF) -> None:
    """A later one stands in their place."""
    for each in older:
        go(session, each, Status.SUPERSEDED, said=said)


def lower(session: Session, found: Verification, tier: int, said: Said) -> None:
    """A lower tier of a locked verification that stays approved; the person is told of the
    decision that it follows from."""
    after = replace(found, tier=tier)
    session.send("UPDATE verifications SET tier = %s WHERE id = %s", (tier, found.id))
    _note_down(session, after, found, said)


def remark(session: Session, found: Verification, said: Said) -> None:
    """Write down something that changes nothing."""
    _note_down(session, found, found, said)


def _record(session: Session, after: Verification, before: Verification | None, said: Said) -> None:
    event_id = _note_down(session, after, before, said)
    if after.status in _MESSAGES:
        _tell(session, after, event_id)


def _note_down(
    session: Session, after: Verification, before: Verification | None, said: Said
) -> UUID:
    """An event and a record of a step; answers the event's id."""
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
            said.actor.user_id if said.actor else None,
            said.note,
            now,
        ),
    )
    step = "submitted" if before is None else after.status
    audit.record(
        session,
        actor=said.actor,
        action=f"verification.{step}" if before != after else "verification.remarked",
        subject=after.public_id,
        on_behalf_of=after.user_id,
        before=_facts(before) if before else None,
        after=_facts(after),
        reason=said.note,
    )
    return event_id


def _facts(found: Verification) -> dict[str, str]:
    told = {"kind": found.kind, "status": found.status, "tier": str(found.tier)}
    return told | ({"reasons": ", ".join(found.reasons)} if found.reasons else {})


def _tell(session: Session, found: Verification, event_id: UUID) -> None:
    # What is approved with an enhanced one is told with the identity, which has the tier.
    if found.kind is Kind.ENHANCED and found.status is Status.APPROVED:
        return
    limit = resolve(KycRules).daily[found.tier]
    values = {
        "about": ABOUT[found.kind],
        "tier": str(found.tier) if found.tier else "",
        "limit": f"{limit.units // limit.asset.unit:,}" if found.tier else "",
        "redeems": "yes" if found.tier >= rules.TIER_REDEEMS else "",
        "reasons": "\n".join(REASON_TEXTS[each] for each in found.reasons),
    }
    told = {
        "user_id": str(found.user_id),
        "event_key": f"kyc:{event_id}",
        "kind": _MESSAGES[found.status],
        "values": values,
    }
    outbox.stage(session, "messages.deliver", told)
