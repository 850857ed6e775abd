"""Rendering of messages from their templates, for the inbox, email and SMS.

Inbox and email have one text for each kind, and a bundle of emails another; `mail/layout` makes an
email of it, plain and HTML.
The HTML is made from the blocks of the text, which empty lines divide:

    Confirm your email address:         a link, as a button with its URL below
    https://pbcex.example/auth/…

    Amount  15,000.00 USD               facts: two blanks or more divide label and value
    Method  Bank transfer

    - A photo of your passport          a list

and every other block is a paragraph.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.access import Role
from app.catalog.rules import METAL_OF, PaymentMethod
from app.kit.formatting import format_date, format_exact_amount, format_price, format_time
from app.messages.rules import MANDATORY_CHANNELS
from app.notifications.registry import KINDS
from app.notifications.rules import NotificationChannel

_LAYOUT_VERSION = 1
_FACT = re.compile(r"(\S.*?) {2,}(\S.*)")
_ITEM = "- "
#: Paths of links with a token, below the base URL.
_TOKEN_PATHS = {
    "confirm_email": "/auth/confirm-email",
    "guest_sign_in": "/auth/guest",
    "invitation": "/auth/invitation",
    "reset_password": "/auth/reset-password",
}
#: Paths of links to pages for signed-in people.
_PAGE_PATHS = {
    "approval_waiting": "/admin/approvals",
    "order_review_due": "/admin/orders/held",
    "stock_low": "/admin/vault/low-stock",
}


def _write_amount(number: str, code: str) -> str:
    # Verifications staged before amounts were exact have groups of three in their limit.
    return format_exact_amount(f"{number.replace(',', '')} {code}")


def _write_rate(price: str, from_code: str, to_code: str) -> str:
    """Return the price of an order: in dollars an ounce, or in what was bought for each sold."""
    if (from_code in METAL_OF) == (to_code in METAL_OF):
        return f"{format_exact_amount(f'{price} {to_code}')} per {from_code}"
    return f"{format_price(Decimal(str(price)))} an ounce"


# `str` raises for a missing value, and names it.
_FILTERS: Mapping[str, Callable[..., str]] = {
    "amount": _write_amount,
    "date": lambda text: format_date(date.fromisoformat(str(text))),
    "method_label": lambda method: PaymentMethod(method).label,
    "rate": _write_rate,
    # Invitations staged before roles had labels have them in lower case.
    "role": lambda role: Role(str(role).upper()).label,
    "time": lambda text: format_time(datetime.fromisoformat(str(text))),
}
# A missing value is an error. HTML is escaped, plain text is not.
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    autoescape=select_autoescape(("html",)),
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters.update(_FILTERS)


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
class Contact:
    """Where people reach PBCEx: the base URL of its pages, and the email address of support."""

    base_url: str
    support_email: str

    def token_link(self, kind: str, token: str) -> str:
        """Return the link of an email with a token. Raises `LookupError` for a kind without one."""
        return f"{self.base_url.rstrip('/')}{_TOKEN_PATHS[kind]}?token={token}"

    def has_token_link(self, kind: str) -> bool:
        """Return whether emails of this kind show their token as a link; others show a code."""
        return kind in _TOKEN_PATHS

    def page_link(self, kind: str) -> str | None:
        """Return the link of an email to a page, without a token, if its kind has one."""
        return f"{self.base_url.rstrip('/')}{_PAGE_PATHS[kind]}" if kind in _PAGE_PATHS else None


@dataclass(frozen=True, slots=True)
class Block:
    """A block of text: its lines, label and value of its facts, or label and URL of its link."""

    kind: Literal["paragraph", "facts", "list", "link"]
    content: Sequence[Any]


def render_inbox(kind: str, values: Mapping[str, str]) -> RenderedMessage:
    """Return an inbox message. The first line of its template is the subject, the rest the body.

    Raises `LookupError` for a kind without inbox message, `jinja2.UndefinedError` naming a missing
    value.
    """
    if not KINDS[kind].in_inbox:
        raise LookupError(f"{kind} is not delivered to the inbox")
    return _render_message(kind, values)


def render_email(kind: str, values: Mapping[str, str], contact: Contact) -> RenderedEmail:
    """Return the email of a kind. `values` have its `link`. Raises as `render_inbox` does."""
    return _lay_out(kind, _render_message(kind, values), contact, link=values.get("link"))


def render_bundle(kind: str, subjects: Sequence[str], contact: Contact) -> RenderedEmail:
    """Return the email that stands for several of a kind, of which it lists the subjects."""
    version = KINDS[kind].version
    text = _template(f"bundle/{kind}.v{version}.txt").render(subjects=subjects)
    return _lay_out(kind, _split_subject(version, text), contact)


def _lay_out(
    kind: str, message: RenderedMessage, contact: Contact, *, link: str | None = None
) -> RenderedEmail:
    context = {
        "subject": message.subject,
        "cause": KINDS[kind].email_cause,
        "is_chosen": (KINDS[kind].topic, NotificationChannel.EMAIL) not in MANDATORY_CHANNELS,
        "support_email": contact.support_email,
    }
    text = _template(f"mail/layout.v{_LAYOUT_VERSION}.txt").render(context, body=message.body)
    html = _template(f"mail/layout.v{_LAYOUT_VERSION}.html").render(
        context, blocks=_split_blocks(message.body, link)
    )
    return RenderedEmail(message.version, message.subject, text.strip(), html)


def render_sms_bundle(kind: str, subjects: Sequence[str]) -> str:
    """Return the SMS that stands for several of a kind."""
    template = _template(f"bundle/sms/{kind}.v{KINDS[kind].sms_version}.txt")
    return " ".join(template.render(subjects=subjects).split())


def render_sms(kind: str, values: Mapping[str, str]) -> str:
    """Return the SMS of a kind, in one line. Raises as `render_inbox` does."""
    version = KINDS[kind].sms_version
    if not version:
        raise LookupError(f"{kind} is not sent by SMS")
    return " ".join(_template(f"sms/{kind}.v{version}.txt").render(values).split())


def _render_message(kind: str, values: Mapping[str, str]) -> RenderedMessage:
    version = KINDS[kind].version
    return _split_subject(version, _template(f"{kind}.v{version}.txt").render(values))


def _split_subject(version: int, text: str) -> RenderedMessage:
    # A subject is one line whatever a value holds: it becomes a header when it is mailed.
    subject, _, body = text.partition("\n")
    return RenderedMessage(version, " ".join(subject.split()), body.strip())


def _split_blocks(body: str, link: str | None) -> list[Block]:
    """Return the blocks of a body. Only `link` becomes a link, whatever the values hold."""
    return [_block(text.splitlines(), link) for text in re.split(r"\n\s*\n", body)]


def _block(lines: Sequence[str], link: str | None) -> Block:
    if lines[-1] == link:
        return Block("link", (" ".join(lines[:-1]).removesuffix(":"), link))
    facts = [match for line in lines if (match := _FACT.fullmatch(line))]
    if len(facts) == len(lines):
        return Block("facts", [match.groups() for match in facts])
    if all(line.startswith(_ITEM) for line in lines):
        return Block("list", [line.removeprefix(_ITEM) for line in lines])
    return Block("paragraph", lines)


def _template(name: str) -> Any:
    return _TEMPLATES.get_template(name)
