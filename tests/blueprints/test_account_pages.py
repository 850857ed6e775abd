"""The pages of a staff account: reauthentication, factors and sessions."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app.access import Role
from app.identity.sign_in.rules import PROOF_LIFETIME
from app.kit import clock, ids
from app.kit.db import Database
from tests.page_client import Browser, check_page
from tests.people import PASSWORD, People
from tests.staff import Member, StaffBrowser, create_authenticator, create_member_with_app
from tests.unchanged_database import database_unchanged


@pytest.fixture
def browser(strict_app: Flask) -> StaffBrowser:
    return StaffBrowser(strict_app)


@pytest.fixture
def member(database: Database) -> Member:
    return create_member_with_app(database)


@pytest.fixture
def expired_proof(browser: StaffBrowser, member: Member) -> Iterator[None]:
    """Sign the member in and move the time until the proof of it has expired."""
    browser.sign_in_by_app(member)
    with time_machine.travel(clock.now() + PROOF_LIFETIME + timedelta(seconds=1)):
        yield


def session_end_reasons(database: Database, member: Member) -> list[str | None]:
    """Return why each session of the member ended, oldest first; None where it has not."""
    with database.reading() as session:
        rows = session.rows(
            "SELECT revoked_reason FROM login_sessions WHERE user_id = %s ORDER BY id",
            (member.actor.user_id,),
        )
    return [reason for (reason,) in rows]


@pytest.mark.usefixtures("expired_proof")
class TestReauthentication:
    def test_sensitive_act_needs_a_new_proof_and_then_redirects_back(
        self, browser: StaffBrowser, member: Member, database: Database
    ) -> None:
        token, before = browser.csrf_token("/auth/account"), browser.session_cookie()
        fields = {"csrf_token": token, "code": member.code()}
        referer = {"Referer": "http://localhost/auth/account"}
        with database_unchanged(database):
            response = browser.client.post("/auth/account/app/off", data=fields, headers=referer)
        # A code is valid once and for seconds: this form is not kept.
        assert response.location == "/auth/prove?next=/auth/account&unsent=yes"
        assert "not sent yet" in browser.get_page(response.location).visible_text
        assert browser.client.get("/auth/account/app").location == (
            "/auth/prove?next=/auth/account/app"
        )
        response = browser.submit_form(
            "/auth/prove", "prove-form", code=member.code(0), next="/auth/account"
        )
        assert (response.status_code, response.location) == (303, "/auth/account")
        assert browser.client.get("/auth/account/app").location == "/auth/account"
        # The cookie from before the proof no longer works, and the session is the same.
        old_browser = Browser(browser.client.application)
        old_browser.client.set_cookie("pbcex", before)
        assert old_browser.client.get("/auth/account").location.startswith("/auth/login")
        assert session_end_reasons(database, member) == [None]

    def test_new_recovery_codes_need_a_new_proof(
        self, browser: StaffBrowser, member: Member, database: Database
    ) -> None:
        fields = {
            "csrf_token": browser.csrf_token("/auth/account"),
            "code": member.recovery_codes[0],
        }
        with database_unchanged(database):
            response = browser.client.post("/auth/account/app/recovery-codes", data=fields)
        assert response.location.startswith("/auth/prove")

    @pytest.mark.parametrize("then", ["https://evil.example/", "//evil.example", "/\\evil", "x"])
    def test_proof_does_not_redirect_to_another_site(
        self, browser: StaffBrowser, member: Member, then: str
    ) -> None:
        response = browser.submit_form("/auth/prove", "prove-form", code=member.code(0), next=then)
        assert response.location == "/admin/"

    def test_htmx_request_without_a_proof_receives_a_redirect_header(
        self, browser: StaffBrowser
    ) -> None:
        token = browser.csrf_token("/auth/account")
        response = browser.client.post(
            "/auth/account/passkeys/question",
            headers={
                "X-CSRFToken": token,
                "HX-Request": "true",
                "HX-Current-URL": "http://localhost/auth/account",
            },
        )
        assert response.status_code == 401
        assert response.headers["HX-Redirect"] == "/auth/prove?next=/auth/account&unsent=yes"

    def test_wrong_code_or_password_is_no_proof_for_a_member_with_an_app(
        self, browser: StaffBrowser, member: Member
    ) -> None:
        for fields in ({"code": "000000"}, {"password": PASSWORD}, {"code": ""}):
            response = browser.submit_form("/auth/prove", "prove-form", **fields)
            assert response.status_code == 422
            check_page(response)
        assert browser.client.get("/auth/account/app").location.startswith("/auth/prove")

    def test_passkey_of_another_person_is_no_proof(
        self, browser: StaffBrowser, people: People, strict_app: Flask
    ) -> None:
        key = create_authenticator(strict_app)
        StaffBrowser(strict_app).enrol_passkey(people.staff(Role.ADMIN).email, key)
        options = browser.request_options("/auth/prove/passkey/question", "/auth/prove")
        fields = {"credential": key.get(options)}
        response = browser.post_form("/auth/prove/passkey", "/auth/prove", **fields)
        assert response.status_code == 422
        assert browser.client.get("/auth/account/app").location.startswith("/auth/prove")

    def test_proof_is_limited_after_five_wrong_codes(self, browser: StaffBrowser) -> None:
        statuses = [
            browser.submit_form("/auth/prove", "prove-form", code=f"{guess:06}").status_code
            for guess in range(6)
        ]
        assert statuses == [422] * 5 + [429]


def test_new_recovery_codes_replace_the_old_ones(
    browser: StaffBrowser, member: Member, strict_app: Flask, database: Database
) -> None:
    browser.sign_in_by_app(member)
    old_codes = member.recovery_codes
    with database_unchanged(database):
        empty = browser.submit_form("/auth/account", "app-codes", code="")
    assert empty.status_code == 422
    assert "Enter the code" in check_page(empty).visible_text
    wrong = browser.submit_form("/auth/account", "app-codes", code="ABCDEF-ABCDEF-ABCDEF-ABCDEF")
    assert (wrong.status_code, "The code is wrong" in check_page(wrong).visible_text) == (422, True)
    response = browser.submit_form("/auth/account", "app-codes", code=old_codes[0])
    assert response.status_code == 200
    new_codes = re.findall(r"<li><code>([A-Z2-7-]+)</code></li>", response.text)
    assert len(set(new_codes) - set(old_codes)) == 10
    assert "10 recovery codes left" in browser.get_page("/auth/account").visible_text
    other = StaffBrowser(strict_app)
    assert other.sign_in_by_app(member, old_codes[1]).status_code == 422
    assert (
        other.submit_form("/auth/second-factor", "second-factor", code=new_codes[0]).status_code
        == 303
    )


def test_form_for_recovery_codes_has_one_effect(
    browser: StaffBrowser, member: Member, database: Database
) -> None:
    browser.sign_in_by_app(member)
    fields = browser.fill_form("/auth/account", "app-codes", code=member.recovery_codes[0])
    url = "/auth/account/app/recovery-codes"
    assert browser.client.post(url, data=fields).status_code == 200
    with database_unchanged(database):
        assert browser.client.post(url, data=fields).location == "/auth/account"
    assert "They were shown once" in browser.get_page("/auth/account").visible_text


def test_code_that_comes_too_often_is_refused_beside_its_form(
    browser: StaffBrowser, member: Member
) -> None:
    browser.sign_in_by_app(member)
    responses = [
        browser.submit_form("/auth/account", "app-codes", code=f"{guess:06}") for guess in range(6)
    ]
    assert [response.status_code for response in responses] == [422] * 5 + [429]
    assert responses[5].headers["Retry-After"] == "60"
    page = check_page(responses[5])
    assert "Try again in 1 minute." in page.visible_text
    [code] = page.all("input", id="app-codes-code")
    assert code["value"] == ""


def test_proof_by_passkey_or_where_there_is_no_factor_by_password(
    strict_app: Flask, app: Flask, people: People
) -> None:
    key, browser = create_authenticator(strict_app), StaffBrowser(strict_app)
    browser.enrol_passkey(people.staff(Role.ADMIN).email, key)
    password_browser = StaffBrowser(app)
    password_browser.sign_in(people.staff(Role.ADMIN).email, PASSWORD)
    with time_machine.travel(clock.now() + PROOF_LIFETIME + timedelta(seconds=1)):
        options = browser.request_options("/auth/prove/passkey/question", "/auth/prove")
        fields = {"credential": key.get(options), "next": "/auth/account"}
        response = browser.post_form("/auth/prove/passkey", "/auth/prove", **fields)
        assert (response.status_code, response.location) == (303, "/auth/account")
        response = password_browser.submit_form("/auth/prove", "prove-form", password="wrong")
        assert response.status_code == 422
        response = password_browser.submit_form("/auth/prove", "prove-form", password=PASSWORD)
        assert response.location == "/admin/"


class TestPasskeys:
    def add_passkey(self, browser: StaffBrowser, name: str) -> None:
        options = browser.request_options("/auth/account/passkeys/question", "/auth/account")
        key = create_authenticator(browser.client.application)
        response = browser.submit_form(
            "/auth/account", "new-passkey", credential=key.create(options), name=name
        )
        assert response.location == "/auth/account"

    def passkey_ids(self, browser: StaffBrowser) -> list[str]:
        page = browser.get_page("/auth/account")
        return [row["id"] for row in page.all("tr") if row.get("id", "").startswith("pky_")]

    def test_passkeys_are_added_renamed_and_removed(
        self, browser: StaffBrowser, member: Member, database: Database
    ) -> None:
        browser.sign_in_by_app(member)
        self.add_passkey(browser, "Blue  key")
        self.add_passkey(browser, "Phone")
        first, second = self.passkey_ids(browser)
        page = browser.get_page("/auth/account")
        assert page.all("input", id=f"rename-{first}-name")[0]["value"] == "Blue key"
        browser.submit_form("/auth/account", f"rename-{first}", name="Red key")
        refused = browser.submit_form("/auth/account", f"rename-{first}", name=" ")
        assert refused.status_code == 422
        page = check_page(refused)
        assert "Enter a name." in page.visible_text
        # The other row is as it was.
        names = {row: page.all("input", id=f"rename-{row}-name")[0] for row in (first, second)}
        assert [names[row].get("aria-invalid") for row in (first, second)] == ["true", None]
        assert names[second]["value"] == "Phone"
        tokens = {page.hidden_fields[f"rename-{row}"]["form_token"] for row in (first, second)}
        assert len(tokens) == 2
        assert browser.client.get(f"/auth/account/passkeys/{first}/name").location == (
            "/auth/account"
        )
        page = browser.get_page("/auth/account")
        assert page.all("input", id=f"rename-{first}-name")[0]["value"] == "Red key"
        browser.submit_form("/auth/account", f"remove-{second}")
        assert self.passkey_ids(browser) == [first]
        with database.reading() as session:
            staged = session.rows(
                "SELECT args->>'kind' FROM outbox WHERE args->>'user_id' = %s",
                (str(member.actor.user_id),),
            )
        assert [kind for (kind,) in staged].count("passkey_added") == 2
        assert [kind for (kind,) in staged].count("passkey_removed") == 1

    def test_removal_that_waits_for_a_proof_is_shown_in_its_row_only(
        self, browser: StaffBrowser, member: Member
    ) -> None:
        browser.sign_in_by_app(member)
        self.add_passkey(browser, "Blue key")
        self.add_passkey(browser, "Phone")
        first, second = self.passkey_ids(browser)
        with time_machine.travel(clock.now() + PROOF_LIFETIME + timedelta(seconds=1)):
            assert browser.submit_form("/auth/account", f"remove-{second}").location.startswith(
                "/auth/prove"
            )
            page = browser.get_page("/auth/account")
        assert page.visible_text.count("Not sent yet.") == 1
        assert page.all("form", id=f"remove-{second}-discard")
        assert not page.all("form", id=f"remove-{first}-discard")

    def test_passkey_of_another_person_is_not_found(
        self, browser: StaffBrowser, member: Member, database: Database, strict_app: Flask
    ) -> None:
        browser.sign_in_by_app(member)
        self.add_passkey(browser, "Mine")
        [passkey_id] = self.passkey_ids(browser)
        other = StaffBrowser(strict_app)
        other.sign_in_by_app(create_member_with_app(database))
        fields = other.fill_form("/auth/account", "password", name="Stolen")
        with database_unchanged(database):
            for action in ("remove", "name"):
                path = f"/auth/account/passkeys/{passkey_id}/{action}"
                assert other.client.post(path, data=fields).status_code == 404

    def test_last_second_factor_cannot_be_removed(
        self, browser: StaffBrowser, people: People, strict_app: Flask, database: Database
    ) -> None:
        browser.enrol_passkey(people.staff(Role.ADMIN).email, create_authenticator(strict_app))
        [passkey_id] = self.passkey_ids(browser)
        with database_unchanged(database):
            assert browser.submit_form("/auth/account", f"remove-{passkey_id}").status_code == 409

    def test_app_is_turned_off_only_while_there_is_a_passkey(
        self, browser: StaffBrowser, member: Member
    ) -> None:
        browser.sign_in_by_app(member)
        code = member.recovery_codes[0]
        assert browser.submit_form("/auth/account", "app-off", code=code).status_code == 409
        self.add_passkey(browser, "Key")
        assert browser.submit_form("/auth/account", "app-off", code="000000").status_code == 422
        assert (
            browser.submit_form("/auth/account", "app-off", code=code).location == "/auth/account"
        )
        assert "Not set up" in browser.get_page("/auth/account").visible_text
        assert browser.submit_form("/auth/account", "app-on").location == "/auth/account/app"
        browser.get_page("/auth/account/app")


class TestSessions:
    def test_sessions_are_listed_and_ended_one_by_one_or_all_others(
        self, browser: StaffBrowser, member: Member, database: Database, strict_app: Flask
    ) -> None:
        others = [StaffBrowser(strict_app) for _ in range(3)]
        agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        for index, other in enumerate(others):
            other.client.environ_base["HTTP_USER_AGENT"] = agent
            other.sign_in_by_app(member, member.recovery_codes[index])
        browser.sign_in_by_app(member)
        page = browser.get_page("/auth/account")
        # In the table, for the button of each row, and in its dialog.
        assert page.visible_text.count("Firefox on Linux") == 9
        assert page.visible_text.count("This session") == 1
        end_forms = [form["id"] for form in page.all("form") if form["id"].startswith("end-ses_")]
        assert len(end_forms) == 3
        assert browser.submit_form("/auth/account", end_forms[0]).location == "/auth/account"
        assert session_end_reasons(database, member).count("logged_out") == 1
        assert browser.submit_form("/auth/account", "end-others").location == "/auth/account"
        assert sorted(str(reason) for reason in session_end_reasons(database, member)) == [
            "None", "logged_out", "logged_out", "logged_out"
        ]  # fmt: skip
        for other in others:
            assert other.client.get("/auth/account").location.startswith("/auth/login")
        browser.get_page("/auth/account")

    def test_session_of_another_person_is_not_found(
        self, browser: StaffBrowser, member: Member, database: Database, strict_app: Flask
    ) -> None:
        victim = StaffBrowser(strict_app)
        victim.sign_in_by_app(create_member_with_app(database))
        with database.reading() as session:
            [(newest_id,)] = session.rows("SELECT id FROM login_sessions ORDER BY id DESC LIMIT 1")
        browser.sign_in_by_app(member)
        fields = browser.fill_form("/auth/account", "password")
        path = f"/auth/account/sessions/{ids.encode('ses', newest_id)}/end"
        assert browser.client.post(path, data=fields).status_code == 404
        victim.get_page("/auth/account")
