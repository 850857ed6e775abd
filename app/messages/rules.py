"""The channels of topics, and what ends the text of an SMS."""

from types import MappingProxyType
from uuid import UUID

from app.kit import ids
from app.notifications.registry import KINDS
from app.notifications.rules import NotificationChannel, Topic

#: Every pair of a topic and a channel, in the order of topics, email first.
TOPIC_CHANNELS = tuple(
    (topic, channel)
    for topic in Topic
    for channel in NotificationChannel
    if any(kind.topic is topic and channel in kind.channels for kind in KINDS.values())
)
#: Pairs that cannot be turned off.
MANDATORY_CHANNELS = frozenset(
    {(Topic.SECURITY, NotificationChannel.EMAIL), (Topic.DUTIES, NotificationChannel.EMAIL)}
)
#: The preferences of a person who has not chosen: email only, SMS must be requested.
DEFAULT_PREFERENCES = MappingProxyType(
    {pair: pair[1] is NotificationChannel.EMAIL for pair in TOPIC_CHANNELS}
)
_REFERENCE_LENGTH = 8


def sms_reference(message_id: UUID) -> str:
    """Return the random end of an SMS's ID, which ends its text and no other to the same phone."""
    return ids.encode("txt", message_id)[-_REFERENCE_LENGTH:]


def append_reference(text: str, reference: str) -> str:
    """Return the text of an SMS as it is sent."""
    return f"{text} Ref {reference}"
