"""Caught mail, and the pages that its links lead to, in a browser."""

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
from tests.e2e.looks import Shoot, in_every_look
from tests.mailbox import run_pending_jobs, use_mailbox

NEW = "another long horse"


@pytest.fixture
def folder(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EmailFolder:
    """Where the application finds what was caught."""
    settings: Settings = app.extensions["settings"]
    monkeypatch.setitem(
        app.extensions, "settings", settings.model_copy(update={"data_dir": tmp_path})
    )
    return EmailFolder(tmp_path)


def catch(folder: EmailFolder, mail: OutgoingEmail) -> None:
    """As the catcher keeps what the mailer sends."""
    head = f"Message-ID: <{mail.id}@x>\r\nDate: Sun, 22 Nov 2026 09:30:00 +0000\r\n"
    head += f"To: {mail.recipient}\r\nSubject: {mail.subject}\r\n\r\n"
    folder.keep((head + mail.text.replace("\n", "\r\n")).encode())


def test_a_forgotten_password_is_reset_by_keyboard(
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
            catch(folder, mail)
    desk = open_desk()
    page = desk.open("/mail/")
    in_every_look(page, shoot, "mail-list")
    page.get_by_role("link", name="Choose a new password").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
    in_every_look(page, shoot, "mail")
    page.get_by_role("link", name="Open the link").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("New password")).to_be_focused()
    in_every_look(page, shoot, "reset")
    page.keyboard.type("Password123!")
    page.keyboard.press("Enter")
    expect(page.locator(".error-summary")).to_be_focused()
    in_every_look(page, shoot, "reset-refused")
    page.get_by_label("New password").fill(NEW)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your password is changed")).to_be_visible()
    in_every_look(page, shoot, "reset-done")
    body = {"email": ada.email, "password": NEW}
    assert ada.post("/api/auth/login", body).status_code == 200
    # The browser itself complains of the 422, and of nothing else.
    assert [text for text in desk.complaints if "422" not in text] == []
