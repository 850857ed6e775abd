"""Email sent by SMTP.

One connection for each email: emails are few, and a kept connection can break at any time. The
Message-ID is made from the email's own ID, so that a repeated email is recognised.
"""

import smtplib
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Self
from urllib.parse import unquote, urlsplit

import email_validator

from app.integrations.smtp.connection import (
    SmtpConnection,
    SmtpsConnection,
    remaining_seconds,
)
from app.kit import clock
from app.messages.ports import EmailNotSent, EmailRefused, OutgoingEmail
from app.providers.errors import ProviderOutcomeUnknown

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_PERMANENT = range(500, 600)
# Bytes that every server takes: short lines, and no byte with its eighth bit set.
_SEVEN_BIT_POLICY = policy.SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """The server that takes our email.

    `security` is `smtps` (TLS from the first byte), `smtp+starttls` (TLS or nothing) or `smtp`
    (none, for this machine only).
    """

    security: str
    host: str
    port: int
    user: str = ""
    password: str = ""

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Return the server of `smtps://user:password@host:port`."""
        parts = urlsplit(url)
        return cls(
            parts.scheme,
            _to_ascii(parts.hostname or ""),
            parts.port or _PORTS[parts.scheme],
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )

    def __repr__(self) -> str:
        return f"SmtpServer({self.security}://{self.host}:{self.port})"


class SmtpMessages:
    """Emails as servers take them, from one sender."""

    def __init__(self, sender: str) -> None:
        self.sender = _address(sender)

    def build(self, email: OutgoingEmail) -> EmailMessage:
        """Return the email with its headers. Raises `ValueError` for an unsafe header value."""
        message = EmailMessage(policy=policy.SMTP)
        message["Message-ID"] = f"<{email.id.hex}@{self.sender.domain}>"
        message["Date"] = format_datetime(clock.now())
        message["From"] = self.sender
        message["To"] = _address(email.recipient)
        message["Reply-To"] = _address(email.reply_to)
        message["Subject"] = email.subject
        # Stops automatic replies such as holiday notices (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(email.text + "\n", cte="quoted-printable")
        message.add_alternative(email.html, subtype="html", cte="quoted-printable")
        for file in email.attachments:
            maintype, _, subtype = file.media_type.partition("/")
            message.add_attachment(
                file.content, maintype=maintype, subtype=subtype, filename=file.name
            )
        return message


class SmtpEmailSender:
    """Sends each email through one server."""

    def __init__(self, server: SmtpServer, sender: str, *, timeout_seconds: float) -> None:
        self._server = server
        self._messages = SmtpMessages(sender)
        self._timeout_seconds = timeout_seconds

    def send(self, email: OutgoingEmail) -> None:
        """Send an email as the port says.

        Errors name no email address, and of the server's reply only the status: servers often
        quote.
        """
        try:
            message = self._messages.build(email)
        except ValueError:
            raise EmailRefused(
                "The email address or the subject is not valid in a header."
            ) from None
        deadline = time.monotonic() + self._timeout_seconds
        try:
            smtp = self._connect(deadline)
        except (smtplib.SMTPException, OSError) as error:
            raise EmailNotSent(f"The server cannot be used: {_error_name(error)}.") from error
        try:
            self._hand_over(smtp, message, deadline)
            with suppress(smtplib.SMTPException, OSError):
                smtp.quit()
        finally:
            smtp.close()

    def _connect(self, deadline: float) -> smtplib.SMTP:
        server = self._server
        kind = SmtpsConnection if server.security == "smtps" else SmtpConnection
        # Servers check the name in EHLO: ours is the domain that the email is from.
        smtp = kind(server.host, server.port, name=self._messages.sender.domain, deadline=deadline)
        try:
            if server.security == "smtp+starttls":
                _limit_step(smtp, deadline)
                smtp.starttls(context=ssl.create_default_context())
            _limit_step(smtp, deadline)
            smtp.ehlo_or_helo_if_needed()
            if server.user:
                _limit_step(smtp, deadline)
                smtp.login(server.user, server.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _hand_over(self, smtp: smtplib.SMTP, message: EmailMessage, deadline: float) -> None:
        recipient = message["To"].addresses[0].addr_spec
        is_international = not recipient.isascii()
        if is_international and not smtp.has_extn("smtputf8"):
            raise EmailRefused("The server does not accept international email addresses.")
        format_policy = (
            _SEVEN_BIT_POLICY.clone(utf8=True) if is_international else _SEVEN_BIT_POLICY
        )
        content = message.as_bytes(policy=format_policy)
        try:
            _limit_step(smtp, deadline)
            _check_accepted(
                smtp.mail(self._messages.sender.addr_spec, ["SMTPUTF8"] if is_international else [])
            )
            _limit_step(smtp, deadline)
            _check_accepted(smtp.rcpt(recipient), may_refuse=True)
        except (smtplib.SMTPException, OSError) as error:
            raise EmailNotSent(f"The connection broke: {_error_name(error)}.") from error
        # From here on the server may have the email even if its reply never comes.
        _limit_step(smtp, deadline)
        try:
            status, _ = smtp.data(content)
        except smtplib.SMTPDataError as error:
            raise EmailNotSent(f"The server replied {error.smtp_code} to DATA.") from error
        except (smtplib.SMTPException, OSError) as error:
            raise ProviderOutcomeUnknown(
                f"The connection broke during DATA: {_error_name(error)}."
            ) from error
        _check_accepted((status, b""), may_refuse=True)


class UnconfiguredEmailSender:
    """Used where no server is configured, outside production: every email waits.

    `setting` is the name of the missing setting.
    """

    def __init__(self, setting: str) -> None:
        self._setting = setting

    def send(self, email: OutgoingEmail) -> None:  # noqa: ARG002 - the port's parameter
        """Raise `EmailNotSent`."""
        raise EmailNotSent(f"No email server is configured. Set {self._setting}.")


def _address(text: str) -> Address:
    """Return an email address for headers and servers, its domain in ASCII. Raises `ValueError`."""
    try:
        parsed = email_validator.validate_email(
            text, check_deliverability=False, allow_display_name=True, globally_deliverable=False
        )
    except email_validator.EmailNotValidError as error:
        raise ValueError("not an email address") from error
    return Address(
        display_name=parsed.display_name or "",
        username=parsed.local_part,
        domain=parsed.ascii_domain,
    )


def _check_accepted(reply: tuple[int, bytes], *, may_refuse: bool = False) -> None:
    status, _ = reply
    if status in {250, 251}:
        return
    if may_refuse and status in _PERMANENT:
        raise EmailRefused(f"The server replied {status}.")
    raise EmailNotSent(f"The server replied {status}.")


def _to_ascii(host: str) -> str:
    """Return a host's name as servers know it (IDNA)."""
    return host if host.isascii() else host.encode("idna").decode()


def _limit_step(smtp: smtplib.SMTP, deadline: float) -> None:
    """Limit the next step to what remains of the time for the whole call."""
    if smtp.sock is not None:
        smtp.sock.settimeout(remaining_seconds(deadline))


def _error_name(error: Exception) -> str:
    """Return the error's class, and the server's status if there is one: never its text."""
    status = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {status}" if status else type(error).__name__
