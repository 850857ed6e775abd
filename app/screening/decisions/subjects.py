"""Sources of subjects to screen again when the list changes. Rooms above register theirs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.screening.rules import PartyType, ScreeningSubject


@dataclass(frozen=True, slots=True)
class RescreeningSubject:
    """A subject to screen, and the public id of what it is screened for."""

    id: UUID
    about: str
    person_id: UUID | None
    subject: ScreeningSubject
    #: Whether only the name of the person is known, who may move nothing before they are verified.
    is_incomplete: bool = False


#: Returns at most a number of subjects whose `id` follows the given one, in the order of ids; the
#: first ones for None. Erased people are left out, and none of them is erased before the
#: transaction ends.
SubjectSource = Callable[[Session, UUID | None, int], list[RescreeningSubject]]

_SOURCES: dict[str, SubjectSource] = {}


def register_source(name: str, source: SubjectSource) -> None:
    """Register a source of subjects. A second one with the same name stops the program at start."""
    if _SOURCES.setdefault(name, source) is not source:
        raise TypeError(f"two sources of subjects are named {name}")


def source_names() -> list[str]:
    """Return the names of all sources."""
    return sorted(_SOURCES)


def source_named(name: str) -> SubjectSource:
    """Return the source with this name. Raises `LookupError` if there is none."""
    return _SOURCES[name]


@dataclass(frozen=True, slots=True)
class VerifiedFacts:
    """What was verified about a person with an account, and the phone number that they gave.

    `may_move_money` is False before a verification.
    """

    birth_date: date | None = None
    residences: frozenset[str] = frozenset()
    numbers: tuple[str, ...] = ()
    may_move_money: bool = True


#: Returns what was verified about a person.
FindVerifiedFacts = Callable[[Session, UUID], VerifiedFacts]

_VERIFIED: list[FindVerifiedFacts] = []


def register_verified_facts(find: FindVerifiedFacts) -> None:
    """Register the one room that verifies people. A second one stops the program at start."""
    if _VERIFIED and [find] != _VERIFIED:
        raise TypeError("two rooms verify people")
    _VERIFIED[:] = [find]


def person_subject(session: Session, person_id: UUID, name: str) -> ScreeningSubject:
    """Return a person with an account under a name, with what was verified about them.

    Every room that screens them gets the same result.
    """
    return _subject_of(name, _find_facts(session, person_id))


def _find_facts(session: Session, person_id: UUID) -> VerifiedFacts:
    return _VERIFIED[0](session, person_id) if _VERIFIED else VerifiedFacts()


def _subject_of(name: str, facts: VerifiedFacts) -> ScreeningSubject:
    return ScreeningSubject(
        (name,),
        facts.birth_date,
        party_type=PartyType.INDIVIDUAL,
        residences=facts.residences,
        numbers=facts.numbers,
    )


def _accounts(session: Session, after: UUID | None, limit: int) -> list[RescreeningSubject]:
    """Return people with an account, by the names they gave and what was verified."""
    found = []
    for person_id, first, last in people.lock_next_names(session, after, limit):
        facts = _find_facts(session, person_id)
        found.append(
            RescreeningSubject(
                person_id,
                ids.encode("usr", person_id),
                person_id,
                _subject_of(f"{first} {last}", facts),
                is_incomplete=facts.birth_date is None and not facts.may_move_money,
            )
        )
    return found


register_source("accounts", _accounts)
