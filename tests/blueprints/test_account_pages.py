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
def expired_proof(strict_browser: StaffBrowser, member: Member) -> Iterator[None]:
    """Sign the member in and move the time until the proof of it has expired."""
    strict_browser.sign_in_by_app(member)
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
        self, strict_browser: StaffBrowser, member: Member, database: Database
    ) -> None:
        token, before = strict_browser.csrf_token("/auth/account"), strict_browser.session_cookie()
        fields = {"csrf_token": token, "code": member.code()}
        referer = {"Referer": "http://localhost/auth/account"}
        with database_unchanged(database):
            response = strict_browser.client.post(
                "/auth/account/app/off", data=fields, headers=referer
            )
        # A code is valid once and for seconds: this form is not kept.
        assert response.location == "/auth/prove?next=/auth/account&unsent=yes"
        assert "not sent yet" in strict_browser.get_page(response.location).visible_text
        assert strict_browser.client.get("/auth/account/app").location == (
            "/auth/prove?next=/auth/account/app"
        )
        response = strict_browser.submit_form(
            "/auth/prove", "prove-form", code=member.code(0), next="/auth/account"
        )
        assert (response.status_code, response.location) == (303, "/auth/account")
        assert strict_browser.client.get("/auth/account/app").location == "/auth/account"
        # The cookie from before the proof no longer works, and the session is the same.
        old_browser = Browser(strict_browser.client.application)
        old_browser.client.set_cookie("pbcex", before)
        assert old_browser.client.get("/auth/account").location.startswith("/auth/login")
        assert session_end_reasons(database, member) == [None]

    def test_new_recovery_codes_need_a_new_proof(
        self, strict_browser: StaffBrowser, member: Member, database: Database
    ) -> None:
        fields = {
            "csrf_token": strict_browser.csrf_token("/auth/account"),
            "code": member.recovery_codes[0],
        }
        with database_unchanged(database):
            response = strict_browser.client.post("/auth/account/app/recovery-codes", data=fields)
        assert response.location.startswith("/auth/prove")

    @pytest.mark.parametrize("then", ["https://evil.example/", "//evil.example", "/\\evil", "x"])
    def test_proof_does_not_redirect_to_another_site(
        self, strict_browser: StaffBrowser, member: Member, then: str
    ) -> None:
        response = strict_browser.submit_form(
            "/auth/prove", "prove-form", code=member.code(0), next=then
        )
        assert response.location == "/admin/"

    def test_htmx_request_without_a_proof_receives_a_redirect_header(
        self, strict_browser: StaffBrowser
    ) -> None:
        token = strict_browser.csrf_token("/auth/account")
        response = strict_browser.client.post(
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
        self, strict_browser: StaffBrowser, member: Member
    ) -> None:
        for fields in ({"code": "000000"}, {"password": PASSWORD}, {"code": ""}):
            response = strict_browser.submit_form("/auth/prove", "prove-form", **fields)
            assert response.status_code == 422
            check_page(response)
        assert strict_browser.client.get("/auth/account/app").location.startswith("/auth/prove")

    def test_passkey_of_another_person_is_no_proof(
        self, strict_browser: StaffBrowser, people: People, strict_app: Flask
    ) -> None:
        key = create_authenticator(strict_app)
        StaffBrowser(strict_app).enrol_passkey(people.staff(Role.ADMIN).email, key)
        options = strict_browser.request_options("/auth/prove/passkey/question", "/auth/prove")
        fields = {"credential": key.get(options)}
        response = strict_browser.post_form("/auth/prove/passkey", "/auth/prove", **fields)
        assert response.status_code == 422
        assert strict_browser.client.get("/auth/account/app").location.startswith("/auth/prove")

    def test_proof_is_limited_after_five_wrong_codes(self, strict_browser: StaffBrowser) -> None:
        statuses = [
            strict_browser.submit_form("/auth/prove", "prove-form", code=f"{guess:06}").status_code
            for guess in range(6)
        ]
        assert statuses == [422] * 5 + [429]


def test_new_recovery_codes_replace_the_old_ones(
    strict_browser: StaffBrowser, member: Member, strict_app: Flask, database: Database
) -> None:
    strict_browser.sign_in_by_app(member)
    old_codes = member.recovery_codes
    with database_unchanged(database):
        empty = strict_browser.submit_form("/auth/account", "app-codes", code="")
    assert empty.status_code == 422
    assert "Enter the code" in check_page(empty).visible_text
    wrong = strict_browser.submit_form(
        "/auth/account", "app-codes", code="ABCDEF-ABCDEF-ABCDEF-ABCDEF"
    )
    assert (wrong.status_code, "The code is wrong" in check_page(wrong).visible_text) == (422, True)
    response = strict_browser.submit_form("/auth/account", "app-codes", code=old_codes[0])
    assert response.status_code == 200
    new_codes = re.findall(r"<li><code>([A-Z2-7-]+)</code></li>", response.text)
    assert len(set(new_codes) - set(old_codes)) == 10
    assert "10 recovery codes left" in strict_browser.get_page("/auth/account").visible_text
    other = StaffBrowser(strict_app)
    assert other.sign_in_by_app(member, old_codes[1]).status_code == 422
    assert (
        other.submit_form("/auth/second-factor", "second-factor", code=new_codes[0]).status_code
        == 303
    )


def test_form_for_recovery_codes_has_one_effect(
    strict_browser: StaffBrowser, member: Member, database: Database
) -> None:
    strict_browser.sign_in_by_app(member)
    fields = strict_browser.fill_form("/auth/account", "app-codes", code=member.recovery_codes[0])
    url = "/auth/account/app/recovery-codes"
    assert strict_browser.client.post(url, data=fields).status_code == 200
    with database_unchanged(database):
        assert strict_browser.client.post(url, data=fields).location == "/auth/account"
    assert "They were shown once" in strict_browser.get_page("/auth/account").visible_text


def test_code_that_comes_too_often_is_refused_beside_its_form(
    strict_browser: StaffBrowser, member: Member
) -> None:
    strict_browser.sign_in_by_app(member)
    responses = [
        strict_browser.submit_form("/auth/account", "app-codes", code=f"{guess:06}")
        for guess in range(6)
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
    key, strict_browser = create_authenticator(strict_app), StaffBrowser(strict_app)
    strict_browser.enrol_passkey(people.staff(Role.ADMIN).email, key)
    password_browser = StaffBrowser(app)
    password_browser.sign_in(people.staff(Role.ADMIN).email, PASSWORD)
    with time_machine.travel(clock.now() + PROOF_LIFETIME + timedelta(seconds=1)):
        options = strict_browser.request_options("/auth/prove/passkey/question", "/auth/prove")
        fields = {"credential": key.get(options), "next": "/auth/account"}
        response = strict_browser.post_form("/auth/prove/passkey", "/auth/prove", **fields)
        assert (response.status_code, response.location) == (303, "/auth/account")
        response = password_browser.submit_form("/auth/prove", "prove-form", password="wrong")
        assert response.status_code == 422
        response = password_browser.submit_form("/auth/prove", "prove-form", password=PASSWORD)
        assert response.location == "/admin/"


class TestPasskeys:
    def add_passkey(self, strict_browser: StaffBrowser, name: str) -> None:
        options = strict_browser.request_options("/auth/account/passkeys/question", "/auth/account")
        key = create_authenticator(strict_browser.client.application)
        response = strict_browser.submit_form(
            "/auth/account", "new-passkey", credential=key.create(options), name=name
        )
        assert response.location == "/auth/account"

    def passkey_ids(self, strict_browser: StaffBrowser) -> list[str]:
        page = strict_browser.get_page("/auth/account")
        return [row["id"] for row in page.all("tr") if row.get("id", "").startswith("pky_")]

    def test_passkeys_are_added_renamed_and_removed(
        self, strict_browser: StaffBrowser, member: Member, database: Database
    ) -> None:
        strict_browser.sign_in_by_app(member)
        self.add_passkey(strict_browser, "Blue  key")
        self.add_passkey(strict_browser, "Phone")
        first, second = self.passkey_ids(strict_browser)
        page = strict_browser.get_page("/auth/account")
        assert page.all("input", id=f"rename-{first}-name")[0]["value"] == "Blue key"
        strict_browser.submit_form("/auth/account", f"rename-{first}", name="Red key")
        refused = strict_browser.submit_form("/auth/account", f"rename-{first}", name=" ")
        assert refused.status_code == 422
        page = check_page(refused)
        assert "Enter a name." in page.visible_text
        # The other row is as it was.
        names = {row: page.all("input", id=f"rename-{row}-name")[0] for row in (first, second)}
        assert [names[row].get("aria-invalid") for row in (first, second)] == ["true", None]
        assert names[second]["value"] == "Phone"
        tokens = {page.hidden_fields[f"rename-{row}"]["form_token"] for row in (first, second)}
        assert len(tokens) == 2
        assert strict_browser.client.get(f"/auth/account/passkeys/{first}/name").location == (
            "/auth/account"
        )
        page = strict_browser.get_page("/auth/account")
        assert page.all("input", id=f"rename-{first}-name")[0]["value"] == "Red key"
        strict_browser.submit_form("/auth/account", f"remove-{second}")
        assert self.passkey_ids(strict_browser) == [first]
        with database.reading() as session:
            staged = session.rows(
                "SELECT args->>'kind' FROM outbox WHERE args->>'user_id' = %s",
                (str(member.actor.user_id),),
            )
        assert [kind for (kind,) in staged].count("passkey_added") == 2
        assert [kind for (kind,) in staged].count("passkey_removed") == 1

    def test_removal_that_waits_for_a_proof_is_shown_in_its_row_only(
        self, strict_browser: StaffBrowser, member: Member
    ) -> None:
        strict_browser.sign_in_by_app(member)
        self.add_passkey(strict_browser, "Blue key")
        self.add_passkey(strict_browser, "Phone")
        first, second = self.passkey_ids(strict_browser)
        with time_machine.travel(clock.now() + PROOF_LIFETIME + timedelta(seconds=1)):
            assert strict_browser.submit_form(
                "/auth/account", f"remove-{second}"
            ).location.startswith("/auth/prove")
            page = strict_browser.get_page("/auth/account")
        assert page.visible_text.count("Not sent yet.") == 1
        assert page.all("form", id=f"remove-{second}-discard")
        assert not page.all("form", id=f"remove-{first}-discard")

    def test_passkey_of_another_person_is_not_found(
        self, strict_browser: StaffBrowser, member: Member, database: Database, strict_app: Flask
    ) -> None:
        strict_browser.sign_in_by_app(member)
        self.add_passkey(strict_browser, "Mine")
        [passkey_id] = self.passkey_ids(strict_browser)
        other = StaffBrowser(strict_app)
        other.sign_in_by_app(create_member_with_app(database))
        fields = other.fill_form("/auth/account", "password", name="Stolen")
        with database_unchanged(database):
            for action in ("remove", "name"):
                path = f"/auth/account/passkeys/{passkey_id}/{action}"
                assert other.client.post(path, data=fields).status_code == 404

    def test_last_second_factor_cannot_be_removed(
        self, strict_browser: StaffBrowser, people: People, strict_app: Flask, database: Database
    ) -> None:
        strict_browser.enrol_passkey(
            people.staff(Role.ADMIN).email, create_authenticator(strict_app)
        )
        [passkey_id] = self.passkey_ids(strict_browser)
        with database_unchanged(database):
            assert (
                strict_browser.submit_form("/auth/account", f"remove-{passkey_id}").status_code
                == 409
            )

    def test_app_is_turned_off_only_while_there_is_a_passkey(
        self, strict_browser: StaffBrowser, member: Member
    ) -> None:
        strict_browser.sign_in_by_app(member)
        code = member.recovery_codes[0]
        assert strict_browser.submit_form("/auth/account", "app-off", code=code).status_code == 409
        self.add_passkey(strict_browser, "Key")
        assert (
            strict_browser.submit_form("/auth/account", "app-off", code="000000").status_code == 422
        )
        assert (
            strict_browser.submit_form("/auth/account", "app-off", code=code).location
            == "/auth/account"
        )
        assert "Not set up" in strict_browser.get_page("/auth/account").visible_text
        assert strict_browser.submit_form("/auth/account", "app-on").location == "/auth/account/app"
        strict_browser.get_page("/auth/account/app")


class TestSessions:
    def test_sessions_are_listed_and_ended_one_by_one_or_all_others(
        self, strict_browser: StaffBrowser, member: Member, database: Database, strict_app: Flask
    ) -> None:
        others = [StaffBrowser(strict_app) for _ in range(3)]
        agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        for index, other in enumerate(others):
            other.client.environ_base["HTTP_USER_AGENT"] = agent
            other.sign_in_by_app(member, member.recovery_codes[index])
        strict_browser.sign_in_by_app(member)
        page = strict_browser.get_page("/auth/account")
        # In the table, for the button of each row, and in its dialog.
        assert page.visible_text.count("Firefox on Linux") == 9
        assert page.visible_text.count("This session") == 1
        end_forms = [form["id"] for form in page.all("form") if form["id"].startswith("end-ses_")]
        assert len(end_forms) == 3
        assert strict_browser.submit_form("/auth/account", end_forms[0]).location == "/auth/account"
        assert session_end_reasons(database, member).count("logged_out") == 1
        assert strict_browser.submit_form("/auth/account", "end-others").location == "/auth/account"
        assert sorted(str(reason) for reason in session_end_reasons(database, member)) == [
            "None", "logged_out", "logged_out", "logged_out"
        ]  # fmt: skip
        for other in others:
            assert other.client.get("/auth/account").location.startswith("/auth/login")
        strict_browser.get_page("/auth/account")

    def test_session_of_another_person_is_not_found(
        self, strict_browser: StaffBrowser, member: Member, database: Database, strict_app: Flask
    ) -> None:
        victim = StaffBrowser(strict_app)
        victim.sign_in_by_app(create_member_with_app(database))
        with database.reading() as session:
            [(newest_id,)] = session.rows("SELECT id FROM login_sessions ORDER BY id DESC LIMIT 1")
        strict_browser.sign_in_by_app(member)
        fields = strict_browser.fill_form("/auth/account", "password")
        path = f"/auth/account/sessions/{ids.encode('ses', newest_id)}/end"
        assert strict_browser.client.post(path, data=fields).status_code == 404
        victim.get_page("/auth/account")
