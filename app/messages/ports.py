"""Ports of the senders of email and SMS."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.messages.delivery_log import DeliveryStatus
from app.providers.errors import ProviderRefused, ProviderUnavailable
from app.providers.ports import ProviderFact


@dataclass(frozen=True, slots=True)
class EmailAttachment:
    """A file of an email: its name, its media type like `application/pdf`, and its bytes."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class OutgoingEmail:
    """An email to one person, ready to send. A repeated email has the same ID."""

    id: UUID
    recipient: str
    subject: str
    text: str
    html: str
    #: The email address of support: the sender's is not read.
    reply_to: str
    attachments: tuple[EmailAttachment, ...] = ()


class EmailNotSent(ProviderUnavailable):
    """The server did not accept the email, for a temporary reason: try again later.

    The text names no email address.
    """


class EmailRefused(ProviderRefused):
    """The server will never accept this email: do not try again."""


class EmailSender(Protocol):
    """Hands one email to a server, within its own time limit."""

    def send(self, email: OutgoingEmail) -> None:
        """Return once the server has accepted the email.

        Raises `ProviderUnavailable`, `ProviderRefused` or `ProviderOutcomeUnknown` with texts that
        name no email address. The ID goes with the email as its Message-ID, so that a repeated
        email is recognised.
        """
        ...


@dataclass(frozen=True, slots=True)
class OutgoingSms:
    """An SMS to one phone, ready to send.

    Its body ends with `reference`, which no other SMS to that phone has: by it the SMS is found
    again.
    """

    id: UUID
    #: E.164.
    recipient: str
    body: str
    reference: str


class SmsSender(Protocol):
    """Hands SMS to a carrier that does not recognise repetitions.

    Every method raises `ProviderUnavailable`, `ProviderRefused` or `ProviderOutcomeUnknown`.
    """

    def send(self, sms: OutgoingSms) -> str:
        """Return the carrier's ID of the SMS once it is accepted."""
        ...

    def find(self, sms: OutgoingSms, *, since: datetime) -> str | None:
        """Return the carrier's ID of this SMS if the carrier accepted it since an instant."""
        ...

    def status(self, carrier_id: str) -> DeliveryStatus | None:
        """Return the delivery status of an SMS; None while it is in transit."""
        ...


@dataclass(frozen=True, slots=True)
class EmailDeliveryChanged(ProviderFact):
    """An email was delivered or not; the event's kind says which, its subject is our id of it."""


@dataclass(frozen=True, slots=True)
class SmsDeliveryChanged(ProviderFact):
    """The status of an SMS changed; the event's subject is the carrier's id of it."""
