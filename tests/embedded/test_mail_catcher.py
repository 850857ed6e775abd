"""The mail catcher accepts emails, keeps each once, and ends on request."""

import os
import signal
import smtplib
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from app.embedded import mail_catcher
from app.embedded.__main__ import programs
from app.embedded.data_folder import CHECKOUT
from app.embedded.mail_catcher import EmailFolder
from app.embedded.network_ports import free_port
from app.integrations.smtp.adapter import SmtpEmailSender, SmtpServer
from app.messages.ports import EmailNotSent, OutgoingEmail
from tests.embedded.server_processes import wait_for


def outgoing(**changes: object) -> OutgoingEmail:
    headers = {
        "id": uuid4(), "recipient": "ada@example.com", "subject": "Grüße",
        "text": "Text\n.", "html": "<p>Text</p>", "reply_to": "support@pbcex.example",
    }  # fmt: skip
    return OutgoingEmail(**{**headers, **changes})


@pytest.fixture
def catcher(
    tmp_path: Path,
) -> Iterator[tuple[SmtpEmailSender, EmailFolder, subprocess.Popen[bytes]]]:
    url = f"smtp://127.0.0.1:{free_port()}"
    [program] = [
        listed_program
        for listed_program in programs(1, runs_mail_catcher=True, runs_sandbox=False)
        if listed_program.name == "mail"
    ]
    process = subprocess.Popen(
        program.argv,
        env={**os.environ, "PBCEX_SMTP_URL": url, "PBCEX_DATA_DIR": str(tmp_path)},
        cwd=CHECKOUT,
    )
    mailer = SmtpEmailSender(SmtpServer.from_url(url), "PBCEx <a@pbcex.local>", timeout_seconds=5)

    def is_listening() -> bool:
        try:
            smtplib.SMTP("127.0.0.1", SmtpServer.from_url(url).port, timeout=5).quit()
        except OSError:
            return False
        return True

    wait_for(is_listening, 30)
    yield mailer, EmailFolder(tmp_path), process
    process.kill()
    process.wait()


def test_each_email_is_kept_once(catcher) -> None:
    mailer, folder, process = catcher
    twice = outgoing()
    for email in (twice, outgoing(subject="Second"), twice):
        mailer.send(email)
    kept = folder.list_newest(10)
    assert [email.subject for email in kept] == ["Second", "Grüße"]
    first = kept[1]
    assert (first.recipient, first.text.splitlines()) == ("ada@example.com", ["Text", "."])
    assert first.html.strip() == "<p>Text</p>"
    assert first.sent_at is not None
    assert folder.find(first.id) == first
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    with pytest.raises(EmailNotSent):
        mailer.send(outgoing())


def test_email_files_are_readable_by_their_owner_only(catcher, tmp_path: Path) -> None:
    mailer, _, _ = catcher
    mailer.send(outgoing())
    assert stat.S_IMODE((tmp_path / "mail").stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "mail").iterdir()] == [0o600]


def test_oldest_emails_beyond_the_limit_are_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_catcher, "EMAILS_MAX", 3)
    folder = EmailFolder(tmp_path)
    for number in range(5):
        folder.keep(f"Message-ID: <{number}@x>\r\nSubject: {number}\r\n\r\n".encode())
    assert [email.subject for email in folder.list_newest(10)] == ["4", "3", "2"]


def test_malformed_emails_can_be_shown(tmp_path: Path) -> None:
    folder = EmailFolder(tmp_path)
    for content in (b"", b"\xff\xfe", b"Date: never\r\n\r\nx", b"Subject: =?x?=\r\n\r\n\xff"):
        folder.keep(content)
    assert len(folder.list_newest(10)) == 4


def test_production_runs_no_mail_catcher() -> None:
    assert "mail" not in {
        program.name for program in programs(1, runs_mail_catcher=False, runs_sandbox=False)
    }
