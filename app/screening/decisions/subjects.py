"""Who is screened again when the list changes. Rooms above add what they know of people."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.screening.rules import PartyType, ScreeningSubject


@dataclass(frozen=True, slots=True)
class RescreeningSubject:
    """Somebody to be screened, and for what: `about` is a public id."""

    id: UUID
    about: str
    person_id: UUID | None
    subject: ScreeningSubject


#: Up to so many subjects whose `id` comes after the one given, in the order of ids; the first for
#: None. Nobody who was erased is among them, and nobody of them is erased before the transaction
#: ends.
SubjectSource = Callable[[Session, UUID | None, int], list[RescreeningSubject]]

_SOURCES: dict[str, SubjectSource] = {}


def register_source(name: str, source: SubjectSource) -> None:
    """Have these screened again, too. A name that is taken stops the program at start."""
    if _SOURCES.setdefault(name, source) is not source:
        raise TypeError(f"two sources of subjects are named {name}")


def source_names() -> list[str]:
    """The names of all sources."""
    return sorted(_SOURCES)


def source_named(name: str) -> SubjectSource:
    """The source of that name. Raises `LookupError` for one that nobody registered."""
    return _SOURCES[name]


def _accounts(session: Session, after: UUID | None, limit: int) -> list[RescreeningSubject]:
    """Everybody with an account, by the names that they gave."""
    return [
        RescreeningSubject(
            person_id,
            ids.encode("usr", person_id),
            person_id,
            ScreeningSubject((f"{first} {last}",), party_type=PartyType.INDIVIDUAL),
        )
        for person_id, first, last in people.lock_next_names(session, after, limit)
    ]


register_source("accounts", _accounts)
