"""Named reads of kyc, as typed rows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.access import Permission
from app.cases import queue_sources
from app.cases.queue_sources import QueueSource
from app.identity.accounts import queries as account_queries
from app.identity.accounts.queries import PersonProfile
from app.kit import clock, ids
from app.kit.counts import Count
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.kit.pipeline import Row, Statement
from app.kit.statements import compile_select
from app.kyc import rules
from app.kyc.models import Verification
from app.kyc.rules import KycRules, ReasonCode, ReviewFlag, VerificationKind, VerificationStatus
from app.screening import queries as screening_queries
from app.settings.queries import current

PREFIX = "kyc"

#: How many verifications wait for staff.
IN_REVIEW = Count(("SELECT count(*) FROM verifications WHERE status = 'in_review'", None))
_EVENTS = """
SELECT from_status, to_status, tier, reasons, actor_id, note, at FROM verification_events
WHERE verification_id = %s ORDER BY id
"""
# Accounts whose details were verified once lead to further ones: a person may have given one name
# with one ID number, and another name with it later. That lasts when the verification is revoked or
# replaced: its person is the same. What was never verified, and so never had an end, leads nowhere,
# and of it only the ID number counts: otherwise people could use up the limits of those whose names
# they know. They themselves share the limits of all who gave that name. A withdrawn submission says
# nothing, as when duplicates are looked for.
_ACCOUNTS_OF_PERSON = """
WITH RECURSIVE person (user_id) AS (
    SELECT %(user_id)s::uuid
    UNION
    SELECT same.user_id
    FROM person JOIN verifications own
        ON own.user_id = person.user_id
            AND own.expires_at IS NOT NULL AND own.status <> 'withdrawn'
    CROSS JOIN LATERAL (
        SELECT other.user_id FROM verifications other
        WHERE other.id_number_index = own.id_number_index
            AND other.expires_at IS NOT NULL AND other.status <> 'withdrawn'
        UNION ALL
        SELECT other.user_id FROM verifications other
        WHERE other.person_index = own.person_index
            AND other.expires_at IS NOT NULL AND other.status <> 'withdrawn'
    ) AS same
)
SELECT user_id FROM person
UNION
SELECT other.user_id FROM verifications own
JOIN verifications other ON other.id_number_index = own.id_number_index
WHERE own.user_id = %(user_id)s AND own.status <> 'withdrawn' AND other.status <> 'withdrawn'
UNION
SELECT other.user_id FROM verifications own
JOIN verifications other ON other.person_index = own.person_index
WHERE own.user_id = %(user_id)s AND own.expires_at IS NULL
    AND own.status <> 'withdrawn' AND other.status <> 'withdrawn'
"""


@dataclass(frozen=True, slots=True)
class VerificationRow:
    """A verification without the submitted details."""

    id: UUID
    user_id: UUID
    kind: VerificationKind
    status: VerificationStatus
    tier: int
    flags: frozenset[ReviewFlag]
    reasons: tuple[ReasonCode, ...]
    provider: str | None
    provider_reference: str | None
    provider_status: str | None
    submitted_at: datetime
    decided_at: datetime | None
    expires_at: datetime | None
    warned_at: datetime | None

    @property
    def public_id(self) -> str:
        """The id as other systems and people see it."""
        return ids.encode(PREFIX, self.id)

    def status_at(self, now: datetime) -> VerificationStatus:
        """Return the status at a time: expired once it ran out, even if the job has not run yet."""
        is_over = self.expires_at is not None and self.expires_at <= now
        return (
            VerificationStatus.EXPIRED
            if is_over and self.status is VerificationStatus.APPROVED
            else self.status
        )

    def tier_at(self, now: datetime) -> int:
        """Return the tier at a time: at most the basic tier once the verification ran out."""
        if self.expires_at is not None and self.expires_at <= now:
            return min(self.tier, rules.TIER_BASIC)
        return self.tier


@dataclass(frozen=True, slots=True)
class TierStatus:
    """A person's tier and what it allows.

    `status` is None if nothing was submitted; `expires_at` is None if nothing was approved.
    """

    tier: int
    status: VerificationStatus | None
    daily_limit: Amount
    expires_at: datetime | None

    @property
    def may_redeem(self) -> bool:
        """Whether the person may have metal delivered."""
        return self.tier >= rules.TIER_REDEMPTION_MIN


SELECT_VERIFICATIONS = sa.select(
    Verification.id,
    Verification.user_id,
    Verification.kind,
    Verification.status,
    Verification.tier,
    Verification.flags,
    Verification.reasons,
    Verification.provider,
    Verification.provider_reference,
    Verification.provider_status,
    Verification.submitted_at,
    Verification.decided_at,
    Verification.expires_at,
    Verification.warned_at,
)
#: A person's verifications that count, newest first.
OF_PERSON = SELECT_VERIFICATIONS.where(
    Verification.user_id == sa.bindparam("user_id"),
    Verification.status != VerificationStatus.SUPERSEDED,
).order_by(Verification.id.desc())
_OF_PERSON = compile_select(OF_PERSON)


@dataclass(frozen=True, slots=True)
class TierBasis:
    """What a person's tier follows from: their account, verifications that are not superseded,
    newest first, and whether they are a confirmed sanctions match."""

    person: PersonProfile
    verifications: Sequence[VerificationRow]
    is_blocked: bool
    #: The ids of all accounts of the same person (`accounts_of_person`).
    accounts: Sequence[UUID]

    @property
    def identity(self) -> VerificationRow | None:
        """The identity that counts."""
        return effective_identity(self.verifications)


def select_tier_basis(user_id: UUID) -> Sequence[Statement]:
    """Return the statements of `tier_basis`, to be sent together with others."""
    return (
        account_queries.select_person(user_id),
        _OF_PERSON.with_values({"user_id": user_id}),
        screening_queries.select_is_blocked(user_id),
        select_accounts(user_id),
    )


def to_tier_basis(
    person: Sequence[Row],
    verifications: Sequence[Row],
    blocked: Sequence[Row],
    accounts: Sequence[Row],
) -> TierBasis:
    """Return what the rows of `select_tier_basis` say. Raises `NotFound` for an unknown person."""
    [(is_blocked,)] = blocked
    return TierBasis(
        account_queries.to_person(person),
        [verification_from_row(**_OF_PERSON.read(row)) for row in verifications],
        is_blocked,
        [account for (account,) in accounts],
    )


def tier_basis(session: Session, user_id: UUID) -> TierBasis:
    """Return what a person's tier follows from, in one trip. Raises `NotFound`."""
    return to_tier_basis(*session.fetch(*select_tier_basis(user_id)))


def tier_status(session: Session, user_id: UUID) -> TierStatus:
    """Return a person's current tier with its daily limit. Raises `NotFound`."""
    return tier_status_from(session, tier_basis(session, user_id))


def tier_status_from(session: Session, basis: TierBasis) -> TierStatus:
    """Return the tier that follows.

    A person whose email address is not confirmed, or who is a confirmed sanctions match, has tier
    0.
    """
    session.memo[accounts_of_person, basis.person.id] = basis.accounts
    now, identity, limits = clock.now(), basis.identity, current(session, KycRules)
    if identity is None:
        return TierStatus(rules.TIER_NONE, None, limits.daily_limit(rules.TIER_NONE), None)
    may_have_tier = basis.person.email_confirmed and not basis.is_blocked
    tier = identity.tier_at(now) if may_have_tier else rules.TIER_NONE
    return TierStatus(tier, identity.status_at(now), limits.daily_limit(tier), identity.expires_at)


def effective_identity(verifications: Sequence[VerificationRow]) -> VerificationRow | None:
    """Return the identity that counts: the highest tier now, the newest if several have it."""
    now = clock.now()
    identities = [
        verification
        for verification in verifications
        if verification.kind is VerificationKind.IDENTITY
    ]
    return max(identities, key=lambda each: (each.tier_at(now), each.id), default=None)


def verifications_of(session: Session, user_id: UUID) -> list[VerificationRow]:
    """Return a person's verifications that are not superseded, newest first."""
    return session.select(verification_from_row, _OF_PERSON, user_id=user_id)


def select_accounts(user_id: UUID) -> Statement:
    """Return the statement of `accounts_of_person`, to be read ahead."""
    return _ACCOUNTS_OF_PERSON, {"user_id": user_id}


def accounts_of_person(session: Session, user_id: UUID) -> Sequence[UUID]:
    """Return the ids of all accounts of the person who has this one: it and those whose verified
    details are the same person's. Limits are a person's, not an account's."""
    memo: dict[object, Sequence[UUID]] = session.memo
    key = accounts_of_person, user_id
    if key not in memo:
        [rows] = session.fetch(select_accounts(user_id))
        memo[key] = [account for (account,) in rows]
    return memo[key]


def find_person_id(session: Session, text: str) -> UUID | None:
    """Return the id of the person with this public id or email address; None if there is none."""
    stripped = text.strip()
    try:
        if stripped.startswith("usr_"):
            return ids.decode("usr", stripped)
        return account_queries.get_person_by_email(session, stripped).id if stripped else None
    except (NotFound, Invalid):
        return None


@dataclass(frozen=True, slots=True)
class QueuedVerification:
    """A verification as the queue of staff lists it."""

    id: UUID
    user_id: UUID
    kind: VerificationKind
    status: VerificationStatus
    tier: int
    flags: tuple[ReviewFlag, ...]
    submitted_at: datetime

    @property
    def public_id(self) -> str:
        """The id as other systems and people see it."""
        return ids.encode(PREFIX, self.id)


REVIEW_QUEUE = ListSource(
    QueuedVerification,
    sa.select(
        Verification.id,
        Verification.user_id,
        Verification.kind,
        Verification.status,
        Verification.tier,
        Verification.flags,
        Verification.submitted_at,
    ),
    key=Verification.id,
    sorts={"submitted": Verification.id},
    filters={
        "q": lambda person_id: Verification.user_id == person_id,
        "status": lambda status: Verification.status == status,
        "kind": lambda kind: Verification.kind == kind,
    },
)


@dataclass(frozen=True, slots=True)
class VerificationEventRow:
    """A change of a verification's status, or a remark about it."""

    from_status: VerificationStatus | None
    to_status: VerificationStatus
    tier: int
    reasons: tuple[ReasonCode, ...]
    actor_id: UUID | None
    note: str | None
    at: datetime

    @property
    def is_transition(self) -> bool:
        """Whether the status changed."""
        return self.from_status != self.to_status


def events(session: Session, verification_id: UUID) -> list[VerificationEventRow]:
    """Return the events of a verification, oldest first."""
    return [
        VerificationEventRow(
            VerificationStatus(from_status) if from_status else None,
            VerificationStatus(to_status),
            tier,
            tuple(map(ReasonCode, reasons)),
            *rest,
        )
        for from_status, to_status, tier, reasons, *rest in session.rows(
            _EVENTS, (verification_id,)
        )
    ]


def by_id(session: Session, verification_id: UUID) -> VerificationRow:
    """Return the verification with this id. Raises `NotFound`."""
    select = SELECT_VERIFICATIONS.where(Verification.id == verification_id)
    return session.get(verification_from_row, select)


def verification_from_row(flags: Collection[ReviewFlag], **values: Any) -> VerificationRow:
    """Return the verification in a row of `SELECT_VERIFICATIONS`."""
    return VerificationRow(flags=frozenset(flags), **values)


queue_sources.register(
    QueueSource(
        "verification",
        "Verification",
        Permission.KYC_REVIEW,
        PREFIX,
        lambda _actor: sa.select(
            Verification.id.label("subject_id"),
            Verification.user_id,
            Verification.submitted_at.label("since"),
        ).where(Verification.status == VerificationStatus.IN_REVIEW),
    )
)
