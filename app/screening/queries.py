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
from app.screening.rules import Agreement, MatchedOn, PartyType, ScreeningSubject, Verdict

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
# Entries as they were in the requested version.
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
    """A recorded screening.

    `subject` holds names, birth date and countries, or a wallet address; `score` is the best hit's.
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
    subject: Mapping[str, Any]
    hits: int
    score: int | None

    @property
    def public_id(self) -> str:
        """The id as staff see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def name(self) -> str:
        """The first name, or the wallet address."""
        names = self.subject.get("names") or [self.subject.get("wallet", "")]
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


def is_blocked(
    session: Session, *, person_id: UUID | None = None, subject: ScreeningSubject | None = None
) -> bool:
    """Return whether this person, or this subject without an account, is a confirmed sanctions
    match.
    """
    key = subject_key(subject, person_id) if subject is not None else None
    [(is_match,)] = session.rows(_IS_BLOCKED, {"person": person_id, "key": key})
    return bool(is_match)


def verdict_of(session: Session, person_id: UUID) -> Verdict | None:
    """Return a person's verdict from all their screenings; None if they were never screened."""
    [(is_blocked_person, is_screened, has_open_hit)] = session.rows(_VERDICT, {"person": person_id})
    if is_blocked_person:
        return Verdict.BLOCKED
    if has_open_hit:
        return Verdict.REVIEW
    return Verdict.CLEAR if is_screened else None


def list_versions(session: Session, limit: int = 10) -> list[ListVersion]:
    """Return the last versions of the list, newest first."""
    return [ListVersion(row[0], bytes(row[1]), *row[2:]) for row in session.rows(_LISTS, (limit,))]


def screenings(
    session: Session, *, with_hits_only: bool, cursor: UUID | None = None, limit: int = 25
) -> Page[ScreeningRow]:
    """Return screenings, newest first; with `with_hits_only`, those that are not clear."""
    statement = _SELECT + _RECENT.format(only=_ONLY_FOUND if with_hits_only else "")
    rows = session.rows(statement, {"before": cursor, "limit": limit + 1})
    return pagination.paginate(
        [_screening_from_row(row) for row in rows], limit, lambda row: row.id
    )


def screening(session: Session, screening_id: UUID) -> ScreeningRow:
    """Return the screening with this id. Raises `NotFound`."""
    row = session.row(_SELECT + "s.id = %s", (screening_id,))
    if row is None:
        raise NotFound
    return _screening_from_row(row)


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
            cleared,
        )
        for number, listed_name, matched_on, score, birth, country, cleared in session.rows(
            _HITS, (screening_id,)
        )
    ]


def listed_parties(session: Session, numbers: list[int], version: int) -> Mapping[int, ListedParty]:
    """Return listed parties by their number, as in this version of the list."""
    rows = session.rows(_ENTRIES, {"numbers": numbers, "version": version})
    return {
        number: ListedParty(number, name, PartyType(sort), *rest)
        for number, name, sort, *rest in rows
    }


def _screening_from_row(row: Row) -> ScreeningRow:
    (
        identifier,
        version,
        purpose,
        about,
        person,
        threshold,
        verdict,
        case_id,
        screened_at,
        sealed,
        *rest,
    ) = row
    opened = keys.open_sealed(
        bytes(sealed), table="screenings", column="subject_sealed", key=identifier
    )
    return ScreeningRow(
        identifier, version, purpose, about, person, threshold, Verdict(verdict), case_id,
        screened_at, json.loads(opened), *rest,
    )  # fmt: skip
