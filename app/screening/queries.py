"""Named reads of screening, as typed rows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.keys import service as keys
from app.kit import ids, pagination
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.pagination import Page
from app.kit.pipeline import Row
from app.screening.matching.service import PREFIX, subject_key
from app.screening.rules import Agreement, PartyType, ScreeningSubject, Verdict

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
            WHERE d.case_id = s.case_id AND d.lifted_at IS NULL))
"""
_LISTS = """
SELECT version, digest, imported_at, entries, aliases, addresses, wallets, added, changed, removed
FROM sanctions_lists ORDER BY version DESC LIMIT %s
"""
_SELECT = """
SELECT s.id, s.list_version, s.purpose, s.about, s.person_id, s.threshold, s.verdict, s.case_id,
    s.screened_at, s.subject_sealed,
    (SELECT count(*) FROM screening_hits h WHERE h.screening_id = s.id),
    (SELECT max(h.score) FROM screening_hits h WHERE h.screening_id = s.id)
FROM screenings s WHERE
"""
_RECENT = """
(%(before)s::uuid IS NULL OR s.id < %(before)s) {only} ORDER BY s.id DESC LIMIT %(limit)s
"""
_ONLY_FOUND = "AND s.verdict <> 'clear'"
_HITS = """
SELECT entry_number, listed, matched, score, birth, country, cleared FROM screening_hits
WHERE screening_id = %s ORDER BY score DESC, entry_number
"""
# As they stood in the version that was asked.
_ENTRIES = """
SELECT number, name, sort, programs, remarks, details, aliases, addresses FROM sanctions_entries
WHERE number = ANY(%(numbers)s) AND since <= %(version)s
    AND (until IS NULL OR until > %(version)s)
"""


@dataclass(frozen=True, slots=True)
class ListVersion:
    """A version of the list."""

    version: int
    digest: bytes
    imported_at: datetime
    entries: int
    aliases: int
    addresses: int
    wallets: int
    added: int
    changed: int
    removed: int


@dataclass(frozen=True, slots=True)
class ScreeningRow:
    """A screening, as it is kept. `told` are the subject's names, birth date and countries, or an
    address; `score` is that of the best hit."""

    id: UUID
    list_version: int
    purpose: str
    about: str
    person_id: UUID | None
    threshold: int
    verdict: Verdict
    case_id: UUID | None
    screened_at: datetime
    subject: Mapping[str, Any]
    hits: int
    score: int | None

    @property
    def public_id(self) -> str:
        """What it is called outside."""
        return ids.encode(PREFIX, self.id)

    @property
    def name(self) -> str:
        """The first name, or the address."""
        names = self.subject.get("names") or [self.subject.get("wallet", "")]
        return str(names[0])


@dataclass(frozen=True, slots=True)
class HitRow:
    """What a screening found. `cleared`: it had been decided before to be somebody else."""

    entry_number: int
    listed_name: str
    matched_on: str
    score: int
    birth: Agreement
    country: Agreement
    cleared: bool


@dataclass(frozen=True, slots=True)
class ListedParty:
    """A listed party, as a version of the list has it."""

    number: int
    name: str
    party_type: PartyType
    programs: list[str]
    remarks: str
    details: Mapping[str, str]
    aliases: list[list[str]]
    addresses: list[list[str]]


def is_blocked(
    session: Session, *, person_id: UUID | None = None, subject: ScreeningSubject | None = None
) -> bool:
    """Whether this person with an account, or this subject without one, was decided to be a listed
    party."""
    key = subject_key(subject, person_id) if subject is not None else None
    [(found,)] = session.rows(_IS_BLOCKED, {"person": person_id, "key": key})
    return bool(found)


def verdict_of(session: Session, person_id: UUID) -> Verdict | None:
    """How a person with an account stands: blocked, with something to be decided, or clear; None
    for somebody who was never screened."""
    [(blocked, screened, open_)] = session.rows(_VERDICT, {"person": person_id})
    if blocked:
        return Verdict.BLOCKED
    if open_:
        return Verdict.REVIEW
    return Verdict.CLEAR if screened else None


def list_versions(session: Session, limit: int = 10) -> list[ListVersion]:
    """The last versions of the list, newest first."""
    return [ListVersion(row[0], bytes(row[1]), *row[2:]) for row in session.rows(_LISTS, (limit,))]


def screenings(
    session: Session, *, with_hits_only: bool, cursor: UUID | None = None, limit: int = 25
) -> Page[ScreeningRow]:
    """Screenings, newest first; with `found_only` those that did not let pass."""
    statement = _SELECT + _RECENT.format(only=_ONLY_FOUND if with_hits_only else "")
    rows = session.rows(statement, {"before": cursor, "limit": limit + 1})
    return pagination.paginate(
        [_screening_from_row(row) for row in rows], limit, lambda each: each.id
    )


def screening(session: Session, screening_id: UUID) -> ScreeningRow:
    """The screening of that id. Raises `NotFound`."""
    row = session.row(_SELECT + "s.id = %s", (screening_id,))
    if row is None:
        raise NotFound
    return _screening_from_row(row)


def hits(session: Session, screening_id: UUID) -> list[HitRow]:
    """What a screening found, the most alike first."""
    return [
        HitRow(number, listed, matched, score, Agreement(birth), Agreement(country), cleared)
        for number, listed, matched, score, birth, country, cleared in session.rows(
            _HITS, (screening_id,)
        )
    ]


def listed_parties(session: Session, numbers: list[int], version: int) -> Mapping[int, ListedParty]:
    """Listed parties by their number, as that version of the list has them."""
    rows = session.rows(_ENTRIES, {"numbers": numbers, "version": version})
    return {
        number: ListedParty(number, name, PartyType(sort), *rest)
        for number, name, sort, *rest in rows
    }


def _screening_from_row(row: Row) -> ScreeningRow:
    identifier, version, purpose, about, person, threshold, verdict, case_id, at, sealed, *rest = (
        row
    )
    opened = keys.open_sealed(
        bytes(sealed), table="screenings", column="subject_sealed", key=identifier
    )
    return ScreeningRow(
        identifier, version, purpose, about, person, threshold, Verdict(verdict), case_id, at,
        json.loads(opened), *rest,
    )  # fmt: skip
