"""Mailers for tests: one that is scripted, and a real SMTP server that counts what it takes."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from app.embedded.network_ports import free_port
from app.jobs.dispatch import execute_job
from app.kit import ports as kit_ports
from app.kit.db import Database
from app.messages.ports import EmailSender, OutgoingEmail
from app.outbox.rules import Backoff

_LINK = re.compile(r"\?token=(\S+)")


class Mailbox:
    """A mailer that keeps what it is handed. `trouble` may raise, before or after it is kept."""

    def __init__(self) -> None:
        self.sent: list[OutgoingEmail] = []
        self.before_send: Callable[[OutgoingEmail], None] = lambda _: None
        self.after_send: Callable[[OutgoingEmail], None] = lambda _: None
        self._lock = threading.Lock()

    def send(self, mail: OutgoingEmail) -> None:
        self.before_send(mail)
        with self._lock:
            self.sent.append(mail)
        self.after_send(mail)

    def sent_to(self, email: str) -> list[OutgoingEmail]:
        """What was taken for this address, oldest first."""
        return [mail for mail in self.sent if mail.recipient == email]

    def latest_token(self, email: str) -> str:
        """What the latest link to this address carries."""
        return extract_token(self.sent_to(email)[-1].text)


def extract_token(text: str) -> str:
    """The token of the only link in a mail."""
    [token] = _LINK.findall(text)
    return str(token)


@contextmanager
def use_mailbox() -> Iterator[Mailbox]:
    """The mailer of this process is the mailbox, meanwhile."""
    before, made = kit_ports.resolve(EmailSender), Mailbox()
    kit_ports.provide(EmailSender, made)
    try:
        yield made
    finally:
        kit_ports.provide(EmailSender, before)


def run_pending_jobs(database: Database, *tasks: str) -> None:
    """Do every pending job of these names, and those that they stage."""
    names = list(tasks or ("identity.send_reset_link", "messages.deliver", "messages.send_mail"))
    waiting = (
        "SELECT id FROM outbox WHERE task = ANY(%s) AND done_at IS NULL AND dead_at IS NULL"
        " AND last_error IS NULL ORDER BY id"
    )
    while True:
        with database.reading() as session:
            jobs = session.rows(waiting, (names,))
        if not jobs:
            return
        for (identifier,) in jobs:
            execute_job(database, identifier, Backoff())


class RecordingSmtpServer:
    """A real server on loopback. `answers`: what it says to each mail; 250 when none is left."""

    def __init__(self, **options: Any) -> None:
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.answers: list[str] = []
        self.rcpt_answers: list[str] = []
        self._options = options
        self._start(free_port())

    def _start(self, port: int) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=port, **self._options)
        self._controller.start()
        self.port = port

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.rcpt_answers:
            return self.rcpt_answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        answer = self.answers.pop(0) if self.answers else "250 Kept"
        if answer.startswith("250") or answer == "break":
            self.raw.append(envelope.content)
            message = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.mails.append(message)
        if answer == "break":
            server.transport.abort()
        return answer

    def stop(self) -> None:
        self._controller.stop()

    def start_again(self) -> None:
        self._start(self.port)
