"""One's own account: step-up, passkeys, the app, sessions; and inviting people."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app.access import Role
from app.identity.credentials import one_time_tokens
from app.identity.credentials.one_time_tokens import LinkPurpose
from app.identity.sign_in.staff_sessions import PROOF_LIFETIME
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
def later(browser: StaffBrowser, member: Member) -> Iterator[None]:
    """The member signed in, and the proof of it is old."""
    browser.sign_in_by_app(member)
    with time_machine.travel(clock.now() + PROOF_LIFETIME + timedelta(seconds=1)):
        yield


def sessions_of(database: Database, member: Member) -> list[str | None]:
    with database.reading() as session:
        rows = session.rows(
            "SELECT revoked_reason FROM login_sessions WHERE user_id = %s ORDER BY id",
            (member.actor.user_id,),
        )
    return [reason for (reason,) in rows]


@pytest.mark.usefixtures("later")
class TestStepUp:
    def test_is_asked_for_before_a_sensitive_act_and_leads_back(
        self, browser: StaffBrowser, member: Member, database: Database
    ) -> None:
        token, before = browser.csrf_token("/auth/account"), browser.session_cookie()
        fields = {"csrf_token": token, "code": member.code()}
        referer = {"Referer": "http://localhost/auth/account"}
        with database_unchanged(database):
            answer = browser.client.post("/auth/account/app/off", data=fields, headers=referer)
        assert answer.location == "/auth/prove?next=/auth/account"
        assert browser.client.get("/auth/account/app").location == (
            "/auth/prove?next=/auth/account/app"
        )
        browser.get_page("/auth/prove?next=/auth/account")
        answer = browser.submit_form(
            "/auth/prove", "prove-form", code=member.code(0), next="/auth/account"
        )
        assert (answer.status_code, answer.location) == (303, "/auth/account")
        assert browser.client.get("/auth/account/app").location == "/auth/account"
        # The secret of before the proof opens nothing any more, and it is the same session.
        old = Browser(browser.client.application)
        old.client.set_cookie("pbcex", before)
        assert old.client.get("/auth/account").location.startswith("/auth/login")
        assert sessions_of(database, member) == [None]

    def test_is_asked_for_before_recovery_codes(
        self, browser: StaffBrowser, member: Member, database: Database
    ) -> None:
        fields = {
            "csrf_token": browser.csrf_token("/auth/account"),
            "code": member.recovery_codes[0],
        }
        with database_unchanged(database):
            answer = browser.client.post("/auth/account/app/recovery-codes", data=fields)
        assert answer.location.startswith("/auth/prove")

    @pytest.mark.parametrize("then", ["https://evil.example/", "//evil.example", "/\\evil", "x"])
    def test_leads_nowhere_else(self, browser: StaffBrowser, member: Member, then: str) -> None:
        answer = browser.submit_form("/auth/prove", "prove-form", code=member.code(0), next=then)
        assert answer.location == "/admin/"

    def test_is_told_to_htmx_and_to_scripts(self, browser: StaffBrowser) -> None:
        token = browser.csrf_token("/auth/account")
        answer = browser.client.post(
            "/auth/account/passkeys/question",
            headers={
                "X-CSRFToken": token,
                "HX-Request": "true",
                "HX-Current-URL": "http://localhost/auth/account",
            },
        )
        assert answer.status_code == 401
        assert answer.headers["HX-Redirect"] == "/auth/prove?next=/auth/account"

    def test_takes_no_wrong_code_and_no_password(
        self, browser: StaffBrowser, member: Member
    ) -> None:
        for fields in ({"code": "000000"}, {"password": PASSWORD}, {"code": ""}):
            answer = browser.submit_form("/auth/prove", "prove-form", **fields)
            assert answer.status_code == 422
            check_page(answer)
        assert browser.client.get("/auth/account/app").location.startswith("/auth/prove")

    def test_takes_no_passkey_of_another(
        self, browser: StaffBrowser, people: People, strict_app: Flask
    ) -> None:
        key = create_authenticator(strict_app)
        StaffBrowser(strict_app).enrol_passkey(people.staff(Role.ADMIN).email, key)
        options = browser.request_options("/auth/prove/passkey/question", "/auth/prove")
        fields = {"credential": key.get(options)}
        answer = browser.post_form("/auth/prove/passkey", "/auth/prove", **fields)
        assert answer.status_code == 422
        assert browser.client.get("/auth/account/app").location.startswith("/auth/prove")

    def test_guesses_are_counted(self, browser: StaffBrowser) -> None:
        refused = [
            browser.submit_form("/auth/prove", "prove-form", code=f"{guess:06}").status_code
            for guess in range(6)
        ]
        assert refused == [422] * 5 + [429]


def test_recovery_codes_are_replaced(
    browser: StaffBrowser, member: Member, strict_app: Flask, database: Database
) -> None:
    browser.sign_in_by_app(member)
    old = member.recovery_codes
    with database_unchanged(database):
        nothing = browser.submit_form("/auth/account", "app-codes", code="")
    assert nothing.status_code == 422
    assert "Enter a code" in check_page(nothing).visible_text
    wrong = browser.submit_form("/auth/account", "app-codes", code="ABCDEF-ABCDEF-ABCDEF-ABCDEF")
    assert (wrong.status_code, "The code is wrong" in check_page(wrong).visible_text) == (422, True)
    answer = browser.submit_form("/auth/account", "app-codes", code=old[0])
    assert answer.status_code == 200
    shown = re.findall(r"<li><code>([A-Z2-7-]+)</code></li>", answer.text)
    assert len(set(shown) - set(old)) == 10
    assert "10 recovery codes left" in browser.get_page("/auth/account").visible_text
    other = StaffBrowser(strict_app)
    assert other.sign_in_by_app(member, old[1]).status_code == 422
    assert (
        other.submit_form("/auth/second-factor", "second-factor", code=shown[0]).status_code == 303
    )


def test_step_up_by_passkey_and_by_password(strict_app: Flask, app: Flask, people: People) -> None:
    key, browser = create_authenticator(strict_app), StaffBrowser(strict_app)
    browser.enrol_passkey(people.staff(Role.ADMIN).email, key)
    bare = StaffBrowser(app)
    bare.sign_in(people.staff(Role.ADMIN).email, PASSWORD)
    with time_machine.travel(clock.now() + PROOF_LIFETIME + timedelta(seconds=1)):
        options = browser.request_options("/auth/prove/passkey/question", "/auth/prove")
        fields = {"credential": key.get(options), "next": "/auth/account"}
        answer = browser.post_form("/auth/prove/passkey", "/auth/prove", **fields)
        assert (answer.status_code, answer.location) == (303, "/auth/account")
        assert bare.submit_form("/auth/prove", "prove-form", password="wrong").status_code == 422
        assert (
            bare.submit_form("/auth/prove", "prove-form", password=PASSWORD).location == "/admin/"
        )


class TestPasskeys:
    def add(self, browser: StaffBrowser, name: str) -> None:
        options = browser.request_options("/auth/account/passkeys/question", "/auth/account")
        key = create_authenticator(browser.client.application)
        fields = {"credential": key.create(options), "name": name}
        answer = browser.post_form("/auth/account/passkeys", "/auth/account", **fields)
        assert answer.location == "/auth/account"

    def ids_in(self, browser: StaffBrowser) -> list[str]:
        page = browser.get_page("/auth/account")
        return [row["id"] for row in page.all("tr") if row.get("id", "").startswith("pky_")]

    def test_are_added_renamed_and_removed(
        self, browser: StaffBrowser, member: Member, database: Database
    ) -> None:
        browser.sign_in_by_app(member)
        self.add(browser, "Blue  key")
        self.add(browser, "Phone")
        first, second = self.ids_in(browser)
        page = browser.get_page("/auth/account")
        assert page.all("input", id=f"{first}-name")[0]["value"] == "Blue key"
        browser.submit_form("/auth/account", f"rename-{first}", name="Red key")
        assert browser.submit_form("/auth/account", f"rename-{first}", name=" ").status_code == 422
        page = browser.get_page("/auth/account")
        assert page.all("input", id=f"{first}-name")[0]["value"] == "Red key"
        browser.submit_form("/auth/account", f"remove-{second}")
        assert self.ids_in(browser) == [first]
        with database.reading() as session:
            staged = session.rows(
                "SELECT args->>'kind' FROM outbox WHERE args->>'user_id' = %s",
                (str(member.actor.user_id),),
            )
        assert [kind for (kind,) in staged].count("passkey_added") == 2
        assert [kind for (kind,) in staged].count("passkey_removed") == 1

    def test_of_others_are_not_there(
        self, browser: StaffBrowser, member: Member, database: Database, strict_app: Flask
    ) -> None:
        browser.sign_in_by_app(member)
        self.add(browser, "Mine")
        [mine] = self.ids_in(browser)
        other = StaffBrowser(strict_app)
        other.sign_in_by_app(create_member_with_app(database))
        token = other.csrf_token("/auth/account")
        with database_unchanged(database):
            for act in ("remove", "name"):
                path = f"/auth/account/passkeys/{mine}/{act}"
                fields = {"csrf_token": token, "name": "Stolen"}
                assert other.client.post(path, data=fields).status_code == 404

    def test_the_last_factor_stays(
        self, browser: StaffBrowser, people: People, strict_app: Flask, database: Database
    ) -> None:
        browser.enrol_passkey(people.staff(Role.ADMIN).email, create_authenticator(strict_app))
        [only] = self.ids_in(browser)
        with database_unchanged(database):
            assert browser.submit_form("/auth/account", f"remove-{only}").status_code == 409

    def test_the_app_can_be_switched_off_only_beside_a_passkey(
        self, browser: StaffBrowser, member: Member
    ) -> None:
        browser.sign_in_by_app(member)
        code = member.recovery_codes[0]
        assert browser.submit_form("/auth/account", "app-off", code=code).status_code == 409
        self.add(browser, "Key")
        assert browser.submit_form("/auth/account", "app-off", code="000000").status_code == 422
        assert (
            browser.submit_form("/auth/account", "app-off", code=code).location == "/auth/account"
        )
        assert "Not set up" in browser.get_page("/auth/account").visible_text
        assert browser.submit_form("/auth/account", "app-on").location == "/auth/account/app"
        browser.get_page("/auth/account/app")


class TestSessions:
    def test_are_listed_and_ended(
        self, browser: StaffBrowser, member: Member, database: Database, strict_app: Flask
    ) -> None:
        others = [StaffBrowser(strict_app) for _ in range(3)]
        agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        for at, other in enumerate(others):
            other.client.environ_base["HTTP_USER_AGENT"] = agent
            other.sign_in_by_app(member, member.recovery_codes[at])
        browser.sign_in_by_app(member)
        page = browser.get_page("/auth/account")
        assert page.visible_text.count("Firefox on Linux") == 6
        assert page.visible_text.count("This session") == 1
        ends = [form["id"] for form in page.all("form") if form["id"].startswith("end-ses_")]
        assert len(ends) == 3
        assert browser.submit_form("/auth/account", ends[0]).location == "/auth/account"
        assert sessions_of(database, member).count("logged_out") == 1
        assert browser.submit_form("/auth/account", "end-others").location == "/auth/account"
        assert sorted(str(each) for each in sessions_of(database, member)) == [
            "None", "logged_out", "logged_out", "logged_out"
        ]  # fmt: skip
        for other in others:
            assert other.client.get("/auth/account").location.startswith("/auth/login")
        browser.get_page("/auth/account")

    def test_of_others_are_not_there(
        self, browser: StaffBrowser, member: Member, database: Database, strict_app: Flask
    ) -> None:
        victim = StaffBrowser(strict_app)
        victim.sign_in_by_app(create_member_with_app(database))
        with database.reading() as session:
            [(newest,)] = session.rows("SELECT id FROM login_sessions ORDER BY id DESC LIMIT 1")
        browser.sign_in_by_app(member)
        token = browser.csrf_token("/auth/account")
        path = f"/auth/account/sessions/{ids.encode('ses', newest)}/end"
        assert browser.client.post(path, data={"csrf_token": token}).status_code == 404
        victim.get_page("/auth/account")


class TestInvitations:
    def invite(self, browser: StaffBrowser, role: str = "AUDITOR") -> str:
        email = f"{ids.new().hex}@example.com"
        answer = browser.submit_form(
            "/admin/staff", "invite", email=email, first_name="Ada", last_name="King", role=role
        )
        assert answer.location == "/admin/staff", answer.status_code
        return email

    def token_of(self, database: Database, email: str) -> str:
        """What the mail's link carries, as the job that sends it makes it."""
        with database.reading() as session:
            row = session.row(
                "SELECT t.id FROM one_time_tokens t JOIN users u ON u.id = t.user_id"
                " WHERE u.email = %s AND t.purpose = 'invitation' ORDER BY t.id DESC LIMIT 1",
                (email,),
            )
            assert row is not None
            token = one_time_tokens.rebuild_token(session, row[0])
        assert token is not None
        return token

    def test_lead_to_a_password_and_a_second_factor(
        self, browser: StaffBrowser, member: Member, database: Database, strict_app: Flask
    ) -> None:
        browser.sign_in_by_app(member)
        email = self.invite(browser)
        assert email in browser.get_page("/admin/staff").visible_text
        token = self.token_of(database, email)
        guest = StaffBrowser(strict_app)
        assert guest.sign_in(email, "invited, and no password chosen yet").status_code == 422
        path = f"/auth/invitation?token={token}"
        weak = guest.submit_form(path, "invitation-form", token=token, password="password12")
        assert weak.status_code == 422
        check_page(weak)
        answer = guest.submit_form(path, "invitation-form", token=token, password=PASSWORD)
        assert (answer.status_code, answer.location) == (303, "/auth/second-factor")
        assert guest.client.get("/auth/second-factor").location == "/auth/enrol"
        assert guest.client.get("/auth/account").location.startswith("/auth/login")
        key = create_authenticator(strict_app)
        options = guest.request_options("/auth/enrol/passkey/question", "/auth/enrol")
        fields = {"credential": key.create(options), "name": "Key"}
        guest.post_form("/auth/enrol/passkey", "/auth/enrol", **fields)
        assert email in guest.get_page("/auth/account").visible_text
        assert email not in browser.get_page("/admin/staff").visible_text
        again = StaffBrowser(strict_app).submit_form(
            path, "invitation-form", token=token, password=PASSWORD
        )
        assert again.status_code == 422

    def test_replace_each_other_and_run_out(
        self, browser: StaffBrowser, member: Member, database: Database, strict_app: Flask
    ) -> None:
        browser.sign_in_by_app(member)
        email = self.invite(browser)
        first = self.token_of(database, email)
        page = browser.get_page("/admin/staff")
        with database.reading() as session:
            [(user_id,)] = session.rows("SELECT id FROM users WHERE email = %s", (email,))
        browser.submit_form("/admin/staff", f"again-{ids.encode('usr', user_id)}")
        assert page.visible_text.count(email) == 2
        second, guest = self.token_of(database, email), StaffBrowser(strict_app)
        path = "/auth/invitation"
        answer = guest.submit_form(path, "invitation-form", token=first, password=PASSWORD)
        assert answer.status_code == 422
        with time_machine.travel(clock.now() + one_time_tokens.LIFETIME[LinkPurpose.INVITATION]):
            answer = guest.submit_form(path, "invitation-form", token=second, password=PASSWORD)
            assert answer.status_code == 422

    @pytest.mark.parametrize(
        ("role", "status"), [("ADMIN", 403), ("USER", 403), ("", 422), ("admin", 422)]
    )
    def test_to_some_roles_are_refused(
        self,
        browser: StaffBrowser,
        member: Member,
        database: Database,
        role: str,
        status: int,
    ) -> None:
        browser.sign_in_by_app(member)
        token = browser.csrf_token("/admin/staff")
        fields = {"csrf_token": token, "email": "ada@example.com", "role": role}
        with database_unchanged(database):
            answer = browser.client.post(
                "/admin/staff", data={**fields, "first_name": "A", "last_name": "B"}
            )
        assert answer.status_code == status

    def test_of_somebody_who_has_an_account_say_so(
        self, browser: StaffBrowser, member: Member, database: Database
    ) -> None:
        browser.sign_in_by_app(member)
        fields = {"email": member.email, "first_name": "A", "last_name": "B", "role": "AUDITOR"}
        browser.get_page("/admin/staff")
        with database_unchanged(database):
            answer = browser.submit_form("/admin/staff", "invite", **fields)
        assert answer.status_code == 409
        assert check_page(answer).all("input", id="invite-email")[0]["value"] == member.email

    def test_are_for_those_who_may(self, strict_app: Flask, database: Database) -> None:
        browser = StaffBrowser(strict_app)
        browser.sign_in_by_app(create_member_with_app(database, Role.AUDITOR))
        assert browser.client.get("/admin/staff").status_code == 403
