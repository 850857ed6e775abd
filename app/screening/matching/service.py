"""The verbs of screening: check somebody, check an address of a digital currency, try a name."""

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
from app.kit.ports import resolve
from app.screening.decisions.case_decisions import CASE_KIND
from app.screening.lists import index
from app.screening.lists.sdn_remarks import wallet_key
from app.screening.matching.engine import Hit
from app.screening.matching.names import UNCOMPARABLE_NAME, is_comparable, sorted_words
from app.screening.rules import (
    SCORE_MAX,
    UNCOMPARABLE_ENTRY,
    Agreement,
    ScreeningRules,
    ScreeningSubject,
    Verdict,
)

#: Of a screening's id, as staff see it.
PREFIX = "scr"
#: So many hits are written into a case; the screening has all.
_HITS_IN_CASE_MAX = 20

#: Stands for whatever a name that cannot be compared may be: it is decided as an entry is, and no
#: entry has this number.
_UNCOMPARABLE_HIT = Hit(
    UNCOMPARABLE_ENTRY,
    "Cannot be compared",
    "name",
    SCORE_MAX,
    Agreement.UNKNOWN,
    Agreement.UNKNOWN,
)

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
    cleared)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_IN_CASE = """
SELECT DISTINCT h.entry_number FROM screenings s JOIN screening_hits h ON h.screening_id = s.id
WHERE s.case_id = %s
"""


@dataclass(frozen=True, slots=True)
class ScreeningResult:
    """What came of checking a subject. `hits` that were decided to be somebody else before are
    among `matches` and not among those that need a decision."""

    id: UUID
    verdict: Verdict
    list_version: int
    hits: tuple[Hit, ...]
    case_id: UUID | None
    screened_at: datetime

    @property
    def is_clear(self) -> bool:
        """Whether the subject may pass."""
        return self.verdict is Verdict.CLEAR


@dataclass(frozen=True, slots=True)
class _ScreeningRequest:
    """Who is checked, and what for."""

    about: str
    purpose: str
    person_id: UUID | None
    #: What is kept of the subject, sealed; and what tells it from others.
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
) -> ScreeningResult:
    """Check somebody against the current list, and keep that it was done.

    `about` is the public id of what they are checked for, `purpose` one word for why (`onboarding`,
    `payout`, …), `person_id` their account if they have one. What is found and was not decided yet
    opens a case, and so does a name that cannot be compared. Raises `NoSanctionsList`.
    """
    listed = index.current_list(session)
    threshold = resolve(ScreeningRules).threshold
    found = listed.name_index.find_hits(subject, threshold)
    title = "A name like a listed party's"
    if not all(map(is_comparable, subject.names)):
        title = title if found else "A name that cannot be compared"
        found = [*found, _UNCOMPARABLE_HIT]
    key = subject_key(subject, person_id)
    asked = _ScreeningRequest(about, purpose, person_id, _subject_fields(subject), key, title)
    return _record_screening(session, asked, listed.version, threshold, found)


def screen_wallet(
    session: Session,
    wallet_address: str,
    *,
    about: str,
    purpose: str,
    person_id: UUID | None = None,
) -> ScreeningResult:
    """The same for an address of a digital currency, which is listed or not."""
    listed = index.current_list(session)
    found = [
        Hit(number, listed_as, "wallet", SCORE_MAX, Agreement.UNKNOWN, Agreement.UNKNOWN)
        for number, listed_as in listed.wallets.get(wallet_key(wallet_address), ())
    ]
    key = _blind_key(f"wallet|{wallet_key(wallet_address)}")
    asked = _ScreeningRequest(
        about, purpose, person_id, {"wallet": wallet_address}, key, "An address of a listed party"
    )
    return _record_screening(
        session, asked, listed.version, resolve(ScreeningRules).threshold, found
    )


def preview_hits(session: Session, subject: ScreeningSubject) -> tuple[int, list[Hit]]:
    """What checking this subject would find, and in which version; nothing is kept. Raises
    `NoSanctionsList`, and `Invalid` for a name that cannot be compared."""
    if not all(map(is_comparable, subject.names)):
        raise Invalid("name", UNCOMPARABLE_NAME)
    listed = index.current_list(session)
    return listed.version, listed.name_index.find_hits(subject, resolve(ScreeningRules).threshold)


def subject_key(subject: ScreeningSubject, person_id: UUID | None) -> bytes:
    """What tells this subject from others, without saying who it is: a person with an account by
    that and their names, somebody else by their names and birth date."""
    # Of a name that cannot be compared the letters alone would be those of others, too.
    names = sorted({sorted_words(n) if is_comparable(n) else n.casefold() for n in subject.names})
    who = str(person_id) if person_id else f"{subject.birth_date or ''}"
    return _blind_key("|".join([who, *names]))


def _blind_key(text: str) -> bytes:
    return keys.blind_index(text, table="screenings", column="subject_key")


def _record_screening(
    session: Session,
    request: _ScreeningRequest,
    list_version: int,
    threshold: int,
    hits: Sequence[Hit],
) -> ScreeningResult:
    # Whoever decides about this subject at this moment is waited for, and then counts.
    held = cases.lock_open_case(session, kind=CASE_KIND, key=request.key.hex()) if hits else None
    decided, [(is_blocked,)] = session.fetch(
        (_DECIDED, (request.key,)), (_BLOCKED, (request.person_id,))
    )
    cleared = {number for number, decision in decided if decision == "no_match"}
    is_blocked = is_blocked or len(cleared) < len(decided)
    undecided = [match for match in hits if match.entry_number not in cleared]
    identifier, case_id = ids.new(), None
    if is_blocked:
        verdict = Verdict.BLOCKED
    elif undecided:
        verdict = Verdict.REVIEW
        case_id = held or _open_case(session, request, identifier, list_version, undecided)
        if held:
            _note_new_hits(session, held, undecided)
    else:
        verdict = Verdict.CLEAR
    now = clock.now()
    sealed = keys.seal(
        json.dumps(request.subject, ensure_ascii=False),
        table="screenings",
        column="subject_sealed",
        key=identifier,
    )
    session.send(
        _INSERT,
        (
            identifier, list_version, request.purpose, request.about, request.person_id, sealed,
            request.key, threshold, verdict, case_id, now,
        ),
    )  # fmt: skip
    for match in hits:
        session.send(
            _HIT,
            (
                ids.new(), identifier, match.entry_number, match.listed_name, match.matched_on,
                match.score, match.birth, match.country, match.entry_number in cleared,
            ),
        )  # fmt: skip
    return ScreeningResult(identifier, verdict, list_version, tuple(hits), case_id, now)


def _open_case(
    session: Session,
    request: _ScreeningRequest,
    screening_id: UUID,
    list_version: int,
    hits: Sequence[Hit],
) -> UUID:
    facts = {name: _text(value) for name, value in request.subject.items() if value}
    facts |= {"purpose": request.purpose, "list version": str(list_version)}
    facts |= {"screening": ids.encode(PREFIX, screening_id)}
    for place, match in enumerate(hits[:_HITS_IN_CASE_MAX], start=1):
        facts[f"found {place}"] = _hit_text(match)
    if len(hits) > _HITS_IN_CASE_MAX:
        facts["found in all"] = str(len(hits))
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
    """Note in an open case what was not found before."""
    known = {number for (number,) in session.rows(_IN_CASE, (case_id,))}
    new = [match for match in hits if match.entry_number not in known]
    if new:
        told = [_hit_text(match) for match in new[:_HITS_IN_CASE_MAX]]
        cases.add_note(session, None, case_id, "\n".join(["Found since:", *told]))


def _subject_fields(subject: ScreeningSubject) -> dict[str, object]:
    return {
        "names": list(subject.names),
        "born": subject.birth_date.isoformat() if subject.birth_date else "",
        "countries": sorted(subject.countries),
        "sort": subject.party_type or "",
    }


def _text(value: object) -> str:
    return (
        ", ".join(map(str, value))
        if isinstance(value, Iterable) and not isinstance(value, str)
        else str(value)
    )


def _hit_text(hit: Hit) -> str:
    return (
        f"{hit.listed_name} ({hit.matched_on}, entry {hit.entry_number}), score {hit.score}; "
        f"birth date: {hit.birth}, country: {hit.country}"
    )
