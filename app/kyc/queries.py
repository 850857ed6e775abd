"""Named reads of kyc, as typed rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.identity.accounts import queries as account_queries
from app.kit import clock, ids, pagination
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.money import Amount
from app.kit.pagination import Page
from app.kit.pipeline import Row
from app.kit.ports import resolve
from app.kyc import rules
from app.kyc.rules import Flag, Kind, KycRules, Reason, Status
from app.screening import queries as screening_queries

PREFIX = "kyc"

COLUMNS = """
SELECT id, user_id, kind, status, tier, flags, reasons, provider, provider_reference,
    provider_status, submitted_at, decided_at, expires_at, warned_at
FROM verifications
"""
_OF = f"{COLUMNS} WHERE user_id = %s AND status <> 'superseded' ORDER BY id DESC"
_QUEUE = """
WHERE (%(all)s OR user_id = %(person)s::uuid)
    AND (%(status)s::text IS NULL OR status = %(status)s)
    AND (%(kind)s::text IS NULL OR kind = %(kind)s)
    AND (%(cursor)s::uuid IS NULL OR id > %(cursor)s)
ORDER BY id LIMIT %(limit)s
"""
_IN_REVIEW = "SELECT count(*) FROM verifications WHERE status = 'in_review'"
_EVENTS = """
SELECT from_status, to_status, tier, reasons, actor_id, note, at FROM verification_events
WHERE verification_id = %s ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Verification:
    """A verification without what was said in it."""

    id: UUID
    user_id: UUID
    kind: Kind
    status: Status
    tier: int
    flags: frozenset[Flag]
    reasons: tuple[Reason, ...]
    provider: str | None
    provider_reference: str | None
    provider_status: str | None
    submitted_at: datetime
    decided_at: datetime | None
    expires_at: datetime | None
    warned_at: datetime | None

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)

    def status_at(self, now: datetime) -> Status:
        """One that ran out is expired, though the job that says so may not have come by yet."""
        is_over = self.expires_at is not None and self.expires_at <= now
        return Status.EXPIRED if is_over and self.status is Status.APPROVED else self.status

    def tier_at(self, now: datetime) -> int:
        """What it is good for: once its time is over, no more than the data alone."""
        if self.expires_at is not None and self.expires_at <= now:
            return min(self.tier, rules.TIER_BASIC)
        return self.tier


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands. `status` is None for who never submitted anything; `expires_at` is None
    where nothing was approved."""

    tier: int
    status: Status | None
    daily_limit: Amount
    expires_at: datetime | None

    @property
    def may_redeem(self) -> bool:
        """Whether they may have metal sent to them."""
        return self.tier >= rules.TIER_REDEEMS


def standing(session: Session, user_id: UUID) -> Standing:
    """A person's tier with its limit for a day, as it is now. Somebody whose e-mail address is not
    confirmed, or whom compliance decided to be a listed party, has tier 0. Raises `NotFound` for
    nobody."""
    return standing_of(session, user_id, of_person(session, user_id))


def standing_of(session: Session, user_id: UUID, found: Sequence[Verification]) -> Standing:
    """The same from what was read already: their verifications, newest first."""
    now, best = clock.now(), best_of(found)
    if best is None:
        return Standing(rules.TIER_NONE, None, resolve(KycRules).daily[rules.TIER_NONE], None)
    tier = best.tier_at(now)
    if tier and not account_queries.get_person(session, user_id).email_confirmed:
        tier = rules.TIER_NONE
    if tier and screening_queries.is_blocked(session, person_id=user_id):
        tier = rules.TIER_NONE
    daily_limit = resolve(KycRules).daily[tier]
    return Standing(tier, best.status_at(now), daily_limit, best.expires_at)


def best_of(found: Sequence[Verification]) -> Verification | None:
    """The identity that counts: the one with the highest tier now, the newest of several."""
    now = clock.now()
    identities = [each for each in found if each.kind is Kind.IDENTITY]
    return max(identities, key=lambda each: (each.tier_at(now), each.id), default=None)


def of_person(session: Session, user_id: UUID) -> list[Verification]:
    """What a person has submitted and still counts, newest first."""
    return [verification(row) for row in session.rows(_OF, (user_id,))]


def person_of_address(session: Session, email: str) -> UUID:
    """Whose e-mail address it is. Raises `NotFound`, and `Invalid` for what is no address."""
    return account_queries.get_person_by_email(session, email).id


def queue(
    session: Session,
    *,
    person_id: UUID | None = None,
    asked_for_person: bool = False,
    status: Status | None = None,
    kind: Kind | None = None,
    cursor: UUID | None = None,
    limit: int = 25,
) -> Page[Verification]:
    """Verifications, the oldest first: of one person where one is asked for, in this status and of
    this kind."""
    values = {
        "person": person_id,
        "all": not asked_for_person,
        "status": status,
        "kind": kind,
        "cursor": cursor,
        "limit": limit + 1,
    }
    found = [verification(row) for row in session.rows(COLUMNS + _QUEUE, values)]
    return pagination.paginate(found, limit, lambda each: each.id)


def count_in_review(session: Session) -> int:
    """How many wait for staff."""
    [(count,)] = session.rows(_IN_REVIEW)
    return int(count)


@dataclass(frozen=True, slots=True)
class Event:
    """A step of a verification, or a remark about it."""

    from_status: str | None
    to_status: str
    tier: int
    reasons: tuple[Reason, ...]
    actor_id: UUID | None
    note: str | None
    at: datetime

    @property
    def is_step(self) -> bool:
        """Whether it went on to another status."""
        return self.from_status != self.to_status


def events(session: Session, verification_id: UUID) -> list[Event]:
    """What happened with a verification, oldest first."""
    return [
        Event(before, after, tier, tuple(map(Reason, reasons)), *rest)
        for before, after, tier, reasons, *rest in session.rows(_EVENTS, (verification_id,))
    ]


def by_id(session: Session, verification_id: UUID) -> Verification:
    """The verification of that id. Raises `NotFound`."""
    row = session.row(f"{COLUMNS} WHERE id = %s", (verification_id,))
    if row is None:
        raise NotFound
    return verification(row)


def verification(row: Row) -> Verification:
    """A row of `COLUMNS`."""
    identifier, user_id, kind, status, tier, flags, reasons, *rest = row
    return Verification(
        identifier,
        user_id,
        Kind(kind),
        Status(status),
        tier,
        frozenset(map(Flag, flags)),
        tuple(map(Reason, reasons)),
        *rest,
    )
