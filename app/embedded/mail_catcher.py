"""A mail server that accepts every email, keeps it in the data folder and sends nothing on.

Started by `bin/run`, never in production:

    python -m app.embedded.mail_catcher

It listens at PBCEX_SMTP_URL and keeps the emails in PBCEX_DATA_DIR.
"""

import os
import re
import signal
import sys
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

EMAILS_MAX = 1000
_BYTES_MAX = 1_000_000
_NAME = re.compile(r"[0-9]{20}-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class CaughtEmail:
    """A caught email, decoded to text."""

    id: str
    recipient: str
    subject: str
    sent_at: datetime | None
    text: str
    html: str


class EmailFolder:
    """The caught emails, one file each. An email that arrives twice is kept once."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "mail"

    def keep(self, content: bytes) -> None:
        """Keep an email unless its Message-ID is known; delete the oldest beyond `EMAILS_MAX`."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        message = BytesParser(policy=policy.default).parsebytes(content, headersonly=True)
        digest = sha256(str(message["Message-ID"] or content).encode()).hexdigest()[:16]
        names = self._names()
        if any(name.endswith(digest) for name in names):
            return
        part = self._folder / f".{digest}.part"
        part.touch(mode=0o600)
        part.write_bytes(content)
        part.rename(self._folder / f"{time.time_ns():020}-{digest}")
        for name in names[EMAILS_MAX - 1 :]:
            (self._folder / name).unlink(missing_ok=True)

    def list_newest(self, count: int) -> list[CaughtEmail]:
        """Return the latest emails, newest first."""
        emails = (self.find(name) for name in self._names()[:count])
        return [email for email in emails if email is not None]

    def find(self, identifier: str) -> CaughtEmail | None:
        """Return the email with this id; None if there is none."""
        if not _NAME.fullmatch(identifier):
            return None
        try:
            content = (self._folder / identifier).read_bytes()
        except FileNotFoundError:
            return None
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return CaughtEmail(
            identifier,
            str(message["To"] or ""),
            str(message["Subject"] or ""),
            _sent_at(message),
            _body_part(message, "plain"),
            _body_part(message, "html"),
        )

    def _names(self) -> list[str]:
        """Return the file names, newest first."""
        if not self._folder.is_dir():
            return []
        return sorted(
            (file.name for file in self._folder.iterdir() if _NAME.fullmatch(file.name)),
            reverse=True,
        )


def _body_part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


def _sent_at(message: EmailMessage) -> datetime | None:
    try:
        return parsedate_to_datetime(str(message["Date"]))
    except ValueError:
        return None


class _SmtpHandler:
    """The handler that the SMTP server calls for each email."""

    def __init__(self, folder: EmailFolder) -> None:
        self._folder = folder

    async def handle_DATA(  # noqa: N802 - the library calls it so
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        self._folder.keep(envelope.content)
        return "250 Kept"


def main() -> int:
    """Catch emails until SIGTERM."""
    from aiosmtpd.controller import Controller  # noqa: PLC0415 - production has no such package

    address = urlsplit(os.environ["PBCEX_SMTP_URL"])
    folder = EmailFolder(Path(os.environ["PBCEX_DATA_DIR"]))
    server = Controller(
        _SmtpHandler(folder),
        hostname=address.hostname,
        port=address.port or 25,
        enable_SMTPUTF8=True,
        data_size_limit=_BYTES_MAX,
    )
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    server.start()
    ended.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
