"""Enums whose members carry what pages show of them: a label, and for a status also a mark.

The value of a member is what is stored and sent; its label can change at any time. A CHECK of the
database limits each column to the values of its enum, and columns of histories take the value from
such a column, so that queries read members back without a default.
"""

from enum import Enum, StrEnum
from typing import Self


class Tone(StrEnum):
    """The colour of a status, which repeats what its label says."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    QUIET = "quiet"


class Mark(Enum):
    """What a status means at a glance: a tone, and an icon of `static/icons.svg`.

    Every meaning has an icon of its own.
    """

    DONE = Tone.GOOD, "check"
    """In order, or ended as intended."""
    WAITING = Tone.WARN, "clock"
    """A person or another company has to act."""
    REVIEW = Tone.WARN, "eye"
    """Staff have to look into it."""
    UNCERTAIN = Tone.WARN, "question"
    """PBCEx does not know at present, or cannot rely on it."""
    ABOVE = Tone.WARN, "above"
    """More than it should be."""
    CHANGED = Tone.WARN, "not-equal"
    """Different from before."""
    BELOW = Tone.BAD, "below"
    """Less than it should be."""
    FAILED = Tone.BAD, "cross"
    """Refused or tried in vain: nothing happened."""
    STOPPED = Tone.BAD, "stop"
    """Not permitted until staff permit it again."""
    RETURNED = Tone.BAD, "return"
    """Reversed after it was done."""
    PROBLEM = Tone.BAD, "alert"
    """Something is wrong, and staff have to put it right."""
    UNDERWAY = Tone.QUIET, "progress"
    """The system is at work; there is nothing to do."""
    ENDED = Tone.QUIET, "minus"
    """Over or not in force, with nothing wrong."""
    SAME = Tone.QUIET, "equal"
    """As before."""

    @property
    def tone(self) -> Tone:
        """The colour."""
        return self.value[0]

    @property
    def icon(self) -> str:
        """The name of the icon."""
        return self.value[1]


class LabelledEnum(StrEnum):
    """An enum whose members have a label: `CARD = "card", "Card"`."""

    _value_: str
    label: str

    def __new__(cls, value: str, *_shown: object) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        return member

    # The defaults are for type checkers, which read the look-up `Method("card")` as this call.
    def __init__(self, value: str, label: str = "") -> None:
        if not label:
            raise TypeError(f"{value!r} has no label")
        self.label = label

    @classmethod
    def options(cls) -> list[tuple[str, str]]:
        """Return the value and label of each member, in order, for the options of a form."""
        return [(member.value, member.label) for member in cls]

    @classmethod
    def with_value(cls, text: str) -> Self | None:
        """Return the member with this value; None if there is none, as in an edited URL."""
        return next((member for member in cls if member.value == text), None)


class StatusEnum(LabelledEnum):
    """An enum whose members have a label and a mark: `SENT = "sent", "Sent", Mark.UNDERWAY`.

    `components/status.html` shows a member.
    """

    mark: Mark

    def __init__(self, value: str, label: str = "", mark: Mark | None = None) -> None:
        super().__init__(value, label)
        if mark is None:
            raise TypeError(f"{value!r} has no mark")
        self.mark = mark
