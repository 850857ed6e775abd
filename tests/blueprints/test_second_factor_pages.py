"""Signing in by steps where a second factor is needed: app, recovery code, passkey, enrolment."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from app.access import Role
from app.identity.sign_in.pending_sign_in import LIFETIME
from app.kit.db import Database
from tests.page_client import check_page
from tests.people import PASSWORD, People
from tests.staff import Member, StaffBrowser, create_authenticator, create_member_with_app
from tests.unchanged_database import database_unchanged

AFTERNOON = datetime(2026, 11, 23, 15, tzinfo=UTC)


@pytest.fixture
def browser(strict_app: Flask) -> StaffBrowser:
    return StaffBrowser(strict_app)


@pytest.fixture
def member(database: Database) -> Member:
    return create_member_with_app(database)


def is_in(browser: StaffBrowser) -> bool:
    return browser.client.get("/admin/").status_code == 200


class TestTheApp:
    def test_signs_in_with_the_password(self, browser: StaffBrowser, member: Member) -> None:
        answer = browser.sign_in(member.email, PASSWORD, then="/admin/?a=b")
        assert (answer.status_code, answer.location) == (303, "/auth/second-factor")
        assert not is_in(browser)
        answer = browser.submit_form("/auth/second-factor", "second-factor", code=member.code())
        assert (answer.status_code, answer.location) == (303, "/admin/?a=b")
        assert is_in(browser)

    def test_is_asked_in_the_sample_profile_too_once_it_is_set_up(
        self, app: Flask, member: Member
    ) -> None:
        assert StaffBrowser(app).sign_in_by_app(member).location == "/admin/"

    def test_counts_a_code_once(self, strict_app: Flask, member: Member) -> None:
        code = member.code()
        assert StaffBrowser(strict_app).sign_in_by_app(member, code).status_code == 303
        second = StaffBrowser(strict_app)
        answer = second.sign_in_by_app(member, code)
        assert answer.status_code == 422
        assert "already used" in check_page(answer).visible_text
        assert not is_in(second)

    def test_may_be_replaced_by_a_recovery_code_once(
        self, strict_app: Flask, member: Member
    ) -> None:
        code = member.recovery_codes[0]
        assert StaffBrowser(strict_app).sign_in_by_app(member, code).status_code == 303
        second = StaffBrowser(strict_app)
        assert second.sign_in_by_app(member, code).status_code == 422
        assert not is_in(second)
        other = member.recovery_codes[1].lower().replace("-", " ")
        assert StaffBrowser(strict_app).sign_in_by_app(member, other).status_code == 303

    @pytest.mark.parametrize("code", ["", "000000", "12345", "１２３４５６", "x" * 5000, "\x00"])
    def test_refuses_what_is_no_code(
        self, browser: StaffBrowser, member: Member, code: str
    ) -> None:
        browser.sign_in(member.email, PASSWORD)
        answer = browser.submit_form("/auth/second-factor", "second-factor", code=code)
        assert answer.status_code == 422
        check_page(answer)
        assert not is_in(browser)

    def test_guesses_are_limited_wherever_they_come_from(
        self, strict_app: Flask, member: Member
    ) -> None:
        refused = [
            StaffBrowser(strict_app).sign_in_by_app(member, f"{guess:06}").status_code
            for guess in range(11)
        ]
        assert refused == [422] * 10 + [429]
        # It cannot lock a person out for long: attempts during the wait do not extend it.
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16)):
            assert StaffBrowser(strict_app).sign_in_by_app(member).status_code == 303


class TestTheHalfDoneSignIn:
    def test_opens_nothing(self, browser: StaffBrowser, member: Member, strict_app: Flask) -> None:
        browser.sign_in(member.email, PASSWORD)
        for rule in strict_app.url_map.iter_rules():
            if getattr(strict_app.view_functions[rule.endpoint], "permission", None) is None:
                continue
            if "GET" in (rule.methods or ()) and not rule.arguments:
                answer = browser.client.get(rule.rule)
                assert answer.status_code in {303, 401}, rule.rule
                assert answer.status_code == 401 or answer.location.startswith("/auth/login")

    def test_lasts_ten_minutes(self, browser: StaffBrowser, member: Member) -> None:
        with time_machine.travel(AFTERNOON, tick=False) as traveller:
            browser.sign_in(member.email, PASSWORD)
            token = browser.csrf_token("/auth/second-factor")
            traveller.shift(LIFETIME)
            fields = {"csrf_token": token, "code": member.code()}
            answer = browser.client.post("/auth/second-factor", data=fields)
            assert answer.status_code == 422
            assert "took too long" in check_page(answer).visible_text
        assert not is_in(browser)

    def test_belongs_to_one_browser(
        self, browser: StaffBrowser, member: Member, strict_app: Flask
    ) -> None:
        browser.sign_in(member.email, PASSWORD)
        other = StaffBrowser(strict_app)
        answer = other.post_form("/auth/second-factor", code=member.code())
        assert answer.status_code == 422
        assert not is_in(other)

    def test_takes_no_word_of_a_form_for_who_signs_in(
        self, browser: StaffBrowser, member: Member, database: Database
    ) -> None:
        victim = create_member_with_app(database)
        browser.sign_in(member.email, PASSWORD)
        fields = {"email": victim.email, "user_id": str(victim.actor.user_id)}
        answer = browser.submit_form(
            "/auth/second-factor", "second-factor", code=victim.code(), **fields
        )
        assert answer.status_code == 422
        browser.submit_form("/auth/second-factor", "second-factor", code=member.code(), **fields)
        assert member.email in browser.get_page("/admin/").visible_text

    def test_ends_with_its_use(self, browser: StaffBrowser, member: Member) -> None:
        browser.sign_in(member.email, PASSWORD)
        stolen = browser.session_cookie()
        browser.submit_form("/auth/second-factor", "second-factor", code=member.code())
        browser.client.set_cookie("pbcex", stolen)
        answer = browser.client.get("/auth/second-factor")
        assert (answer.status_code, answer.location) == (303, "/auth/login")

    def test_ends_when_the_password_changes_or_the_person_is_suspended(
        self, browser: StaffBrowser, member: Member, database: Database
    ) -> None:
        browser.sign_in(member.email, PASSWORD)
        with database.transaction() as session:
            session.send("UPDATE users SET status = 'suspended' WHERE email = %s", (member.email,))
        assert browser.client.get("/auth/second-factor").location == "/auth/login"


class TestPasskeys:
    def test_stand_alone(
        self, browser: StaffBrowser, people: People, strict_app: Flask, database: Database
    ) -> None:
        email, key = people.staff(Role.ADMIN).email, create_authenticator(strict_app)
        answer = browser.enrol_passkey(email, key)
        assert (answer.status_code, answer.location) == (303, "/admin/")
        other = StaffBrowser(strict_app)
        answer = other.sign_in_by_passkey(key)
        assert (answer.status_code, answer.location) == (303, "/admin/")
        assert is_in(other)

    def test_are_the_second_step_of_those_without_an_app(
        self, browser: StaffBrowser, people: People, strict_app: Flask
    ) -> None:
        email, key = people.staff(Role.ADMIN).email, create_authenticator(strict_app)
        browser.enrol_passkey(email, key)
        other = StaffBrowser(strict_app)
        assert other.sign_in(email, PASSWORD).location == "/auth/second-factor"
        page = other.get_page("/auth/second-factor")
        assert page.all("form", id="second-factor") == []
        assert other.post_form("/auth/second-factor", code="123456").status_code == 422
        options = other.request_options("/auth/passkey/question", "/auth/second-factor")
        fields = {"credential": key.get(options)}
        assert other.post_form("/auth/passkey", "/auth/second-factor", **fields).status_code == 303

    @pytest.mark.parametrize(
        "lies",
        [
            {"origin": "https://evil.example"},
            {"origin": "http://localhost:4001.evil.example"},
            {"party": "evil.example"},
            {"challenge": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
            {"type": "webauthn.create"},
            {"signature": b"0E\x02"},
            {"user_handle": b"another person"},
            {"count": 5},
        ],
        ids="-".join,
    )
    def test_that_lie_are_refused(
        self, browser: StaffBrowser, people: People, strict_app: Flask, lies: dict[str, Any]
    ) -> None:
        email, key = people.staff(Role.ADMIN).email, create_authenticator(strict_app)
        key.count = 5
        browser.enrol_passkey(email, key)
        other = StaffBrowser(strict_app)
        answer = other.sign_in_by_passkey(key, **lies)
        assert answer.status_code == 422
        assert "was not accepted" in check_page(answer).visible_text
        assert not is_in(other)
        if "count" not in lies:
            assert other.sign_in_by_passkey(key).status_code == 303

    def test_without_user_verification_are_refused(
        self, browser: StaffBrowser, people: People, strict_app: Flask
    ) -> None:
        email, key = people.staff(Role.ADMIN).email, create_authenticator(strict_app)
        key.verifies_user = False
        assert browser.enrol_passkey(email, key).status_code == 422
        assert not is_in(browser)
        key.verifies_user = True
        options = browser.request_options("/auth/enrol/passkey/question", "/auth/enrol")
        fields = {"credential": key.create(options), "name": "My key"}
        assert browser.post_form("/auth/enrol/passkey", "/auth/enrol", **fields).status_code == 303
        key.verifies_user = False
        assert StaffBrowser(strict_app).sign_in_by_passkey(key).status_code == 422

    def test_answers_work_once_and_only_where_they_were_asked_for(
        self, browser: StaffBrowser, people: People, strict_app: Flask
    ) -> None:
        email, key = people.staff(Role.ADMIN).email, create_authenticator(strict_app)
        browser.enrol_passkey(email, key)
        first, second = StaffBrowser(strict_app), StaffBrowser(strict_app)
        options = first.request_options("/auth/passkey/question")
        cookie = first.session_cookie()
        answer = key.get(options)
        assert second.post_form("/auth/passkey", credential=answer).status_code == 422
        assert first.post_form("/auth/passkey", credential=answer).status_code == 303
        # With the cookie of that very moment, and a token that belongs to it.
        first.client.set_cookie("pbcex", cookie)
        assert first.post_form("/auth/passkey", credential=answer).status_code == 422
        assert not is_in(first)

    def test_questions_are_used_up_by_a_wrong_answer_and_by_time(
        self, browser: StaffBrowser, people: People, strict_app: Flask
    ) -> None:
        email, key = people.staff(Role.ADMIN).email, create_authenticator(strict_app)
        browser.enrol_passkey(email, key)
        other = StaffBrowser(strict_app)
        options = other.request_options("/auth/passkey/question")
        cookie = other.session_cookie()
        assert other.post_form("/auth/passkey", credential="{}").status_code == 422
        other.client.set_cookie("pbcex", cookie)
        assert other.post_form("/auth/passkey", credential=key.get(options)).status_code == 422
        with time_machine.travel(AFTERNOON, tick=False) as traveller:
            options = other.request_options("/auth/passkey/question")
            traveller.shift(timedelta(minutes=5))
            assert other.post_form("/auth/passkey", credential=key.get(options)).status_code == 422

    def test_an_answer_to_one_question_is_none_to_another(
        self, browser: StaffBrowser, people: People, strict_app: Flask
    ) -> None:
        email, key = people.staff(Role.ADMIN).email, create_authenticator(strict_app)
        browser.enrol_passkey(email, key)
        options = browser.request_options("/auth/prove/passkey/question", "/admin/")
        fields = {"credential": key.get(options)}
        assert browser.post_form("/auth/passkey", "/admin/", **fields).status_code == 422

    @pytest.mark.parametrize(
        "answer",
        ["", "{}", "[]", "null", "{", '{"id": 1}', "x" * 40_000, '{"id":"a","rawId":"a"}',
         ('{"id":"YQ","rawId":"YQ","type":"public-key","response":{"clientDataJSON":"YQ",'
          '"authenticatorData":"YQ","signature":"YQ","userHandle":"YQ"}}'),
         '{"id":"\\ud800","rawId":"\\ud800","type":"public-key","response":{}}'],
    )  # fmt: skip
    def test_garbage_is_refused(self, browser: StaffBrowser, answer: str) -> None:
        browser.request_options("/auth/passkey/question")
        refused = browser.post_form("/auth/passkey", credential=answer)
        assert refused.status_code == 422
        check_page(refused)

    def test_of_the_suspended_open_nothing(
        self, browser: StaffBrowser, people: People, strict_app: Flask, database: Database
    ) -> None:
        email, key = people.staff(Role.ADMIN).email, create_authenticator(strict_app)
        browser.enrol_passkey(email, key)
        with database.transaction() as session:
            session.send("UPDATE users SET status = 'suspended' WHERE email = %s", (email,))
        other = StaffBrowser(strict_app)
        assert other.sign_in_by_passkey(key).status_code == 403
        assert not is_in(other)


class TestEnrolment:
    @pytest.mark.parametrize("role", [role for role in Role if role is not Role.USER])
    def test_is_forced_on_every_role_of_staff(
        self, browser: StaffBrowser, people: People, role: Role
    ) -> None:
        email = people.staff(role).email
        assert browser.sign_in(email, PASSWORD).location == "/auth/second-factor"
        assert browser.client.get("/auth/second-factor").location == "/auth/enrol"
        assert browser.client.get("/auth/account").location.startswith("/auth/login")

    def test_by_an_app_shows_secret_and_recovery_codes_once(
        self, browser: StaffBrowser, people: People
    ) -> None:
        actor = people.staff(Role.AUDITOR)
        browser.sign_in(actor.email, PASSWORD)
        assert browser.submit_form("/auth/enrol", "enrol-app").location == "/auth/enrol/app"
        page = browser.get_page("/auth/enrol/app")
        secret = page.visible_text.split("Secret: ")[1].split()[0]
        assert browser.get_page("/auth/enrol/app").visible_text.count(secret) == 1
        wrong = browser.submit_form("/auth/enrol/app", "app-form", code="000000")
        assert wrong.status_code == 422
        assert secret in check_page(wrong).visible_text
        member = Member(actor, secret)
        answer = browser.submit_form("/auth/enrol/app", "app-form", code=member.code(0))
        assert answer.status_code == 200
        told = [word for word in check_page(answer).visible_text.split() if word.count("-") == 3]
        assert len(told) == len(set(told)) == 10
        assert is_in(browser)
        assert browser.client.get("/auth/enrol/app").status_code == 303
        # Both work afterwards.
        app = browser.client.application
        assert StaffBrowser(app).sign_in_by_app(member, told[3]).status_code == 303
        assert StaffBrowser(app).sign_in_by_app(member).status_code == 303

    def test_is_not_open_to_those_who_have_one(
        self, browser: StaffBrowser, member: Member, strict_app: Flask, database: Database
    ) -> None:
        """Who knows the password alone must not add a factor of their own."""
        browser.sign_in(member.email, PASSWORD)
        token = browser.csrf_token("/auth/second-factor")
        with database_unchanged(database):
            for path in ("/auth/enrol/app", "/auth/enrol/app/code", "/auth/enrol/passkey"):
                answer = browser.client.post(path, data={"csrf_token": token, "code": "123456"})
                assert answer.status_code == 422, path
            answer = browser.client.post(
                "/auth/enrol/passkey/question", headers={"X-CSRFToken": token}
            )
            assert answer.status_code == 422
        assert browser.client.get("/auth/enrol").location == "/auth/login"

    def test_a_passkey_answer_made_for_another_is_refused(
        self, browser: StaffBrowser, people: People, strict_app: Flask
    ) -> None:
        key, victim = create_authenticator(strict_app), StaffBrowser(strict_app)
        victim.sign_in(people.staff(Role.ADMIN).email, PASSWORD)
        options = victim.request_options("/auth/enrol/passkey/question", "/auth/enrol")
        browser.sign_in(people.staff(Role.ADMIN).email, PASSWORD)
        fields = {"credential": key.create(options), "name": "Mine"}
        answer = browser.post_form("/auth/enrol/passkey", "/auth/enrol", **fields)
        assert answer.status_code == 422
        assert not is_in(browser)


class TestTheApi:
    def login(self, app: Flask, **body: str) -> Any:
        client = StaffBrowser(app).client
        return client.post("/api/auth/login", json=body)

    def test_is_no_way_around_the_second_factor(
        self, strict_app: Flask, people: People, member: Member
    ) -> None:
        bare = people.staff(Role.ADMIN).email
        for code in ({}, {"code": "123456"}):
            answer = self.login(strict_app, email=bare, password=PASSWORD, **code)
            assert (answer.status_code, answer.json["code"]) == (403, "second_factor_missing")
        answer = self.login(strict_app, email=member.email, password=PASSWORD)
        assert (answer.status_code, answer.json["code"]) == (401, "two_factor_required")
        code = member.code()
        answer = self.login(strict_app, email=member.email, password=PASSWORD, code=code)
        assert answer.status_code == 200
        answer = self.login(strict_app, email=member.email, password=PASSWORD, code=code)
        assert (answer.status_code, answer.json["code"]) == (401, "two_factor_invalid")

    def test_of_the_sample_profile_takes_the_password_alone(
        self, app: Flask, people: People
    ) -> None:
        answer = self.login(app, email=people.staff(Role.ADMIN).email, password=PASSWORD)
        assert answer.status_code == 200
