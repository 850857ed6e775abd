"""What sends mail for us."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.kit.errors import NotDone


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
