"""What a case may become, and what a note must be."""

from enum import StrEnum
from unicodedata import category, normalize

from app.kit.errors import Invalid
from app.kit.states import Transitions

NOTE_LENGTH_MAX = 4_000
TITLE_LENGTH_MAX = 200


class CaseState(StrEnum):
    """Where a case is."""

    OPEN = "open"
    """Somebody has to look into it."""
    CLOSED = "closed"
    """It was looked into."""


TRANSITIONS = Transitions(
    {CaseState.OPEN: frozenset({CaseState.CLOSED}), CaseState.CLOSED: frozenset({CaseState.OPEN})}
)


class CaseEventKind(StrEnum):
    """What an event of a case says."""

    OPENED = "opened"
    NOTED = "noted"
    ASSIGNED = "assigned"
    CLOSED = "closed"
    REOPENED = "reopened"


def clean_note(text: str) -> str:
    """A note as it is kept: its lines, without blanks around them. Raises `Invalid` unless it has 1
    to 4000 characters that can be read."""
    lines = [line.rstrip() for line in normalize("NFC", text).splitlines()]
    cleaned = "\n".join(lines).strip()
    unreadable = any(category(each) in {"Cc", "Cs"} for each in cleaned if each not in "\n\t")
    if not 1 <= len(cleaned) <= NOTE_LENGTH_MAX or unreadable:
        raise Invalid("note", f"Enter a note (1 to {NOTE_LENGTH_MAX} characters).")
    return cleaned
