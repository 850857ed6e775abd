"""What every kind of message is made of."""

from dataclasses import dataclass, replace
from typing import ClassVar

from app.notifications.rules import MessageKind, Topic


def email_only(
    name: str, topic: Topic = Topic.SECURITY, *, version: int = 1, cause: str = ""
) -> MessageKind:
    """Return a kind that is sent by email alone; `cause` ends its line "You got this because"."""
    kind = MessageKind(name, topic, version, sms_version=0, in_inbox=False)
    return replace(kind, email_cause=cause) if cause else kind


@dataclass(frozen=True)
class Facts:
    """Facts of a message, or of several kinds of messages, in a frozen dataclass."""


class MessageFacts(Facts):
    """The facts of one message."""

    kind: ClassVar[MessageKind]
