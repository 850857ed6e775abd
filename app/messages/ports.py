"""What sends mail and text messages for us."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.kit.errors import NotDone
from app.messages.sending import Delivery


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An e-mail to one person, ready to go. A mail that is sent again has the same id."""

    id: UUID
    recipient: str
    subject: str
    text: str
    html: str


class NotSent(NotDone):
    """The server did not take the mail, for a reason that may pass: try again later. The message
    names no address."""


class MailRefused(Exception):
    """The server will never take this mail: there is no use in trying again."""


class OutcomeUnknown(NotDone):
    """The connection broke after the mail was handed over: the server may have taken it. The
    message names no address."""


class Mailer(Protocol):
    """Hands one mail to a server, within its own time limit."""

    def send(self, mail: Outgoing) -> None:
        """Return once the server has taken the mail.

        Raises `NotSent`, `MailRefused` or `OutcomeUnknown`. The id goes with the mail as its
        Message-ID, by which a mail that comes twice is recognised.
        """
        ...


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """A text message to one phone, ready to go. Its body is like no other's: it ends with a
    reference made of the id, by which it is found again."""

    id: UUID
    #: E.164.
    recipient: str
    body: str


@dataclass(frozen=True, slots=True)
class TextStatus:
    """What the carrier says became of a text message; `delivery` is None while it is under way."""

    delivery: Delivery | None
    reason: str = ""


class Texter(Protocol):
    """Hands text messages to a carrier that does not know a repetition when it sees one.

    All three raise `ProviderAway`, `OutcomeUnknown` and `ProviderRefused` of app.providers.errors.
    """

    def send(self, text: OutgoingText) -> str:
        """The carrier's id of the message that it took."""
        ...

    def find(self, text: OutgoingText, *, since: datetime) -> str | None:
        """The carrier's id of this very message, if it took it since then."""
        ...

    def status(self, carrier_id: str) -> TextStatus:
        """What became of a message."""
        ...
