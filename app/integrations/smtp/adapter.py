"""The mailer that speaks SMTP.

One connection for each mail: mails are few, and a connection kept open breaks at the worst moment.
The Message-ID is made of the mail's own id, so that a mail sent again is recognised.
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

from app.kit import clock
from app.messages.ports import EmailNotSent, EmailRefused, OutgoingEmail
from app.providers.errors import ProviderOutcomeUnknown

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_PERMANENT = range(500, 600)
_STEP_SECONDS_MIN = 0.05
# Bytes that every server takes: no line is long, and no byte has its eighth bit set.
_PLAIN = policy.SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in. `security` is `smtps` (TLS from the first byte), `smtp+starttls`
    (TLS or nothing) or `smtp` (none: for this very machine)."""

    security: str
    host: str
    port: int
    user: str = ""
    password: str = ""

    @classmethod
    def from_url(cls, url: str) -> Self:
        """The server of `smtps://user:password@host:port`."""
        parts = urlsplit(url)
        return cls(
            parts.scheme,
            parts.hostname or "",
            parts.port or _PORTS[parts.scheme],
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )

    def __repr__(self) -> str:
        return f"SmtpServer({self.security}://{self.host}:{self.port})"


class SmtpEmailSender:
    """Hands each mail to one server."""

    def __init__(self, server: SmtpServer, sender: str, *, timeout_seconds: float) -> None:
        self._server = server
        self._sender = _address(sender)
        self._timeout_seconds = timeout_seconds

    def send(self, email: OutgoingEmail) -> None:
        """As the port says. Errors name no address and repeat nothing that the server said but its
        status: servers like to quote."""
        try:
            message = self._message(email)
        except ValueError:
            raise EmailRefused("The address or the subject cannot stand in a header") from None
        deadline = time.monotonic() + self._timeout_seconds
        try:
            smtp = self._connect(deadline)
        except (smtplib.SMTPException, OSError) as error:
            raise EmailNotSent(f"The server cannot be used: {_kind(error)}") from error
        try:
            self._hand_over(smtp, message, deadline)
            with suppress(smtplib.SMTPException, OSError):
                smtp.quit()
        finally:
            smtp.close()

    def _connect(self, deadline: float) -> smtplib.SMTP:
        server = self._server
        timeout = _left(deadline)
        if server.security == "smtps":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=timeout, context=ssl.create_default_context()
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=timeout)
        try:
            if server.security == "smtp+starttls":
                _limit(smtp, deadline)
                smtp.starttls(context=ssl.create_default_context())
            _limit(smtp, deadline)
            smtp.ehlo_or_helo_if_needed()
            if server.user:
                _limit(smtp, deadline)
                smtp.login(server.user, server.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _hand_over(self, smtp: smtplib.SMTP, message: EmailMessage, deadline: float) -> None:
        recipient = message["To"].addresses[0].addr_spec
        international = not recipient.isascii()
        if international and not smtp.has_extn("smtputf8"):
            raise EmailRefused("The server takes no international addresses")
        format_policy = _PLAIN.clone(utf8=True) if international else _PLAIN
        content = message.as_bytes(policy=format_policy)
        try:
            _limit(smtp, deadline)
            _accepted(smtp.mail(self._sender.addr_spec, ["SMTPUTF8"] if international else []))
            _limit(smtp, deadline)
            _accepted(smtp.rcpt(recipient), permanent=True)
        except (smtplib.SMTPException, OSError) as error:
            raise EmailNotSent(f"The connection broke: {_kind(error)}") from error
        # From here on the server may have the mail although its answer never comes.
        _limit(smtp, deadline)
        try:
            status, _ = smtp.data(content)
        except smtplib.SMTPDataError as error:
            raise EmailNotSent(f"The server answered {error.smtp_code} to DATA") from error
        except (smtplib.SMTPException, OSError) as error:
            raise ProviderOutcomeUnknown(
                f"The connection broke meanwhile: {_kind(error)}"
            ) from error
        _accepted((status, b""), permanent=True)

    def _message(self, mail: OutgoingEmail) -> EmailMessage:
        """The mail with its headers. Raises `ValueError` for what would break out of one."""
        message = EmailMessage(policy=policy.SMTP)
        message["Message-ID"] = f"<{mail.id.hex}@{self._sender.domain}>"
        message["Date"] = format_datetime(clock.now())
        message["From"] = self._sender
        message["To"] = _address(mail.recipient)
        message["Subject"] = mail.subject
        # So that holiday notices do not answer (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text + "\n", cte="quoted-printable")
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
        return message


class UnconfiguredEmailSender:
    """Stands where no server is configured, outside production: every mail waits. `setting` is
    what would name one."""

    def __init__(self, setting: str) -> None:
        self._setting = setting

    def send(self, email: OutgoingEmail) -> None:  # noqa: ARG002 - the port's parameter
        """Raises `EmailNotSent`."""
        raise EmailNotSent(f"No mail server is configured: {self._setting}")


def _address(text: str) -> Address:
    """An address as headers and servers know it, its domain in ASCII. Raises `ValueError`."""
    try:
        found = email_validator.validate_email(
            text, check_deliverability=False, allow_display_name=True
        )
    except email_validator.EmailNotValidError as error:
        raise ValueError("not an address") from error
    return Address(
        display_name=found.display_name or "",
        username=found.local_part,
        domain=found.ascii_domain,
    )


def _accepted(answer: tuple[int, bytes], *, permanent: bool = False) -> None:
    status, _ = answer
    if status in {250, 251}:
        return
    if permanent and status in _PERMANENT:
        raise EmailRefused(f"The server answered {status}")
    raise EmailNotSent(f"The server answered {status}")


def _left(deadline: float) -> float:
    return max(_STEP_SECONDS_MIN, deadline - time.monotonic())


def _limit(smtp: smtplib.SMTP, deadline: float) -> None:
    """No further step takes longer than what is left of the whole call."""
    if smtp.sock is not None:
        smtp.sock.settimeout(_left(deadline))


def _kind(error: Exception) -> str:
    """What kind of error, and its number if the server gave one: never its text."""
    status = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {status}" if status else type(error).__name__
