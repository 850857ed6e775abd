"""The pages of caught mail: text as text, HTML where it can do nothing, and none in production."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.config import Environment, Settings
from app.embedded.mail_catcher import EmailFolder
from app.factory import create_app
from tests.page_client import Browser

EVIL = "<script>alert(1)</script>"
MAIL = """\
Message-ID: <1@example.com>
Date: Sun, 22 Nov 2026 09:30:00 +0000
To: ada@example.com
Subject: Hello {evil}
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="b"

--b
Content-Type: text/plain; charset="utf-8"

Text {evil} http://127.0.0.1:4001/auth/reset-password?token=otk_1.x
https://elsewhere.example.com/ javascript:alert(1)
--b
Content-Type: text/html; charset="utf-8"

<p>HTML {evil}</p>
--b--
"""


@pytest.fixture
def caught(app: Flask, tmp_path: Path) -> Iterator[Flask]:
    """An application whose data folder holds one caught mail."""
    settings: Settings = app.extensions["settings"]
    made = create_app(settings.model_copy(update={"data_dir": tmp_path}))
    EmailFolder(tmp_path).keep(MAIL.format(evil=EVIL).replace("\n", "\r\n").encode())
    yield made
    made.extensions["database"].engine.dispose()


def test_lists_and_shows_mail_as_text(caught: Flask) -> None:
    browser = Browser(caught)
    listed = browser.get_page("/mail/")
    assert "ada@example.com" in listed.visible_text
    assert f"Hello {EVIL}" in listed.visible_text
    [link] = [
        a["href"] for a in listed.all("a") if a["href"].startswith("/mail/0") or "-" in a["href"]
    ]
    shown = browser.get_page(link)
    assert f"Text {EVIL}" in shown.visible_text
    assert not [a for a in shown.all("script") if "src" not in a]
    # Only links of our own can be followed, and only here.
    followed = [a["href"] for a in shown.all("a")]
    assert "/auth/reset-password?token=otk_1.x" in followed
    assert not [href for href in followed if not href.startswith(("/", "#"))]


def test_its_html_can_load_and_run_nothing(caught: Flask) -> None:
    [mail] = EmailFolder(caught.extensions["settings"].data_dir).list_newest(10)
    answer = caught.test_client().get(f"/mail/{mail.id}/html")
    assert answer.status_code == 200
    assert EVIL in answer.text
    [policy] = answer.headers.getlist("Content-Security-Policy")
    directives = policy.split("; ")
    assert directives[0] == "sandbox"
    assert "default-src 'none'" in directives
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    "name", ["x", "..%2f..%2fkeys.json", "%2e%2e", "0" * 20 + "-" + "0" * 16, ".x.part"]
)
def test_nothing_else_is_read(caught: Flask, name: str) -> None:
    (caught.extensions["settings"].data_dir / "keys.json").write_text("secret")
    for path in (f"/mail/{name}", f"/mail/{name}/html"):
        answer = caught.test_client().get(path)
        assert answer.status_code == 404
        assert "secret" not in answer.text


def test_without_any_mail_it_says_so(app: Flask, tmp_path: Path) -> None:
    settings: Settings = app.extensions["settings"]
    made = create_app(settings.model_copy(update={"data_dir": tmp_path / "none"}))
    try:
        assert "No mail yet" in Browser(made).get_page("/mail/").visible_text
    finally:
        made.extensions["database"].engine.dispose()


def test_there_is_no_such_page_in_production(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    changes = {
        "env": Environment.PRODUCTION,
        "smtp_url": "smtps://mail.example.com",
        "public_url": "https://pbcex.example",
        "price_feeds": (),
    }
    made = create_app(settings.model_copy(update=changes))
    try:
        assert not [rule for rule in made.url_map.iter_rules() if rule.rule.startswith("/mail")]
    finally:
        made.extensions["database"].engine.dispose()
