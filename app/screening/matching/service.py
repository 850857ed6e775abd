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
from app.screening.decisions.case_decisions import KIND
from app.screening.lists import index
from app.screening.lists.sdn_remarks import wallet_key
from app.screening.matching.engine import Match
from app.screening.matching.names import UNCOMPARABLE, is_readable, letters_of
from app.screening.rules import SCORE_MAX, UNREADABLE, Agreement, Named, ScreeningRules, Verdict

#: Of a screening's id, as staff see it.
PREFIX = "scr"
#: So many hits are written into a case; the screening has all.
_HITS_TOLD = 20

#: Stands for whatever a name that cannot be compared may be: it is decided as an entry is, and no
#: entry has this number.
_UNREADABLE = Match(
    UNREADABLE, "Cannot be compared", "name", SCORE_MAX, Agreement.UNKNOWN, Agreement.UNKNOWN
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
class Screening:
    """What came of checking a subject. `hits` that were decided to be somebody else before are
    among `matches` and not among those that need a decision."""

    id: UUID
    verdict: Verdict
    list_version: int
    matches: tuple[Match, ...]
    case_id: UUID | None
    screened_at: datetime

    @property
    def is_clear(self) -> bool:
        """Whether the subject may pass."""
        return self.verdict is Verdict.CLEAR


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who is checked, and what for."""

    about: str
    purpose: str
    person_id: UUID | None
    #: What is kept of the subject, sealed; and what tells it from others.
    told: dict[str, object]
    key: bytes
    title: str


def screen(
    session: Session,
    subject: Named,
    *,
    about: str,
    purpose: str,
    person_id: UUID | None = None,
) -> Screening:
    """Check somebody against the current list, and keep that it was done.

    `about` is the public id of what they are checked for, `purpose` one word for why (`onboarding`,
    `payout`, …), `person_id` their account if they have one. What is found and was not decided yet
    opens a case, and so does a name that cannot be compared. Raises `NoSanctionsList`.
    """
    listed = index.current(session)
    threshold = resolve(ScreeningRules).threshold
    found = listed.index.find(subject, threshold)
    title = "A name like a listed party's"
    if not all(map(is_readable, subject.names)):
        title = title if found else "A name that cannot be compared"
        found = [*found, _UNREADABLE]
    key = subject_key(subject, person_id)
    asked = _Asked(about, purpose, person_id, _told(subject), key, title)
    return _keep(session, asked, listed.version, threshold, found)


def screen_address(
    session: Session, address: str, *, about: str, purpose: str, person_id: UUID | None = None
) -> Screening:
    """The same for an address of a digital currency, which is listed or not."""
    listed = index.current(session)
    found = [
        Match(number, listed_as, "wallet", SCORE_MAX, Agreement.UNKNOWN, Agreement.UNKNOWN)
        for number, listed_as in listed.wallets.get(wallet_key(address), ())
    ]
    key = _key(f"wallet|{wallet_key(address)}")
    asked = _Asked(
        about, purpose, person_id, {"wallet": address}, key, "An address of a listed party"
    )
    return _keep(session, asked, listed.version, resolve(ScreeningRules).threshold, found)


def try_subject(session: Session, subject: Named) -> tuple[int, list[Match]]:
    """What checking this subject would find, and in which version; nothing is kept. Raises
    `NoSanctionsList`, and `Invalid` for a name that cannot be compared."""
    if not all(map(is_readable, subject.names)):
        raise Invalid("name", UNCOMPARABLE)
    listed = index.current(session)
    return listed.version, listed.index.find(subject, resolve(ScreeningRules).threshold)


def subject_key(subject: Named, person_id: UUID | None) -> bytes:
    """What tells this subject from others, without saying who it is: a person with an account by
    that and their names, somebody else by their names and birth date."""
    # Of a name that cannot be compared the letters alone would be those of others, too.
    names = sorted({letters_of(n) if is_readable(n) else n.casefold() for n in subject.names})
    who = str(person_id) if person_id else f"{subject.born or ''}"
    return _key("|".join([who, *names]))


def _key(text: str) -> bytes:
    return keys.blind_index(text, table="screenings", column="subject_key")


def _keep(
    session: Session, asked: _Asked, version: int, threshold: int, found: Sequence[Match]
) -> Screening:
    # Whoever decides about this subject at this moment is waited for, and then counts.
    held = cases.hold(session, kind=KIND, key=asked.key.hex()) if found else None
    decided, [(is_blocked,)] = session.fetch(
        (_DECIDED, (asked.key,)), (_BLOCKED, (asked.person_id,))
    )
    cleared = {number for number, decision in decided if decision == "no_match"}
    is_blocked = is_blocked or len(cleared) < len(decided)
    undecided = [match for match in found if match.entry_number not in cleared]
    identifier, case_id = ids.new(), None
    if is_blocked:
        verdict = Verdict.BLOCKED
    elif undecided:
        verdict = Verdict.REVIEW
        case_id = held or _open(session, asked, identifier, version, undecided)
        if held:
            _add(session, held, undecided)
    else:
        verdict = Verdict.CLEAR
    now = clock.now()
    sealed = keys.seal(
        json.dumps(asked.told, ensure_ascii=False),
        table="screenings",
        column="subject_sealed",
        key=identifier,
    )
    session.send(
        _INSERT,
        (
            identifier, version, asked.purpose, asked.about, asked.person_id, sealed, asked.key,
            threshold, verdict, case_id, now,
        ),
    )  # fmt: skip
    for match in found:
        session.send(
            _HIT,
            (
                ids.new(), identifier, match.entry_number, match.listed, match.matched,
                match.score, match.birth, match.country, match.entry_number in cleared,
            ),
        )  # fmt: skip
    return Screening(identifier, verdict, version, tuple(found), case_id, now)


def _open(
    session: Session, asked: _Asked, identifier: UUID, version: int, undecided: Sequence[Match]
) -> UUID:
    facts = {name: _text(value) for name, value in asked.told.items() if value}
    facts |= {"purpose": asked.purpose, "list version": str(version)}
    facts |= {"screening": ids.encode(PREFIX, identifier)}
    for place, match in enumerate(undecided[:_HITS_TOLD], start=1):
        facts[f"found {place}"] = _in_words(match)
    if len(undecided) > _HITS_TOLD:
        facts["found in all"] = str(len(undecided))
    return cases.open_case(
        session,
        kind=KIND,
        subject=asked.about,
        key=asked.key.hex(),
        title=asked.title,
        facts=facts,
        person_id=asked.person_id,
    )


def _add(session: Session, case_id: UUID, undecided: Sequence[Match]) -> None:
    """Note in an open case what was not found before."""
    known = {number for (number,) in session.rows(_IN_CASE, (case_id,))}
    new = [match for match in undecided if match.entry_number not in known]
    if new:
        told = [_in_words(match) for match in new[:_HITS_TOLD]]
        cases.note(session, None, case_id, "\n".join(["Found since:", *told]))


def _told(subject: Named) -> dict[str, object]:
    return {
        "names": list(subject.names),
        "born": subject.born.isoformat() if subject.born else "",
        "countries": sorted(subject.countries),
        "sort": subject.sort or "",
    }


def _text(value: object) -> str:
    return (
        ", ".join(map(str, value))
        if isinstance(value, Iterable) and not isinstance(value, str)
        else str(value)
    )


def _in_words(match: Match) -> str:
    return (
        f"{match.listed} ({match.matched}, entry {match.entry_number}), score {match.score}; "
        f"birth date: {match.birth}, country: {match.country}"
    )
