"""The pages that links in emails open: confirm an email address, reset a password."""

import pytest
import time_machine
from werkzeug.test import TestResponse

from app.access import Actor
from app.identity.credentials.one_time_tokens import LIFETIME, LinkPurpose
from app.kit import clock
from app.kit.db import Database
from tests.api_client import PASSWORD, ApiClient
from tests.mailbox import Mailbox, run_pending_jobs
from tests.page_client import Browser, check_page
from tests.unchanged_database import database_unchanged

CONFIRM, RESET = "/auth/confirm-email", "/auth/reset-password"
NEW_PASSWORD = "another long horse"


def is_email_confirmed(ada: ApiClient) -> bool:
    return bool(ada.ok(200, ada.get("/api/auth/me"))["emailConfirmed"])


def post_link(visitor: Browser, path: str, **fields: str) -> TestResponse:
    """Send the form of a link that may have ended since it was opened."""
    return visitor.client.post(path, data={"csrf_token": visitor.csrf_token(), **fields})


class TestConfirmEmail:
    def test_opening_the_link_changes_nothing_and_the_button_confirms_once(
        self, newcomer: ApiClient, visitor: Browser, database: Database, mailbox: Mailbox
    ) -> None:
        run_pending_jobs(database)
        path = f"{CONFIRM}?token={mailbox.latest_token(newcomer.email)}"
        with database_unchanged(database):
            visitor.get_page(path)
        assert not is_email_confirmed(newcomer)
        response = visitor.submit_form(path, "confirm", token=mailbox.latest_token(newcomer.email))
        assert response.status_code == 200
        assert "Email address confirmed" in check_page(response).visible_text
        # The person who registered may not have been the owner of the address.
        assert newcomer.get("/api/auth/me").status_code == 401
        newcomer.sign_in()
        assert is_email_confirmed(newcomer)
        assert "You can now" not in check_page(response).visible_text
        with database_unchanged(database):
            again = post_link(visitor, CONFIRM, token=mailbox.latest_token(newcomer.email))
            opened = visitor.get_page(path)
        for page in (check_page(again), opened):
            assert "already confirmed" in page.visible_text
            assert page.all("form", id="confirm") == []

    @pytest.mark.parametrize("query", ["", "?token=", "?token=" + "x" * 5000, '?token="><script>'])
    def test_invalid_token_confirms_nothing(
        self, visitor: Browser, database: Database, query: str
    ) -> None:
        with database_unchanged(database):
            page = visitor.get_page(CONFIRM + query)
            response = post_link(visitor, CONFIRM, token="otk_1.x")
        assert "not valid any more" in page.visible_text
        assert page.all("form", id="confirm") == []
        assert response.status_code == 422
        check_page(response)

    def test_expired_link_says_so_and_what_to_do(
        self, newcomer: ApiClient, visitor: Browser, database: Database, mailbox: Mailbox
    ) -> None:
        run_pending_jobs(database)
        token = mailbox.latest_token(newcomer.email)
        with time_machine.travel(clock.now() + LIFETIME[LinkPurpose.CONFIRM_EMAIL]):
            page = visitor.get_page(f"{CONFIRM}?token={token}")
            assert post_link(visitor, CONFIRM, token=token).status_code == 422
        assert "Request another one in the app." in page.visible_text
        assert not is_email_confirmed(newcomer)

    def test_confirmation_page_with_a_token_is_not_cached_or_leaked_as_referrer(
        self, visitor: Browser
    ) -> None:
        response = visitor.client.get(f"{CONFIRM}?token=secret")
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert response.headers["Cache-Control"] == "no-store"


class TestResetPassword:
    def request_reset_token(self, ada: ApiClient, database: Database, mailbox: Mailbox) -> str:
        ada.post("/api/auth/forgot-password", {"email": ada.email})
        run_pending_jobs(database)
        return mailbox.latest_token(ada.email)

    def test_reset_form_sets_the_password_once_and_keeps_api_keys(
        self, newcomer: ApiClient, visitor: Browser, database: Database, mailbox: Mailbox
    ) -> None:
        newcomer.credit()
        token = self.request_reset_token(newcomer, database, mailbox)
        path = f"{RESET}?token={token}"
        page = visitor.get_page(path)
        [field] = page.all("input", type="password")
        assert field["autocomplete"] == "new-password"
        for weak_password, message in (
            ("", "Enter a password"),
            ("Password123!", "harder to guess"),
        ):
            with database_unchanged(database):
                response = visitor.submit_form(path, "reset", token=token, password=weak_password)
            assert response.status_code == 422
            assert message in check_page(response).visible_text
        payload = {"name": "a program", "scopes": ["own:balances:read"]}
        for _ in range(2):
            newcomer.ok(201, newcomer.post("/api/me/api-keys", payload))
        response = visitor.submit_form(path, "reset", token=token, password=NEW_PASSWORD)
        assert response.status_code == 200
        assert "2 API keys stay active" in check_page(response).visible_text
        assert "Password changed" in check_page(response).visible_text
        body = {"email": newcomer.email, "password": NEW_PASSWORD}
        assert newcomer.post("/api/auth/login", body).status_code == 200
        assert newcomer.post("/api/auth/login", {**body, "password": PASSWORD}).status_code == 401
        reused = post_link(visitor, RESET, token=token, password="a third long horse")
        assert reused.status_code == 422
        # Also before a password is chosen in vain.
        for page in (check_page(reused), visitor.get_page(path)):
            assert "not valid any more" in page.visible_text
            assert page.all("input", type="password") == []
            assert [link for link in page.all("a") if link["href"] == "/auth/forgot-password"]

    def test_reset_form_revokes_api_keys_if_the_box_is_ticked(
        self, newcomer: ApiClient, visitor: Browser, database: Database, mailbox: Mailbox
    ) -> None:
        newcomer.credit()
        program = ApiClient(newcomer.app)
        payload = {"name": "a program", "scopes": ["own:balances:read"]}
        program.token = newcomer.ok(201, newcomer.post("/api/me/api-keys", payload))["key"]
        token = self.request_reset_token(newcomer, database, mailbox)
        path = f"{RESET}?token={token}"
        [checkbox] = visitor.get_page(path).all("input", type="checkbox")
        fields = {"token": token, "password": NEW_PASSWORD, checkbox["name"]: checkbox["value"]}
        response = visitor.submit_form(path, "reset", **fields)
        assert "API key" not in check_page(response).visible_text
        assert program.get("/api/wallet/balances").status_code == 401

    def test_reset_form_names_its_account_and_ends_the_session_of_another_person(
        self,
        newcomer: ApiClient,
        browser: Browser,
        database: Database,
        mailbox: Mailbox,
        admin: Actor,
    ) -> None:
        token = self.request_reset_token(newcomer, database, mailbox)
        path = f"{RESET}?token={token}"
        text = browser.get_page(path).visible_text
        assert f"For the account of {newcomer.email}" in text
        assert f"({admin.email}) is signed in to this browser" in text
        stolen = browser.session_cookie()
        browser.submit_form(path, "reset", token=token, password=NEW_PASSWORD)
        for cookie in (browser.session_cookie(), stolen):
            browser.client.set_cookie("pbcex", cookie)
            assert browser.client.get("/admin/people").location.startswith("/auth/login")
