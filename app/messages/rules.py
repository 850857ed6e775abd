"""Rendering: a kind's current template and its values make a subject and a body."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

#: The version in use of each kind of in-app message. A changed text is a new file and a new number.
VERSIONS = {
    "kyc_approved": 1,
    "kyc_expiring": 1,
    "kyc_more_needed": 1,
    "kyc_rejected": 1,
    "trade_confirmed": 1,
}
#: The same for e-mails, which have two files each: text and HTML.
MAIL_VERSIONS = {
    "approval_waiting": 1,
    "confirm_email": 1,
    "export_ready": 1,
    "invitation": 1,
    "kyc_approved": 1,
    "kyc_expiring": 1,
    "kyc_more_needed": 1,
    "kyc_rejected": 1,
    "passkey_added": 1,
    "passkey_removed": 1,
    "password_changed": 2,
    "person_erased": 1,
    "recovery_codes_renewed": 1,
    "reset_password": 1,
    "second_factor_off": 1,
    "second_factor_on": 1,
    "trade_confirmed": 1,
}
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


@dataclass(frozen=True, slots=True)
class Text:
    """A rendered message."""

    version: int
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class MailText(Text):
    """A rendered e-mail: the same in plain text and in HTML."""

    html: str


@dataclass(frozen=True, slots=True)
class Links:
    """Makes the links of mails. `base` is where people reach this exchange."""

    base: str

    def to(self, kind: str, token: str) -> str:
        """The link that a mail of this kind carries. Raises `LookupError` for one without."""
        return f"{self.base.rstrip('/')}{_PATHS[kind]}?token={token}"

    def page_for(self, kind: str) -> str | None:
        """The page that a mail of this kind leads to without a token, if there is one."""
        return f"{self.base.rstrip('/')}{_PAGES[kind]}" if kind in _PAGES else None


def render(kind: str, values: Mapping[str, str]) -> Text:
    """The first line of the kind's template is the subject, what follows the body.

    Raises `LookupError` for an unknown kind, `jinja2.UndefinedError` naming a missing value.
    """
    version = VERSIONS[kind]
    return Text(version, *_parts(f"{kind}.v{version}.txt", values))


def render_mail(kind: str, values: Mapping[str, str]) -> MailText:
    """The e-mail of a kind. Raises as `render` does."""
    version = MAIL_VERSIONS[kind]
    subject, body = _parts(f"mail/{kind}.v{version}.txt", values)
    page = _TEMPLATES.get_template(f"mail/{kind}.v{version}.html")
    return MailText(version, subject, body, page.render({**values, "subject": subject}))


def _parts(name: str, values: Mapping[str, str]) -> tuple[str, str]:
    # A subject is one line whatever a value holds: it becomes a header when it is mailed.
    subject, _, body = _TEMPLATES.get_template(name).render(values).partition("\n")
    return " ".join(subject.split()), body.strip()
