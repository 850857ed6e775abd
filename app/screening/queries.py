"""Named reads of screening, as typed rows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.keys import service as keys
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.list_query import ListSource, fetch_by_ids
from app.kit.pipeline import Row, Statement
from app.kit.statements import StoredEnum
from app.screening.matching.service import PREFIX, subject_key
from app.screening.models import Screening, ScreeningDecision, ScreeningHit
from app.screening.rules import (
    Agreement,
    HitDecision,
    MatchedOn,
    PartyType,
    ScreeningSubject,
    Verdict,
)

_IS_BLOCKED = """
SELECT EXISTS (SELECT FROM screening_decisions
    WHERE decision = 'match' AND lifted_at IS NULL
    AND (person_id = %(person)s OR subject_key = %(key)s))
"""
_VERDICT = """
SELECT EXISTS (SELECT FROM screening_decisions
        WHERE person_id = %(person)s AND decision = 'match' AND lifted_at IS NULL),
    EXISTS (SELECT FROM screenings WHERE person_id = %(person)s),
    EXISTS (SELECT FROM screenings s WHERE s.person_id = %(person)s AND s.verdict = 'review'
        AND NOT EXISTS (SELECT FROM screening_decisions d
            WHERE d.case_id = s.case_id AND d.lifted_at IS NULL)),
    (SELECT verdict FROM screenings WHERE person_id = %(person)s ORDER BY id DESC LIMIT 1)
        = 'incomplete'
"""
_LISTS = """
SELECT version, digest, imported_at, current_at, entries, aliases, addresses, wallets, added,
    changed, removed
FROM sanctions_lists ORDER BY version DESC LIMIT %s
"""
_HITS = """
SELECT entry_number, listed, matched, score, birth, country, number, likeness, cleared
FROM screening_hits WHERE screening_id = %s ORDER BY score DESC, entry_number
"""
# Entries as they were in the requested version.
_ENTRIES = """
SELECT number, name, sort, programs, remarks, details, aliases, addresses FROM sanctions_entries
WHERE number = ANY(%(numbers)s) AND since <= %(version)s
    AND (until IS NULL OR until > %(version)s)
"""


@dataclass(frozen=True, slots=True)
class ListVersion:
    """A version of the list. `current_at` is None until screenings may use it."""

    version: int
    digest: bytes
    imported_at: datetime
    current_at: datetime | None
    entries: int
    aliases: int
    addresses: int
    wallets: int
    added: int
    changed: int
    removed: int


@dataclass(frozen=True, slots=True)
class ScreeningRow:
    """A recorded screening.

    `score` is the best hit's; `decision` is None if there was nothing to decide.
    """

    id: UUID
    list_version: int
    purpose: str
    about: str
    person_id: UUID | None
    threshold: int
    verdict: Verdict
    case_id: UUID | None
    screened_at: datetime
    subject_sealed: bytes
    hits: int
    score: int | None
    decision: HitDecision | None

    @property
    def public_id(self) -> str:
        """The id as staff see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def subject(self) -> Mapping[str, Any]:
        """Names, birth date and countries, or a wallet address."""
        opened = keys.open_sealed(
            bytes(self.subject_sealed), table="screenings", column="subject_sealed", key=self.id
        )
        subject: Mapping[str, Any] = json.loads(opened)
        return subject

    @property
    def name(self) -> str:
        """The first name, or the wallet address."""
        subject = self.subject
        names = subject.get("names") or [subject.get("wallet", "")]
        return str(names[0])


@dataclass(frozen=True, slots=True)
class HitRow:
    """A hit of a screening. `cleared`: it was decided earlier to be a false positive."""

    entry_number: int
    listed_name: str
    matched_on: MatchedOn
    score: int
    birth: Agreement
    country: Agreement
    number: Agreement
    likeness: int | None
    cleared: bool


@dataclass(frozen=True, slots=True)
class ListedParty:
    """A listed party, as in one version of the list."""

    number: int
    name: str
    party_type: PartyType
    programs: list[str]
    remarks: str
    details: Mapping[str, str]
    aliases: list[list[str]]
    addresses: list[list[str]]


def _decided(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[str | None]:
    """Return the decision in force; a match takes precedence."""
    return (
        sa.select(sa.func.min(ScreeningDecision.decision))
        .where(ScreeningDecision.lifted_at.is_(None), *conditions)
        .scalar_subquery()
    )


# Hits are decided in the screening's case. Without one, the subject was a decided match before.
_DECISION = sa.type_coerce(
    sa.case(
        (Screening.verdict.in_([Verdict.CLEAR, Verdict.INCOMPLETE]), None),
        else_=sa.func.coalesce(
            sa.case(
                (
                    Screening.case_id.is_not(None),
                    _decided(ScreeningDecision.case_id == Screening.case_id),
                ),
                else_=_decided(
                    sa.or_(
                        ScreeningDecision.subject_key == Screening.subject_key,
                        sa.and_(
                            ScreeningDecision.person_id == Screening.person_id,
                            ScreeningDecision.decision == "match",
                        ),
                    )
                ),
            ),
            sa.literal(HitDecision.OPEN.value),
        ),
    ),
    StoredEnum(HitDecision),
)
SCREENINGS = ListSource(
    ScreeningRow,
    sa.select(
        Screening.id,
        Screening.list_version,
        Screening.purpose,
        Screening.about,
        Screening.person_id,
        Screening.threshold,
        Screening.verdict,
        Screening.case_id,
        Screening.screened_at,
        Screening.subject_sealed,
        sa.select(sa.func.count())
        .where(ScreeningHit.screening_id == Screening.id)
        .scalar_subquery()
        .label("hits"),
        sa.select(sa.func.max(ScreeningHit.score))
        .where(ScreeningHit.screening_id == Screening.id)
        .scalar_subquery()
        .label("score"),
        _DECISION.label("decision"),
    ),
    key=Screening.id,
    sorts={"screened": Screening.id},
    filters={
        # The first condition is that of the index of screenings that are not clear.
        "decision": lambda decision: sa.and_(
            Screening.verdict != sa.literal_column("'clear'"), decision == _DECISION
        ),
        "verdict": lambda verdict: Screening.verdict == verdict,
    },
)


def is_blocked(
    session: Session, *, person_id: UUID | None = None, subject: ScreeningSubject | None = None
) -> bool:
    """Return whether this person, or this subject without an account, is a confirmed sanctions
    match.
    """
    key = subject_key(subject, person_id) if subject is not None else None
    return bool(session.value(_IS_BLOCKED, {"person": person_id, "key": key}))


def select_is_blocked(person_id: UUID) -> Statement:
    """Return the statement of `is_blocked`, to be sent together with others: one row, one value."""
    return _IS_BLOCKED, {"person": person_id, "key": None}


def verdict_of(session: Session, person_id: UUID) -> Verdict | None:
    """Return a person's verdict from all their screenings; None if they were never screened."""
    return to_verdict(session.rows(*select_verdict(person_id)))


def select_verdict(person_id: UUID) -> Statement:
    """Return the statement of `verdict_of`, to be sent together with others."""
    return _VERDICT, {"person": person_id}


def to_verdict(rows: Sequence[Row]) -> Verdict | None:
    """Return the verdict in the rows of `select_verdict`."""
    [(is_blocked_person, is_screened, has_open_hit, lacks_facts)] = rows
    if is_blocked_person:
        return Verdict.BLOCKED
    if has_open_hit:
        return Verdict.REVIEW
    if lacks_facts:
        return Verdict.INCOMPLETE
    return Verdict.CLEAR if is_screened else None


def list_versions(session: Session, limit: int = 10) -> list[ListVersion]:
    """Return the last versions of the list, newest first."""
    return [ListVersion(*row) for row in session.rows(_LISTS, (limit,))]


def screening(session: Session, screening_id: UUID) -> ScreeningRow:
    """Return the screening with this id. Raises `NotFound`."""
    found = next(iter(fetch_by_ids(session, SCREENINGS, [screening_id], "screened")), None)
    if found is None:
        raise NotFound
    return found


def hits(session: Session, screening_id: UUID) -> list[HitRow]:
    """Return the hits of a screening, best first."""
    return [
        HitRow(
            number,
            listed_name,
            MatchedOn(matched_on),
            score,
            Agreement(birth),
            Agreement(country),
            Agreement(equal_number),
            likeness,
            cleared,
        )
        for (
            number,
            listed_name,
            matched_on,
            score,
            birth,
            country,
            equal_number,
            likeness,
            cleared,
        ) in session.rows(_HITS, (screening_id,))
    ]


def listed_parties(session: Session, numbers: list[int], version: int) -> Mapping[int, ListedParty]:
    """Return listed parties by their number, as in this version of the list."""
    rows = session.rows(_ENTRIES, {"numbers": numbers, "version": version})
    return {
        number: ListedParty(number, name, PartyType(sort), *rest)
        for number, name, sort, *rest in rows
    }
