"""The sample's sent mail, and the pages that its links open, in a browser."""

from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import expect

from app.config import Settings
from app.embedded.mail_catcher import EmailFolder
from app.kit.db import Database
from app.messages.ports import OutgoingEmail
from tests.api_client import ApiClient
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import Shoot, assert_fits_and_accessible
from tests.mailbox import run_pending_jobs, use_mailbox

NEW = "another long horse"


@pytest.fixture
def folder(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EmailFolder:
    """Return the folder in which the application finds sent mail."""
    settings: Settings = app.extensions["settings"]
    monkeypatch.setitem(
        app.extensions, "settings", settings.model_copy(update={"data_dir": tmp_path})
    )
    return EmailFolder(tmp_path)


def deliver(folder: EmailFolder, mail: OutgoingEmail) -> None:
    """Keep a mail as the sample's mail server does."""
    head = f"Message-ID: <{mail.id}@x>\r\nDate: Sun, 22 Nov 2026 09:30:00 +0000\r\n"
    head += f"To: {mail.recipient}\r\nSubject: {mail.subject}\r\n\r\n"
    folder.keep((head + mail.text.replace("\n", "\r\n")).encode())


def test_forgotten_password_is_reset_by_keyboard_from_the_sent_mail(
    app: Flask,
    database: Database,
    folder: EmailFolder,
    open_desk: OpenDesk,
    shoot: Shoot,
) -> None:
    ada = ApiClient(app)
    with use_mailbox() as box:
        ada.register()
        ada.post("/api/auth/forgot-password", {"email": ada.email})
        run_pending_jobs(database)
        for mail in box.sent_to(ada.email):
            deliver(folder, mail)
    desk = open_desk()
    page = desk.open("/mail/")
    assert_fits_and_accessible(page, shoot, "mail-list")
    page.get_by_role("link", name="Choose a new password").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
    assert_fits_and_accessible(page, shoot, "mail")
    page.get_by_role("link", name="Open the link").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("New password")).to_be_focused()
    assert_fits_and_accessible(page, shoot, "reset")
    page.keyboard.type("Password123!")
    page.keyboard.press("Enter")
    expect(page.locator(".error-summary")).to_be_focused()
    assert_fits_and_accessible(page, shoot, "reset-refused")
    page.get_by_label("New password").fill(NEW)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Password changed")).to_be_visible()
    assert_fits_and_accessible(page, shoot, "reset-done")
    body = {"email": ada.email, "password": NEW}
    assert ada.post("/api/auth/login", body).status_code == 200
    # The browser reports the 422 in its console, and nothing else.
    assert [text for text in desk.complaints if "422" not in text] == []
