"""Rendering: a kind's current template and its values make a subject and a body."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.kit import ids


class NotificationChannel(StrEnum):
    """A way on which a person is told something. The inbox of the app has everything."""

    EMAIL = "email"
    SMS = "sms"


class Topic(StrEnum):
    """What a kind is about, as people choose what they are told and how."""

    SECURITY = "security"
    """Credentials, links, rights on one's data. Always told by e-mail."""
    DUTIES = "duties"
    """What staff are asked to do. Always told by e-mail."""
    TRADES = "trades"
    DEPOSITS = "deposits"
    WITHDRAWALS = "withdrawals"
    VERIFICATION = "verification"
    """Who the person, or their business, is."""


@dataclass(frozen=True, slots=True)
class MessageKind:
    """A kind of message: what it is about, and the version of its template in use by each way (0:
    not told that way). A changed text is a new file and a new number.

    `values` are what whoever tells of the event must give, all of them texts. Amounts are decimal
    numbers with the code of their asset beside them, times RFC 3339, days ISO 8601. A `method` is
    one of `WAYS`. A `destination` is masked. A `reason` is whole sentences that the
    person may read. None of them may hold a secret.
    """

    topic: Topic
    values: tuple[str, ...]
    inbox_version: int = 1
    email_version: int = 1
    sms_version: int = 1


#: How money comes and goes, as a text says it.
METHOD_LABELS = {
    "bank": "bank transfer",
    "card": "card",
    "crypto": "crypto transfer",
    "mobile_money": "mobile money",
}
_AMOUNT = ("amount", "asset", "method")
_DEPOSIT = ("deposit", *_AMOUNT)
_WITHDRAWAL = ("withdrawal", *_AMOUNT, "destination")


def _mail_only(topic: Topic, *values: str, version: int = 1) -> MessageKind:
    return MessageKind(topic, values, inbox_version=0, email_version=version, sms_version=0)


KINDS: Mapping[str, MessageKind] = MappingProxyType(
    {
        "approval_waiting": _mail_only(Topic.DUTIES, "what", "expires_at"),
        "confirm_email": _mail_only(Topic.SECURITY),
        "deposit_credited": MessageKind(Topic.DEPOSITS, (*_DEPOSIT, "credited_at")),
        # `owed` is in the deposit's asset.
        "deposit_disputed": MessageKind(Topic.DEPOSITS, (*_DEPOSIT, "owed")),
        "deposit_failed": MessageKind(Topic.DEPOSITS, (*_DEPOSIT, "reason")),
        "deposit_pending": MessageKind(Topic.DEPOSITS, _DEPOSIT),
        "export_ready": _mail_only(Topic.SECURITY, "export", "expires_at"),
        "invitation": _mail_only(Topic.SECURITY, "role"),
        # `about` says whose verification in words ("your identity"); `reasons` are lines. Empty
        # texts: no tier came of it, and nothing is redeemed with it.
        "kyc_approved": MessageKind(Topic.VERIFICATION, ("about", "tier", "limit", "redeems")),
        "kyc_expiring": MessageKind(Topic.VERIFICATION, ("about", "until")),
        "kyc_more_needed": MessageKind(Topic.VERIFICATION, ("about", "reasons")),
        "kyc_rejected": MessageKind(Topic.VERIFICATION, ("about", "reasons")),
        "passkey_added": _mail_only(Topic.SECURITY, "changed_at"),
        "passkey_removed": _mail_only(Topic.SECURITY, "changed_at"),
        "password_changed": _mail_only(Topic.SECURITY, "changed_at", version=2),
        "person_erased": _mail_only(Topic.SECURITY, "person", "law", "erased_at", "kept_until"),
        "recovery_codes_renewed": _mail_only(Topic.SECURITY, "changed_at"),
        "reset_password": _mail_only(Topic.SECURITY),
        "second_factor_off": _mail_only(Topic.SECURITY, "changed_at"),
        "second_factor_on": _mail_only(Topic.SECURITY, "changed_at"),
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
    """The channels by which a kind can be told, beside the inbox."""
    how = KINDS[kind]
    found = (
        (NotificationChannel.EMAIL, how.email_version),
        (NotificationChannel.SMS, how.sms_version),
    )
    return frozenset(channel for channel, version in found if version)


#: What a person can be told of, and how: the topics' own order, e-mail first.
TOPIC_CHANNELS = tuple(
    (topic, channel)
    for topic in Topic
    for channel in NotificationChannel
    if any(each.topic is topic and channel in channels_for(kind) for kind, each in KINDS.items())
)
#: What nobody can switch off.
MANDATORY_CHANNELS = frozenset(
    {(Topic.SECURITY, NotificationChannel.EMAIL), (Topic.DUTIES, NotificationChannel.EMAIL)}
)
#: How it is until somebody chooses: text messages are for whoever asks for them.
DEFAULT_PREFERENCES = MappingProxyType(
    {pair: pair[1] is NotificationChannel.EMAIL for pair in TOPIC_CHANNELS}
)
_REFERENCE_LENGTH = 8
#: Where the link of a mail leads, below the address of this exchange.
_PATHS = {
    "confirm_email": "/auth/confirm-email",
    "invitation": "/auth/invitation",
    "reset_password": "/auth/reset-password",
}
#: Of kinds whose link is a page for those who are signed in.
_PAGES = {"approval_waiting": "/admin/approvals"}

# A value that a template names and nobody gave is an error. HTML is escaped, text is not.
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
    """A rendered message."""

    version: int
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class RenderedEmail(RenderedMessage):
    """A rendered e-mail: the same in plain text and in HTML."""

    html: str


@dataclass(frozen=True, slots=True)
class EmailLinks:
    """Makes the links of mails. `base` is where people reach this exchange."""

    base_url: str

    def token_link(self, kind: str, token: str) -> str:
        """The link that a mail of this kind carries. Raises `LookupError` for one without."""
        return f"{self.base_url.rstrip('/')}{_PATHS[kind]}?token={token}"

    def page_link(self, kind: str) -> str | None:
        """The page that a mail of this kind leads to without a token, if there is one."""
        return f"{self.base_url.rstrip('/')}{_PAGES[kind]}" if kind in _PAGES else None


def render_inbox(kind: str, values: Mapping[str, str]) -> RenderedMessage:
    """The first line of the kind's template is the subject, what follows the body.

    Raises `LookupError` for a kind that is not told in the inbox, `jinja2.UndefinedError` naming a
    missing value.
    """
    version = _version(kind, KINDS[kind].inbox_version)
    return RenderedMessage(version, *_parts(f"{kind}.v{version}.txt", values))


def render_email(kind: str, values: Mapping[str, str]) -> RenderedEmail:
    """The e-mail of a kind. Raises as `render` does."""
    version = _version(kind, KINDS[kind].email_version)
    subject, body = _parts(f"mail/{kind}.v{version}.txt", values)
    page = _TEMPLATES.get_template(f"mail/{kind}.v{version}.html")
    return RenderedEmail(version, subject, body, page.render({**values, "subject": subject}))


def render_sms(kind: str, values: Mapping[str, str]) -> str:
    """The text message of a kind, in one line. Raises as `render` does."""
    version = _version(kind, KINDS[kind].sms_version)
    return " ".join(_TEMPLATES.get_template(f"sms/{kind}.v{version}.txt").render(values).split())


def sms_reference(message_id: UUID) -> str:
    """What a text message ends with, that no other to the same phone does: the random part of its
    id."""
    return ids.encode("txt", message_id)[-_REFERENCE_LENGTH:]


def append_reference(text: str, reference: str) -> str:
    """A text message as it is sent."""
    return f"{text} Ref {reference}"


def _version(kind: str, version: int) -> int:
    if not version:
        raise LookupError(f"{kind} is not told that way")
    return version


def _parts(name: str, values: Mapping[str, str]) -> tuple[str, str]:
    # A subject is one line whatever a value holds: it becomes a header when it is mailed.
    subject, _, body = _TEMPLATES.get_template(name).render(values).partition("\n")
    return " ".join(subject.split()), body.strip()
