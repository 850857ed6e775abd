"""Who is screened again when the list changes. Rooms above add what they know of people."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.screening.rules import Named, Sort


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody to be screened, and for what: `about` is a public id."""

    id: UUID
    about: str
    person_id: UUID | None
    named: Named


#: Up to so many subjects whose `id` comes after the one given, in the order of ids; the first for
#: None. Nobody who was erased is among them, and nobody of them is erased before the transaction
#: ends.
After = Callable[[Session, UUID | None, int], list[Subject]]

_SOURCES: dict[str, After] = {}


def register(name: str, after: After) -> None:
    """Have these screened again, too. A name that is taken stops the program at start."""
    if _SOURCES.setdefault(name, after) is not after:
        raise TypeError(f"two sources of subjects are named {name}")


def sources() -> list[str]:
    """The names of all sources."""
    return sorted(_SOURCES)


def subjects_of(source: str) -> After:
    """The source of that name. Raises `LookupError` for one that nobody registered."""
    return _SOURCES[source]


def _accounts(session: Session, after: UUID | None, limit: int) -> list[Subject]:
    """Everybody with an account, by the names that they gave."""
    return [
        Subject(
            person_id,
            ids.encode("usr", person_id),
            person_id,
            Named((f"{first} {last}",), sort=Sort.INDIVIDUAL),
        )
        for person_id, first, last in people.lock_next_names(session, after, limit)
    ]


register("accounts", _accounts)
