"""What sends mail and text messages for us."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.messages.delivery_log import DeliveryStatus
from app.providers.errors import ProviderRefused, ProviderUnavailable


@dataclass(frozen=True, slots=True)
class OutgoingEmail:
    """An e-mail to one person, ready to go. A mail that is sent again has the same id."""

    id: UUID
    recipient: str
    subject: str
    text: str
    html: str


class EmailNotSent(ProviderUnavailable):
    """The server did not take the mail, for a reason that may pass: try again later. The message
    names no address."""


class EmailRefused(ProviderRefused):
    """The server will never take this mail: there is no use in trying again."""


class EmailSender(Protocol):
    """Hands one mail to a server, within its own time limit."""

    def send(self, email: OutgoingEmail) -> None:
        """Return once the server has taken the mail.

        Raises `ProviderUnavailable`, `ProviderRefused` or `ProviderOutcomeUnknown` of
        app.providers.errors, whose messages name no address. The id goes with the mail as its
        Message-ID, by which a mail that comes twice is recognised.
        """
        ...


@dataclass(frozen=True, slots=True)
class OutgoingSms:
    """A text message to one phone, ready to go. Its body ends with `reference`, like no other's to
    that phone: by it the message is found again."""

    id: UUID
    #: E.164.
    recipient: str
    body: str
    reference: str


class SmsSender(Protocol):
    """Hands text messages to a carrier that does not know a repetition when it sees one.

    All three raise `ProviderUnavailable`, `ProviderRefused` or `ProviderOutcomeUnknown` of
    app.providers.errors.
    """

    def send(self, sms: OutgoingSms) -> str:
        """The carrier's id of the message that it took."""
        ...

    def find(self, sms: OutgoingSms, *, since: datetime) -> str | None:
        """The carrier's id of this very message, if it took it since then."""
        ...

    def status(self, carrier_id: str) -> DeliveryStatus | None:
        """What became of a message; None while it is under way."""
        ...
