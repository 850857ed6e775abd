"""Kinds of messages, their channels, and their rendering from templates."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

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


@dataclass(frozen=True, slots=True)
class MessageKind:
    """A kind of message: its topic, and the template version in use for each channel.

    A version of 0 means that the kind is not sent by that channel.

    `values` are the names of the required values, all of them texts. Amounts are decimal numbers
    with the code of their asset beside them, times are RFC 3339, days ISO 8601. A `method` is a key
    of `METHOD_LABELS`. A `destination` is masked. A `reason` is whole sentences that the person may
    read. None of them may hold a secret.

    Nothing is rendered again from an old version: an inbox message is stored as rendered, email and
    SMS texts are not stored, and a staged job is rendered with the current template. So wording is
    edited in place; a template that needs other values gets a new file and number.
    """

    topic: Topic
    values: tuple[str, ...]
    inbox_version: int = 1
    email_version: int = 1
    sms_version: int = 1


#: Labels of the methods of deposits and withdrawals.
METHOD_LABELS = {
    "bank": "bank transfer",
    "card": "card",
    "crypto": "crypto transfer",
    "mobile_money": "mobile money",
}
_AMOUNT = ("amount", "asset", "method")
_DEPOSIT = ("deposit", *_AMOUNT)
_WITHDRAWAL = ("withdrawal", *_AMOUNT, "destination")


def _email_only(topic: Topic, *values: str, version: int = 1) -> MessageKind:
    return MessageKind(topic, values, inbox_version=0, email_version=version, sms_version=0)


KINDS: Mapping[str, MessageKind] = MappingProxyType(
    {
        "approval_waiting": _email_only(Topic.DUTIES, "what", "expires_at"),
        "confirm_email": _email_only(Topic.SECURITY),
        "deposit_credited": MessageKind(Topic.DEPOSITS, (*_DEPOSIT, "credited_at")),
        # `owed` is in the deposit's asset.
        "deposit_disputed": MessageKind(Topic.DEPOSITS, (*_DEPOSIT, "owed")),
        "deposit_failed": MessageKind(Topic.DEPOSITS, (*_DEPOSIT, "reason")),
        "deposit_pending": MessageKind(Topic.DEPOSITS, _DEPOSIT),
        "export_ready": _email_only(Topic.SECURITY, "export", "expires_at"),
        "invitation": _email_only(Topic.SECURITY, "role"),
        # `about` says what is verified ("your identity"); `reasons` has one reason a line. An
        # empty `tier` or `redeems`: no tier was granted, or metal cannot be delivered.
        "kyc_approved": MessageKind(Topic.VERIFICATION, ("about", "tier", "limit", "redeems")),
        "kyc_expiring": MessageKind(Topic.VERIFICATION, ("about", "until")),
        "kyc_more_needed": MessageKind(Topic.VERIFICATION, ("about", "reasons")),
        "kyc_rejected": MessageKind(Topic.VERIFICATION, ("about", "reasons")),
        "passkey_added": _email_only(Topic.SECURITY, "changed_at"),
        "passkey_removed": _email_only(Topic.SECURITY, "changed_at"),
        "password_changed": _email_only(Topic.SECURITY, "changed_at", version=2),
        "person_erased": _email_only(Topic.SECURITY, "person", "law", "erased_at", "kept_until"),
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
    message_kind = KINDS[kind]
    versions = (
        (NotificationChannel.EMAIL, message_kind.email_version),
        (NotificationChannel.SMS, message_kind.sms_version),
    )
    return frozenset(channel for channel, version in versions if version)


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
#: Paths of links with a token, below the base URL.
_TOKEN_PATHS = {
    "confirm_email": "/auth/confirm-email",
    "invitation": "/auth/invitation",
    "reset_password": "/auth/reset-password",
}
#: Paths of links to pages for signed-in people.
_PAGE_PATHS = {"approval_waiting": "/admin/approvals"}

# A missing value is an error. HTML is escaped, plain text is not.
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    autoescape=select_autoescape(("html",)),
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["method_label"] = METHOD_LABELS.__getitem__


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """A rendered inbox message."""

    version: int
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class RenderedEmail(RenderedMessage):
    """A rendered email: the same content in plain text and in HTML."""

    html: str


@dataclass(frozen=True, slots=True)
class EmailLinks:
    """Makes the links in emails. `base_url` is where people reach PBCEx."""

    base_url: str

    def token_link(self, kind: str, token: str) -> str:
        """Return the link of an email with a token. Raises `LookupError` for a kind without one."""
        return f"{self.base_url.rstrip('/')}{_TOKEN_PATHS[kind]}?token={token}"

    def page_link(self, kind: str) -> str | None:
        """Return the link of an email to a page, without a token, if its kind has one."""
        return f"{self.base_url.rstrip('/')}{_PAGE_PATHS[kind]}" if kind in _PAGE_PATHS else None


def render_inbox(kind: str, values: Mapping[str, str]) -> RenderedMessage:
    """Return an inbox message. The first line of its template is the subject, the rest the body.

    Raises `LookupError` for a kind without inbox message, `jinja2.UndefinedError` naming a missing
    value.
    """
    version = _version(kind, KINDS[kind].inbox_version)
    return RenderedMessage(version, *_parts(f"{kind}.v{version}.txt", values))


def render_email(kind: str, values: Mapping[str, str]) -> RenderedEmail:
    """Return the email of a kind. Raises as `render_inbox` does."""
    version = _version(kind, KINDS[kind].email_version)
    subject, body = _parts(f"mail/{kind}.v{version}.txt", values)
    template = _TEMPLATES.get_template(f"mail/{kind}.v{version}.html")
    return RenderedEmail(version, subject, body, template.render({**values, "subject": subject}))


def render_sms(kind: str, values: Mapping[str, str]) -> str:
    """Return the SMS of a kind, in one line. Raises as `render_inbox` does."""
    version = _version(kind, KINDS[kind].sms_version)
    return " ".join(_TEMPLATES.get_template(f"sms/{kind}.v{version}.txt").render(values).split())


def sms_reference(message_id: UUID) -> str:
    """Return the random end of an SMS's ID, which ends its text and no other to the same phone."""
    return ids.encode("txt", message_id)[-_REFERENCE_LENGTH:]


def append_reference(text: str, reference: str) -> str:
    """Return the text of an SMS as it is sent."""
    return f"{text} Ref {reference}"


def _version(kind: str, version: int) -> int:
    if not version:
        raise LookupError(f"{kind} has no template for this channel")
    return version


def _parts(name: str, values: Mapping[str, str]) -> tuple[str, str]:
    # A subject is one line whatever a value holds: it becomes a header when it is mailed.
    subject, _, body = _TEMPLATES.get_template(name).render(values).partition("\n")
    return " ".join(subject.split()), body.strip()
