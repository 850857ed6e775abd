"""The sample's pages of sent mail: plain text, sandboxed HTML, and no such page in production."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.config import Environment, Settings
from app.embedded.mail_catcher import EmailFolder
from app.factory import create_app
from tests.page_client import Browser

SCRIPT = "<script>alert(1)</script>"
MAIL = """\
Message-ID: <1@example.com>
Date: Sun, 22 Nov 2026 09:30:00 +0000
To: ada@example.com
Subject: Hello {script}
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="b"

--b
Content-Type: text/plain; charset="utf-8"

Text {script} http://localhost:4001/auth/reset-password?token=otk_1.x
https://elsewhere.example.com/ javascript:alert(1)
--b
Content-Type: text/html; charset="utf-8"

<p>HTML {script}</p>
--b--
"""


@pytest.fixture
def app_with_mail(app: Flask, tmp_path: Path) -> Iterator[Flask]:
    """Return an application whose data folder holds one email with script in each part."""
    settings: Settings = app.extensions["settings"]
    app_with_settings = create_app(settings.model_copy(update={"data_dir": tmp_path}))
    EmailFolder(tmp_path).keep(MAIL.format(script=SCRIPT).replace("\n", "\r\n").encode())
    yield app_with_settings
    app_with_settings.extensions["database"].engine.dispose()


def test_mail_is_listed_and_shown_as_plain_text_with_only_our_links(app_with_mail: Flask) -> None:
    browser = Browser(app_with_mail)
    list_page = browser.get_page("/mail/")
    assert "ada@example.com" in list_page.visible_text
    assert f"Hello {SCRIPT}" in list_page.visible_text
    [link] = [
        a["href"] for a in list_page.all("a") if a["href"].startswith("/mail/0") or "-" in a["href"]
    ]
    mail_page = browser.get_page(link)
    assert f"Text {SCRIPT}" in mail_page.visible_text
    assert not [script for script in mail_page.all("script") if "src" not in script]
    # Only links to this application are links; the others stay text.
    hrefs = [link["href"] for link in mail_page.all("a")]
    assert "/auth/reset-password?token=otk_1.x" in hrefs
    assert not [href for href in hrefs if not href.startswith(("/", "#"))]


def test_html_part_is_sandboxed_and_loads_nothing(app_with_mail: Flask) -> None:
    [mail] = EmailFolder(app_with_mail.extensions["settings"].data_dir).list_newest(10)
    response = app_with_mail.test_client().get(f"/mail/{mail.id}/html")
    assert response.status_code == 200
    assert SCRIPT in response.text
    [policy] = response.headers.getlist("Content-Security-Policy")
    directives = policy.split("; ")
    assert directives[0] == "sandbox"
    assert "default-src 'none'" in directives
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    "name", ["x", "..%2f..%2fkeys.json", "%2e%2e", "0" * 20 + "-" + "0" * 16, ".x.part"]
)
def test_other_files_of_the_data_folder_are_not_served(app_with_mail: Flask, name: str) -> None:
    (app_with_mail.extensions["settings"].data_dir / "keys.json").write_text("secret")
    for path in (f"/mail/{name}", f"/mail/{name}/html"):
        response = app_with_mail.test_client().get(path)
        assert response.status_code == 404
        assert "secret" not in response.text


def test_empty_folder_shows_no_mail_yet(app: Flask, tmp_path: Path) -> None:
    settings: Settings = app.extensions["settings"]
    app_with_settings = create_app(settings.model_copy(update={"data_dir": tmp_path / "none"}))
    try:
        assert "No mail yet" in Browser(app_with_settings).get_page("/mail/").visible_text
    finally:
        app_with_settings.extensions["database"].engine.dispose()


def test_mail_pages_do_not_exist_in_production(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    changes = {
        "env": Environment.PRODUCTION,
        "smtp_url": "smtps://mail.example.com",
        "public_url": "https://pbcex.example",
        "price_feeds": (),
    }
    app_with_settings = create_app(settings.model_copy(update=changes))
    try:
        assert not [
            rule for rule in app_with_settings.url_map.iter_rules() if rule.rule.startswith("/mail")
        ]
    finally:
        app_with_settings.extensions["database"].engine.dispose()
