"""Topics, channels, and what a kind of message is."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class NotificationChannel(StrEnum):
    """A channel beside the inbox, which gets everything."""

    EMAIL = "email"
    """By email."""
    SMS = "sms"
    """By text message."""


class Topic(StrEnum):
    """The subject of a kind, as in notification preferences."""

    SECURITY = "security"
    """Credentials, links, data rights. Email cannot be turned off."""
    DUTIES = "duties"
    """Tasks of staff. Email cannot be turned off."""
    TRADES = "trades"
    """Orders."""
    DEPOSITS = "deposits"
    """Payments in."""
    WITHDRAWALS = "withdrawals"
    """Payments out."""
    VERIFICATION = "verification"
    """Verification of the person or of their company."""


@dataclass(frozen=True, slots=True)
class MessageKind:
    """A kind of message: its stored name, its topic, and the template versions in use.

    A version of 0 means that the kind is not sent by SMS.
    """

    name: str
    topic: Topic
    version: int = 1
    sms_version: int = 1
    in_inbox: bool = True
    #: Whether it has no email: it goes to a phone at once, whatever the person has chosen.
    sms_only: bool = False
    #: Why its recipients get the email, after "You receive this email because".
    email_cause: str = "you have an account with PBCEx"
    #: For a kind that can come often and is in the inbox: its emails of this time are sent as one.
    bundled_within: timedelta | None = None

    @property
    def channels(self) -> frozenset[NotificationChannel]:
        """The channels of which people choose, beside the inbox."""
        if self.sms_only:
            return frozenset()
        by_email = frozenset({NotificationChannel.EMAIL})
        return by_email | {NotificationChannel.SMS} if self.sms_version else by_email
