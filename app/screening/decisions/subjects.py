"""Sources of subjects to screen again when the list changes. Rooms above register theirs."""

from collections.abc import Callable
from dataclasses import dataclass
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


def _accounts(session: Session, after: UUID | None, limit: int) -> list[RescreeningSubject]:
    """Return people with an account, by the names they gave."""
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
