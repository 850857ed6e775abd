"""Files that go with the emails of a kind. They are drawn when the email is sent, from what is
stored, and never kept: an email that is sent again has the same files."""

from collections.abc import Callable, Mapping, Sequence

from app.kit.db import Session
from app.messages.ports import EmailAttachment

#: Returns the files of an email by the values of its message; none if there are none any more.
DrawAttachments = Callable[[Session, Mapping[str, str]], Sequence[EmailAttachment]]

_SOURCES: dict[str, DrawAttachments] = {}


def register(kind: str, draw: DrawAttachments) -> None:
    """Declare which files the emails of a kind have. A second source of a kind stops the program
    at start."""
    if _SOURCES.setdefault(kind, draw) is not draw:
        raise TypeError(f"two sources of attachments for {kind}")


def draw_attachments(
    session: Session, kind: str, values: Mapping[str, str]
) -> tuple[EmailAttachment, ...]:
    """Return the files of the email of a message."""
    draw = _SOURCES.get(kind)
    return tuple(draw(session, values)) if draw is not None else ()
