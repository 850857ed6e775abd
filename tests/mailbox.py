"""Email senders for tests: a mailbox, and a real SMTP server that records what it accepts."""

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
    """An email sender that records the emails handed to it.

    `before_send` and `after_send` run before and after an email is recorded; they may raise.
    """

    def __init__(self) -> None:
        self.sent: list[OutgoingEmail] = []
        self.before_send: Callable[[OutgoingEmail], None] = lambda _: None
        self.after_send: Callable[[OutgoingEmail], None] = lambda _: None
        self._lock = threading.Lock()

    def send(self, email: OutgoingEmail) -> None:
        self.before_send(email)
        with self._lock:
            self.sent.append(email)
        self.after_send(email)

    def sent_to(self, address: str) -> list[OutgoingEmail]:
        """Return the emails sent to an address, oldest first."""
        return [email for email in self.sent if email.recipient == address]

    def latest_token(self, address: str) -> str:
        """Return the token in the latest link sent to an address."""
        return extract_token(self.sent_to(address)[-1].text)


def extract_token(text: str) -> str:
    """Return the token of the only link in an email."""
    [token] = _LINK.findall(text)
    return str(token)


@contextmanager
def use_mailbox() -> Iterator[Mailbox]:
    """Replace this process's email sender by a mailbox within the block."""
    previous, box = kit_ports.resolve(EmailSender), Mailbox()
    kit_ports.provide(EmailSender, box)
    try:
        yield box
    finally:
        kit_ports.provide(EmailSender, previous)


def run_pending_jobs(database: Database, *tasks: str) -> None:
    """Run every pending job of these tasks, and the jobs that they stage."""
    task_names = list(
        tasks or ("identity.send_reset_link", "messages.deliver", "messages.send_mail")
    )
    pending_sql = (
        "SELECT id FROM outbox WHERE task = ANY(%s) AND done_at IS NULL AND dead_at IS NULL"
        " AND last_error IS NULL ORDER BY id"
    )
    while True:
        with database.reading() as session:
            jobs = session.rows(pending_sql, (task_names,))
        if not jobs:
            return
        for (job_id,) in jobs:
            execute_job(database, job_id, Backoff())


class RecordingSmtpServer:
    """A real server on loopback that records emails.

    `replies` are its next replies to DATA, `rcpt_replies` those to RCPT; then it replies 250. The
    reply `break` records the email and closes the connection.
    """

    def __init__(self, **options: Any) -> None:
        self.mails: list[EmailMessage] = []
        #: The names in EHLO of those who sent them.
        self.names: list[str] = []
        self.raw: list[bytes] = []
        self.replies: list[str] = []
        self.rcpt_replies: list[str] = []
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
        if self.rcpt_replies:
            return self.rcpt_replies.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        reply = self.replies.pop(0) if self.replies else "250 Kept"
        if reply.startswith("250") or reply == "break":
            self.raw.append(envelope.content)
            self.names.append(session.host_name)
            message = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.mails.append(message)
        if reply == "break":
            server.transport.abort()
        return reply

    def stop(self) -> None:
        self._controller.stop()

    def start_again(self) -> None:
        self._start(self.port)
