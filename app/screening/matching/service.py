"""Screening of subjects and wallet addresses, and a preview that is not saved."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.cases import service as cases
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.screening.decisions.case_outcomes import CASE_KIND
from app.screening.lists import index
from app.screening.lists.sdn_remarks import wallet_key
from app.screening.matching.name_index import Hit
from app.screening.matching.name_normalization import UNCOMPARABLE_NAME, is_comparable, sorted_words
from app.screening.rules import (
    SCORE_MAX,
    UNCOMPARABLE_ENTRY,
    Agreement,
    MatchedOn,
    ScreeningRules,
    ScreeningSubject,
    Verdict,
)
from app.settings.queries import current

#: Prefix of a screening's public id.
PREFIX = "scr"
#: The number of hits written into a case. The screening keeps all.
_HITS_IN_CASE_MAX = 20

#: Hit for a name that cannot be compared. It is decided like an entry, but no entry has its number.
_UNCOMPARABLE_HIT = Hit(
    UNCOMPARABLE_ENTRY,
    "Cannot be compared",
    MatchedOn.NAME,
    SCORE_MAX,
    Agreement.UNKNOWN,
    Agreement.UNKNOWN,
)

#: Names of a subject's fields as facts of a case, where they differ.
_FACT_NAMES = {"born": "birth date", "sort": "type", "wallet": "wallet address"}

_DECIDED = """
SELECT entry_number, decision FROM screening_decisions WHERE subject_key = %s AND lifted_at IS NULL
"""
_BLOCKED = """
SELECT EXISTS (SELECT FROM screening_decisions
    WHERE person_id = %s AND decision = 'match' AND lifted_at IS NULL)
"""
_INSERT = """
INSERT INTO screenings (id, list_version, purpose, about, person_id, subject_sealed, subject_key,
    threshold, verdict, case_id, screened_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_HIT = """
INSERT INTO screening_hits (id, screening_id, entry_number, listed, matched, score, birth, country,
    number, likeness, cleared)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_IN_CASE = """
SELECT DISTINCT h.entry_number FROM screenings s JOIN screening_hits h ON h.screening_id = s.id
WHERE s.case_id = %s
"""


@dataclass(frozen=True, slots=True)
class ScreeningResult:
    """The result of a screening. `hits` include those decided earlier to be false positives."""

    id: UUID
    verdict: Verdict
    list_version: int
    hits: tuple[Hit, ...]
    case_id: UUID | None
    screened_at: datetime

    @property
    def is_clear(self) -> bool:
        """Whether the subject passes."""
        return self.verdict is Verdict.CLEAR


@dataclass(frozen=True, slots=True)
class _ScreeningRequest:
    """Whom or what to screen, and why."""

    about: str
    purpose: str
    person_id: UUID | None
    #: The subject's fields, which are stored sealed, and the key that identifies it.
    subject: dict[str, object]
    key: bytes
    title: str


def screen(
    session: Session,
    subject: ScreeningSubject,
    *,
    about: str,
    purpose: str,
    person_id: UUID | None = None,
    is_incomplete: bool = False,
) -> ScreeningResult:
    """Screen a subject against the current list, and record it.

    `about` is the public id of what it is screened for, `purpose` one word for why (`onboarding`,
    `payout`, …), `person_id` the subject's account if there is one. Undecided hits open a case, and
    so does a name that cannot be compared; not so if the subject `is_incomplete`, a person who may
    move nothing before another screening with more facts. Raises `NoSanctionsList`.
    """
    sanctions_list = index.current_list(session)
    rules = current(session, ScreeningRules)
    hits = sanctions_list.name_index.find_hits(subject, rules)
    title = "Name similar to a listed party"
    if not all(map(is_comparable, subject.names)):
        title = title if hits else "Name that cannot be compared"
        hits = [*hits, _UNCOMPARABLE_HIT]
    key = subject_key(subject, person_id)
    request = _ScreeningRequest(about, purpose, person_id, _subject_fields(subject), key, title)
    threshold = rules.recorded_threshold(subject.party_type)
    return _record_screening(
        session, request, sanctions_list.version, threshold, hits, opens_case=not is_incomplete
    )


def screen_wallet(
    session: Session,
    wallet_address: str,
    *,
    about: str,
    purpose: str,
    person_id: UUID | None = None,
) -> ScreeningResult:
    """Screen a wallet address, which is either listed or not, and record it.

    Raises `NoSanctionsList`.
    """
    sanctions_list = index.current_list(session)
    hits = [
        Hit(
            number,
            listed_address,
            MatchedOn.WALLET,
            SCORE_MAX,
            Agreement.UNKNOWN,
            Agreement.UNKNOWN,
        )
        for number, listed_address in sanctions_list.wallets.get(wallet_key(wallet_address), ())
    ]
    key = _blind_key(f"wallet|{wallet_key(wallet_address)}")
    request = _ScreeningRequest(
        about, purpose, person_id, {"wallet": wallet_address}, key, "Listed wallet address"
    )
    return _record_screening(
        session, request, sanctions_list.version, current(session, ScreeningRules).threshold, hits
    )


def preview_hits(session: Session, subject: ScreeningSubject) -> tuple[int, list[Hit]]:
    """Return the version of the list and the hits for this subject, without saving anything.

    Raises `NoSanctionsList`, and `Invalid` for a name that cannot be compared.
    """
    if not all(map(is_comparable, subject.names)):
        raise Invalid("name", UNCOMPARABLE_NAME)
    sanctions_list = index.current_list(session)
    return sanctions_list.version, sanctions_list.name_index.find_hits(
        subject, current(session, ScreeningRules)
    )


def subject_key(subject: ScreeningSubject, person_id: UUID | None) -> bytes:
    """Return a key that identifies this subject without revealing it.

    Account and names identify a person with an account, names and birth date anyone else.
    """
    # The Latin letters of a name that cannot be compared would not identify it.
    names = sorted({sorted_words(n) if is_comparable(n) else n.casefold() for n in subject.names})
    identity = str(person_id) if person_id else f"{subject.birth_date or ''}"
    return _blind_key("|".join([identity, *names]))


def _blind_key(text: str) -> bytes:
    return keys.blind_index(text, table="screenings", column="subject_key")


def _record_screening(
    session: Session,
    request: _ScreeningRequest,
    list_version: int,
    threshold: int,
    hits: Sequence[Hit],
    *,
    opens_case: bool = True,
) -> ScreeningResult:
    # The lock waits for a decision about this subject that is being made now, and then uses it.
    open_case_id = (
        cases.lock_open_case(session, kind=CASE_KIND, key=request.key.hex()) if hits else None
    )
    decided, [(is_blocked,)] = session.fetch(
        (_DECIDED, (request.key,)), (_BLOCKED, (request.person_id,))
    )
    cleared = {number for number, decision in decided if decision == "no_match"}
    is_blocked = is_blocked or len(cleared) < len(decided)
    undecided = [hit for hit in hits if hit.entry_number not in cleared]
    screening_id, case_id = ids.new(), None
    if is_blocked:
        verdict = Verdict.BLOCKED
    elif undecided and not (opens_case or open_case_id or _has_number(undecided)):
        verdict = Verdict.INCOMPLETE
    elif undecided:
        verdict = Verdict.REVIEW
        case_id = open_case_id or _open_case(
            session, request, screening_id, list_version, undecided
        )
        if open_case_id:
            _note_new_hits(session, open_case_id, undecided)
    else:
        verdict = Verdict.CLEAR
    now = clock.now()
    sealed = keys.seal(
        json.dumps(request.subject, ensure_ascii=False),
        table="screenings",
        column="subject_sealed",
        key=screening_id,
    )
    session.send(
        _INSERT,
        (
            screening_id, list_version, request.purpose, request.about, request.person_id, sealed,
            request.key, threshold, verdict, case_id, now,
        ),
    )  # fmt: skip
    for hit in hits:
        session.send(
            _HIT,
            (
                ids.new(), screening_id, hit.entry_number, hit.listed_name, hit.matched_on,
                hit.score, hit.birth, hit.country, hit.number, hit.likeness,
                hit.entry_number in cleared,
            ),
        )  # fmt: skip
    return ScreeningResult(screening_id, verdict, list_version, tuple(hits), case_id, now)


def _has_number(hits: Sequence[Hit]) -> bool:
    """Return whether a number of the subject is listed, which is more than a name."""
    return any(hit.number is Agreement.EQUAL for hit in hits)


def _open_case(
    session: Session,
    request: _ScreeningRequest,
    screening_id: UUID,
    list_version: int,
    hits: Sequence[Hit],
) -> UUID:
    facts = {
        _FACT_NAMES.get(name, name): _text(value)
        for name, value in request.subject.items()
        if value
    }
    facts |= {"purpose": request.purpose, "list version": str(list_version)}
    facts |= {"screening": ids.encode(PREFIX, screening_id)}
    for position, hit in enumerate(hits[:_HITS_IN_CASE_MAX], start=1):
        facts[f"hit {position}"] = _hit_text(hit)
    if len(hits) > _HITS_IN_CASE_MAX:
        facts["total hits"] = str(len(hits))
    return cases.open_case(
        session,
        kind=CASE_KIND,
        subject=request.about,
        key=request.key.hex(),
        title=request.title,
        facts=facts,
        person_id=request.person_id,
    )


def _note_new_hits(session: Session, case_id: UUID, hits: Sequence[Hit]) -> None:
    """Add hits that are new to an open case as a note."""
    known_entries = {number for (number,) in session.rows(_IN_CASE, (case_id,))}
    new_hits = [hit for hit in hits if hit.entry_number not in known_entries]
    if new_hits:
        lines = [_hit_text(hit) for hit in new_hits[:_HITS_IN_CASE_MAX]]
        cases.add_note(session, None, case_id, "\n".join(["New hits:", *lines]))


def _subject_fields(subject: ScreeningSubject) -> dict[str, object]:
    return {
        "names": list(subject.names),
        "born": subject.birth_date.isoformat() if subject.birth_date else "",
        "countries": sorted(subject.countries),
        "residences": sorted(subject.residences),
        "numbers": list(subject.numbers),
        "sort": subject.party_type or "",
    }


def _text(value: object) -> str:
    return (
        ", ".join(map(str, value))
        if isinstance(value, Iterable) and not isinstance(value, str)
        else str(value)
    )


def _hit_text(hit: Hit) -> str:
    if hit.matched_on is MatchedOn.WALLET:
        return f"{hit.listed_name} (wallet address, entry {hit.entry_number})"
    return (
        f"{hit.listed_name} ({hit.matched_on}, entry {hit.entry_number}), score {hit.score}; "
        f"birth date: {hit.birth}, country: {hit.country}"
        f"{', number: equal' * (hit.number is Agreement.EQUAL)}"
    )
