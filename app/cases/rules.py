"""States and events of a case, and the form of a note."""

from enum import StrEnum
from unicodedata import category, normalize

from app.kit.errors import Invalid
from app.kit.labels import Mark, StatusEnum
from app.kit.states import Transitions

NOTE_LENGTH_MAX = 4_000
TITLE_LENGTH_MAX = 200


class CaseState(StatusEnum):
    """The state of a case."""

    OPEN = "open", "Open", Mark.REVIEW
    """To be investigated."""
    CLOSED = "closed", "Closed", Mark.ENDED
    """Investigated, with an outcome."""


TRANSITIONS = Transitions(
    {CaseState.OPEN: frozenset({CaseState.CLOSED}), CaseState.CLOSED: frozenset({CaseState.OPEN})}
)


class CaseEventKind(StrEnum):
    """The kind of a case's event."""

    OPENED = "opened"
    NOTED = "noted"
    ASSIGNED = "assigned"
    CLOSED = "closed"
    REOPENED = "reopened"
    FOLLOWED = "followed"
    """Something that followed from the outcome, or from reopening."""


def clean_note(text: str) -> str:
    """Return the note with trailing spaces and blank ends removed.

    Raises `Invalid` unless it has 1 to 4000 readable characters.
    """
    lines = [line.rstrip() for line in normalize("NFC", text).splitlines()]
    cleaned = "\n".join(lines).strip()
    has_unreadable = any(
        category(character) in {"Cc", "Cs"} for character in cleaned if character not in "\n\t"
    )
    if not 1 <= len(cleaned) <= NOTE_LENGTH_MAX or has_unreadable:
        raise Invalid("note", f"Enter a note (1 to {NOTE_LENGTH_MAX} characters).")
    return cleaned
