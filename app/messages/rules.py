"""Kinds of messages, their channels and their values."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from app.kit import ids


class NotificationChannel(StrEnum):
    """A channel beside the app's inbox, which gets everything."""

    EMAIL = "email"
    SMS = "sms"


class Topic(StrEnum):
    """The subject of a kind, as in notification preferences."""

    SECURITY = "security"
    """Credentials, links, data rights. Email cannot be turned off."""
    DUTIES = "duties"
    """Tasks of staff. Email cannot be turned off."""
    TRADES = "trades"
    DEPOSITS = "deposits"
    WITHDRAWALS = "withdrawals"
    VERIFICATION = "verification"
    """Verification of the person or of their company."""


_HAS_ACCOUNT = "you have an account with PBCEx"


@dataclass(frozen=True, slots=True)
class MessageKind:
    """A kind of message: its topic, and the template versions in use.

    Inbox and email have one text. A version of 0 means that the kind is not sent by SMS.

    `values` are the names of the required values, all of them texts as a program reads them:
    amounts are decimal numbers with the code of their asset beside them, times are RFC 3339, days
    ISO 8601. The template's filters write them for people. A `method` is a key of `METHOD_LABELS`.
    A `destination` is masked. A `reason` is whole sentences that the person may read. None of them
    may hold a secret.

    Nothing is rendered again from an old version: an inbox message is stored as rendered, email and
    SMS texts are not stored, and a staged job is rendered with the current template. So wording is
    edited in place; a template that needs other values gets a new file and number.
    """

    topic: Topic
    values: tuple[str, ...]
    version: int = 1
    sms_version: int = 1
    in_inbox: bool = True
    #: Why its recipients get the email, after "You receive this email because".
    email_cause: str = _HAS_ACCOUNT


#: Labels of the methods of deposits and withdrawals.
METHOD_LABELS = {
    "bank": "bank transfer",
    "card": "card",
    "crypto": "crypto transfer",
    "mobile_money": "mobile money",
}
#: What a customer needs to pay in by a method, none of it secret.
DEPOSIT_INSTRUCTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"bank": ("account_number", "routing_number", "bank_name"), "crypto": ("network", "address")}
)
_AMOUNT = ("amount", "asset", "method")
_DEPOSIT = ("deposit", *_AMOUNT)
_WITHDRAWAL = ("withdrawal", *_AMOUNT, "destination")


def _email_only(
    topic: Topic, *values: str, version: int = 1, cause: str = _HAS_ACCOUNT
) -> MessageKind:
    return MessageKind(topic, values, version, sms_version=0, in_inbox=False, email_cause=cause)


KINDS: Mapping[str, MessageKind] = MappingProxyType(
    {
        "approval_waiting": _email_only(
            Topic.DUTIES, "what", "expires_at", cause="you work at PBCEx and may decide it"
        ),
        "confirm_email": _email_only(
            Topic.SECURITY, cause="an account with PBCEx was opened with this email address"
        ),
        "deposit_credited": MessageKind(Topic.DEPOSITS, (*_DEPOSIT, "credited_at")),
        # `owed` is in the deposit's asset.
        "deposit_disputed": MessageKind(Topic.DEPOSITS, (*_DEPOSIT, "owed")),
        "deposit_failed": MessageKind(Topic.DEPOSITS, (*_DEPOSIT, "reason")),
        # With the values of `DEPOSIT_INSTRUCTIONS` for its method.
        "deposit_pending": MessageKind(Topic.DEPOSITS, _DEPOSIT, version=2, sms_version=2),
        "export_ready": _email_only(Topic.SECURITY, "export", "expires_at"),
        "invitation": _email_only(
            Topic.SECURITY, "role", cause="you were invited to work at PBCEx"
        ),
        # `about` says what is verified ("your identity"); `reasons` has one reason a line. An
        # empty `tier` or `redeems`: no tier was granted, or metal cannot be delivered.
        "kyc_approved": MessageKind(Topic.VERIFICATION, ("about", "tier", "limit", "redeems")),
        "kyc_expiring": MessageKind(Topic.VERIFICATION, ("about", "until")),
        "kyc_more_needed": MessageKind(Topic.VERIFICATION, ("about", "reasons")),
        "kyc_rejected": MessageKind(Topic.VERIFICATION, ("about", "reasons")),
        "passkey_added": _email_only(Topic.SECURITY, "changed_at"),
        "passkey_removed": _email_only(Topic.SECURITY, "changed_at"),
        "password_changed": _email_only(Topic.SECURITY, "changed_at", version=2),
        "person_erased": _email_only(
            Topic.SECURITY,
            "person",
            "law",
            "erased_at",
            "kept_until",
            cause="you had an account with PBCEx",
        ),
        "recovery_codes_renewed": _email_only(Topic.SECURITY, "changed_at"),
        "reset_password": _email_only(Topic.SECURITY),
        "second_factor_off": _email_only(Topic.SECURITY, "changed_at"),
        "second_factor_on": _email_only(Topic.SECURITY, "changed_at"),
        "trade_confirmed": MessageKind(
            Topic.TRADES,
            (
                "order",
                "from_amount",
                "from_asset",
                "to_amount",
                "to_asset",
                "price",
                "fee_amount",
                "fee_asset",
                "executed_at",
            ),
        ),
        "withdrawal_cancelled": MessageKind(Topic.WITHDRAWALS, (*_WITHDRAWAL, "cancelled_at")),
        "withdrawal_completed": MessageKind(Topic.WITHDRAWALS, (*_WITHDRAWAL, "completed_at")),
        "withdrawal_failed": MessageKind(Topic.WITHDRAWALS, (*_WITHDRAWAL, "reason")),
        "withdrawal_needs_approval": MessageKind(Topic.WITHDRAWALS, _WITHDRAWAL),
        "withdrawal_requested": MessageKind(Topic.WITHDRAWALS, (*_WITHDRAWAL, "requested_at")),
        "withdrawal_sent": MessageKind(Topic.WITHDRAWALS, (*_WITHDRAWAL, "sent_at")),
    }
)


def channels_for(kind: str) -> frozenset[NotificationChannel]:
    """Return the channels that a kind has, beside the inbox."""
    by_email = frozenset({NotificationChannel.EMAIL})
    return by_email | {NotificationChannel.SMS} if KINDS[kind].sms_version else by_email


#: Every pair of a topic and a channel, in the order of topics, email first.
TOPIC_CHANNELS = tuple(
    (topic, channel)
    for topic in Topic
    for channel in NotificationChannel
    if any(
        message_kind.topic is topic and channel in channels_for(kind)
        for kind, message_kind in KINDS.items()
    )
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
