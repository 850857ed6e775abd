"""Where the links of mails lead."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app.kit.db import Database
from tests.api_client import PASSWORD, ApiClient
from tests.mailbox import Mailbox, run_pending_jobs, use_mailbox
from tests.page_client import Browser, check_page
from tests.unchanged_database import database_unchanged

CONFIRM, RESET = "/auth/confirm-email", "/auth/reset-password"
NEW = "another long horse"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with use_mailbox() as made:
        yield made


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def ada(app: Flask) -> ApiClient:
    made = ApiClient(app)
    made.register()
    return made


def confirmed(ada: ApiClient) -> bool:
    return bool(ada.ok(200, ada.get("/api/auth/me"))["emailConfirmed"])


class TestConfirmEmail:
    def test_opening_changes_nothing_and_the_button_confirms(
        self, ada: ApiClient, browser: Browser, database: Database, box: Mailbox
    ) -> None:
        run_pending_jobs(database)
        path = f"{CONFIRM}?token={box.latest_token(ada.email)}"
        with database_unchanged(database):
            browser.get_page(path)
        assert not confirmed(ada)
        answer = browser.submit_form(path, "confirm", token=box.latest_token(ada.email))
        assert answer.status_code == 200
        assert "Email address confirmed" in check_page(answer).visible_text
        assert confirmed(ada)
        with database_unchanged(database):
            again = browser.submit_form(path, "confirm", token=box.latest_token(ada.email))
        assert again.status_code == 422
        assert "not valid" in check_page(again).visible_text

    @pytest.mark.parametrize("query", ["", "?token=", "?token=" + "x" * 5000, '?token="><script>'])
    def test_anything_else_confirms_nothing(
        self, browser: Browser, database: Database, query: str
    ) -> None:
        browser.get_page(CONFIRM + query)
        with database_unchanged(database):
            answer = browser.submit_form(CONFIRM + query, "confirm", token="otk_1.x")
        assert answer.status_code == 422
        check_page(answer)

    def test_no_address_is_told_where_the_link_came_from(self, browser: Browser) -> None:
        answer = browser.client.get(f"{CONFIRM}?token=secret")
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"


class TestResetPassword:
    def link(self, ada: ApiClient, database: Database, box: Mailbox) -> str:
        ada.post("/api/auth/forgot-password", {"email": ada.email})
        run_pending_jobs(database)
        return box.latest_token(ada.email)

    def test_the_form_sets_the_password(
        self, ada: ApiClient, browser: Browser, database: Database, box: Mailbox
    ) -> None:
        token = self.link(ada, database, box)
        path = f"{RESET}?token={token}"
        page = browser.get_page(path)
        [field] = page.all("input", type="password")
        assert field["autocomplete"] == "new-password"
        for wrong, said in (("", "Enter a password"), ("Password123!", "harder to guess")):
            with database_unchanged(database):
                answer = browser.submit_form(path, "reset", token=token, password=wrong)
            assert answer.status_code == 422
            assert said in check_page(answer).visible_text
        asked = {"name": "a program", "scopes": ["own:balances:read"]}
        for _ in range(2):
            ada.ok(201, ada.post("/api/me/api-keys", asked))
        answer = browser.submit_form(path, "reset", token=token, password=NEW)
        assert answer.status_code == 200
        assert "2 API keys stay active" in check_page(answer).visible_text
        assert "Password changed" in check_page(answer).visible_text
        body = {"email": ada.email, "password": NEW}
        assert ada.post("/api/auth/login", body).status_code == 200
        assert ada.post("/api/auth/login", {**body, "password": PASSWORD}).status_code == 401
        again = browser.submit_form(path, "reset", token=token, password="a third long horse")
        assert again.status_code == 422
        assert "not valid" in check_page(again).visible_text

    def test_the_form_revokes_api_keys_where_it_is_ticked(
        self, ada: ApiClient, browser: Browser, database: Database, box: Mailbox
    ) -> None:
        program = ApiClient(ada.app)
        asked = {"name": "a program", "scopes": ["own:balances:read"]}
        program.token = ada.ok(201, ada.post("/api/me/api-keys", asked))["key"]
        token = self.link(ada, database, box)
        path = f"{RESET}?token={token}"
        [tick] = browser.get_page(path).all("input", type="checkbox")
        fields = {"token": token, "password": NEW, tick["name"]: tick["value"]}
        answer = browser.submit_form(path, "reset", **fields)
        assert "API key" not in check_page(answer).visible_text
        assert program.get("/api/wallet/balances").status_code == 401
