"""Sign-in with a second factor: app, recovery code and passkey; enrolment; and the API."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from flask import Flask

from app.access import Role
from app.audit.actions import AuditAction
from app.audit.models import AuditRecord
from app.identity.models import Passkey, TotpCredential, User
from app.identity.sign_in.pending_sign_in import LIFETIME
from app.kit import ids
from app.kit.db import Database
from tests.page_client import check_page
from tests.people import PASSWORD, People
from tests.rows import change_rows, delete_rows, read_values
from tests.staff import Member, StaffBrowser, create_authenticator, create_member_with_app
from tests.unchanged_database import database_unchanged

AFTERNOON = datetime(2026, 11, 23, 15, tzinfo=UTC)


def is_signed_in(strict_browser: StaffBrowser) -> bool:
    return strict_browser.client.get("/admin/").status_code == 200


class TestAuthenticatorApp:
    def test_password_and_app_code_sign_in_and_open_the_next_page(
        self, strict_browser: StaffBrowser, member: Member
    ) -> None:
        response = strict_browser.sign_in(member.email, PASSWORD, then="/admin/?a=b")
        assert (response.status_code, response.location) == (303, "/auth/second-factor")
        assert not is_signed_in(strict_browser)
        response = strict_browser.submit_form(
            "/auth/second-factor", "second-factor", code=member.code()
        )
        assert (response.status_code, response.location) == (303, "/admin/?a=b")
        assert is_signed_in(strict_browser)

    def test_sample_profile_needs_the_app_code_once_an_app_is_set_up(
        self, app: Flask, member: Member
    ) -> None:
        assert StaffBrowser(app).sign_in_by_app(member).location == "/admin/"

    def test_app_code_works_once(self, strict_app: Flask, member: Member) -> None:
        code = member.code()
        assert StaffBrowser(strict_app).sign_in_by_app(member, code).status_code == 303
        second = StaffBrowser(strict_app)
        response = second.sign_in_by_app(member, code)
        assert response.status_code == 422
        assert "already used" in check_page(response).visible_text
        assert not is_signed_in(second)

    def test_recovery_code_works_once_in_place_of_the_app_code(
        self, strict_app: Flask, member: Member
    ) -> None:
        code = member.recovery_codes[0]
        assert StaffBrowser(strict_app).sign_in_by_app(member, code).status_code == 303
        second = StaffBrowser(strict_app)
        assert second.sign_in_by_app(member, code).status_code == 422
        assert not is_signed_in(second)
        second_code = member.recovery_codes[1].lower().replace("-", " ")
        assert StaffBrowser(strict_app).sign_in_by_app(member, second_code).status_code == 303

    @pytest.mark.parametrize("code", ["", "000000", "12345", "１２３４５６", "x" * 5000, "\x00"])
    def test_invalid_code_is_refused(
        self, strict_browser: StaffBrowser, member: Member, code: str
    ) -> None:
        strict_browser.sign_in(member.email, PASSWORD)
        response = strict_browser.submit_form("/auth/second-factor", "second-factor", code=code)
        assert response.status_code == 422
        check_page(response)
        assert not is_signed_in(strict_browser)

    def test_wrong_codes_are_limited_per_person_from_all_ip_addresses(
        self, strict_app: Flask, member: Member
    ) -> None:
        statuses = [
            StaffBrowser(strict_app).sign_in_by_app(member, f"{guess:06}").status_code
            for guess in range(11)
        ]
        assert statuses == [422] * 10 + [429]
        # The wait is short: attempts during it do not extend it.
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16)):
            assert StaffBrowser(strict_app).sign_in_by_app(member).status_code == 303


class TestPendingSignIn:
    def test_pending_sign_in_opens_no_page(
        self, strict_browser: StaffBrowser, member: Member, strict_app: Flask
    ) -> None:
        strict_browser.sign_in(member.email, PASSWORD)
        for rule in strict_app.url_map.iter_rules():
            if getattr(strict_app.view_functions[rule.endpoint], "permission", None) is None:
                continue
            if "GET" in (rule.methods or ()) and not rule.arguments:
                response = strict_browser.client.get(rule.rule)
                assert response.status_code in {303, 401}, rule.rule
                assert response.status_code == 401 or response.location.startswith("/auth/login")

    def test_pending_sign_in_expires_after_ten_minutes(
        self, strict_browser: StaffBrowser, member: Member
    ) -> None:
        with time_machine.travel(AFTERNOON, tick=False) as traveller:
            strict_browser.sign_in(member.email, PASSWORD)
            token = strict_browser.csrf_token("/auth/second-factor")
            traveller.shift(LIFETIME)
            fields = {"csrf_token": token, "code": member.code()}
            response = strict_browser.client.post("/auth/second-factor", data=fields)
            assert response.status_code == 422
            assert "took too long" in check_page(response).visible_text
        assert not is_signed_in(strict_browser)

    def test_pending_sign_in_of_another_browser_is_refused(
        self, strict_browser: StaffBrowser, member: Member, strict_app: Flask
    ) -> None:
        strict_browser.sign_in(member.email, PASSWORD)
        other = StaffBrowser(strict_app)
        response = other.post_form("/auth/second-factor", code=member.code())
        assert response.status_code == 422
        assert not is_signed_in(other)

    def test_form_fields_cannot_change_the_person_who_signs_in(
        self, strict_browser: StaffBrowser, member: Member, database: Database
    ) -> None:
        victim = create_member_with_app(database)
        strict_browser.sign_in(member.email, PASSWORD)
        fields = {"email": victim.email, "user_id": str(victim.actor.user_id)}
        response = strict_browser.submit_form(
            "/auth/second-factor", "second-factor", code=victim.code(), **fields
        )
        assert response.status_code == 422
        strict_browser.submit_form(
            "/auth/second-factor", "second-factor", code=member.code(), **fields
        )
        assert member.email in strict_browser.get_page("/admin/").visible_text

    def test_pending_sign_in_ends_when_it_is_used(
        self, strict_browser: StaffBrowser, member: Member
    ) -> None:
        strict_browser.sign_in(member.email, PASSWORD)
        stolen = strict_browser.session_cookie()
        strict_browser.submit_form("/auth/second-factor", "second-factor", code=member.code())
        strict_browser.client.set_cookie("pbcex", stolen)
        response = strict_browser.client.get("/auth/second-factor")
        assert (response.status_code, response.location) == (303, "/auth/login")

    def test_pending_sign_in_ends_when_the_person_is_suspended(
        self, strict_browser: StaffBrowser, member: Member, database: Database
    ) -> None:
        strict_browser.sign_in(member.email, PASSWORD)
        with database.transaction() as session:
            change_rows(session, User, User.email == member.email, status="suspended")
        assert strict_browser.client.get("/auth/second-factor").location == "/auth/login"


class TestPasskeys:
    def test_passkey_alone_signs_in(
        self, strict_browser: StaffBrowser, people: People, strict_app: Flask, database: Database
    ) -> None:
        email, key = people.staff(Role.ADMIN).email, create_authenticator(strict_app)
        response = strict_browser.enrol_passkey(email, key)
        assert (response.status_code, response.location) == (303, "/admin/")
        other = StaffBrowser(strict_app)
        response = other.sign_in_by_passkey(key)
        assert (response.status_code, response.location) == (303, "/admin/")
        assert is_signed_in(other)

    def test_passkey_is_the_second_factor_without_an_app(
        self, strict_browser: StaffBrowser, people: People, strict_app: Flask
    ) -> None:
        email, key = people.staff(Role.ADMIN).email, create_authenticator(strict_app)
        strict_browser.enrol_passkey(email, key)
        other = StaffBrowser(strict_app)
        assert other.sign_in(email, PASSWORD).location == "/auth/second-factor"
        page = other.get_page("/auth/second-factor")
        assert page.all("form", id="second-factor") == []
        assert other.post_form("/auth/second-factor", code="123456").status_code == 422
        options = other.request_options("/auth/passkey/question", "/auth/second-factor")
        fields = {"credential": key.get(options)}
        assert other.post_form("/auth/passkey", "/auth/second-factor", **fields).status_code == 303

    @pytest.mark.parametrize(
        "overrides",
        [
            {"origin": "https://evil.example"},
            {"origin": "http://localhost:4001.evil.example"},
            {"party": "evil.example"},
            {"challenge": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
            {"type": "webauthn.create"},
            {"signature": b"0E\x02"},
            {"user_handle": b"another person"},
            {"count": 5},
            {"count": 9, "is_synced": True},
        ],
        ids="-".join,
    )
    def test_passkey_response_with_a_forged_part_is_refused(
        self,
        strict_browser: StaffBrowser,
        people: People,
        strict_app: Flask,
        overrides: dict[str, Any],
    ) -> None:
        email, key = people.staff(Role.ADMIN).email, create_authenticator(strict_app)
        key.count = 5
        strict_browser.enrol_passkey(email, key)
        other = StaffBrowser(strict_app)
        response = other.sign_in_by_passkey(key, **overrides)
        assert response.status_code == 422
        assert "was not accepted" in check_page(response).visible_text
        assert not is_signed_in(other)
        if "count" not in overrides:
            assert other.sign_in_by_passkey(key).status_code == 303

    @pytest.mark.parametrize(("is_synced", "outcome"), [(True, "done"), (False, "denied")])
    def test_counter_that_goes_back_is_recorded_and_refused_unless_the_passkey_is_synced(
        self,
        strict_browser: StaffBrowser,
        people: People,
        strict_app: Flask,
        database: Database,
        is_synced: bool,
        outcome: str,
    ) -> None:
        admin, key = people.staff(Role.ADMIN), create_authenticator(strict_app)
        key.count, key.is_synced = 5, is_synced
        strict_browser.enrol_passkey(admin.email, key)
        other = StaffBrowser(strict_app)
        other.sign_in_by_passkey(key, count=3)
        assert is_signed_in(other) is is_synced
        with database.reading() as session:
            [passkey_id] = read_values(session, Passkey.id, Passkey.user_id == admin.user_id)
            records = partial(
                read_values,
                session,
                AuditRecord.outcome,
                AuditRecord.subject == ids.encode("pky", passkey_id),
            )
            went_back = records(AuditRecord.action == AuditAction.PASSKEY_COUNTER_WENT_BACK)
            [count] = read_values(session, Passkey.sign_count, Passkey.id == passkey_id)
        assert went_back == [outcome]
        assert count == (3 if is_synced else 5)

    def test_passkey_without_user_verification_is_refused(
        self, strict_browser: StaffBrowser, people: People, strict_app: Flask
    ) -> None:
        email, key = people.staff(Role.ADMIN).email, create_authenticator(strict_app)
        key.verifies_user = False
        assert strict_browser.enrol_passkey(email, key).status_code == 422
        assert not is_signed_in(strict_browser)
        key.verifies_user = True
        options = strict_browser.request_options("/auth/enrol/passkey/question", "/auth/enrol")
        fields = {"credential": key.create(options), "name": "My key"}
        assert (
            strict_browser.post_form("/auth/enrol/passkey", "/auth/enrol", **fields).status_code
            == 303
        )
        key.verifies_user = False
        assert StaffBrowser(strict_app).sign_in_by_passkey(key).status_code == 422

    def test_passkey_response_works_once_and_only_in_its_own_browser(
        self, strict_browser: StaffBrowser, people: People, strict_app: Flask
    ) -> None:
        email, key = people.staff(Role.ADMIN).email, create_authenticator(strict_app)
        strict_browser.enrol_passkey(email, key)
        first, second = StaffBrowser(strict_app), StaffBrowser(strict_app)
        options = first.request_options("/auth/passkey/question")
        cookie = first.session_cookie()
        credential = key.get(options)
        assert second.post_form("/auth/passkey", credential=credential).status_code == 422
        assert first.post_form("/auth/passkey", credential=credential).status_code == 303
        # It is not accepted with the cookie of that moment and its CSRF token either.
        first.client.set_cookie("pbcex", cookie)
        assert first.post_form("/auth/passkey", credential=credential).status_code == 422
        assert not is_signed_in(first)

    def test_passkey_challenge_ends_with_a_wrong_response_and_after_five_minutes(
        self, strict_browser: StaffBrowser, people: People, strict_app: Flask
    ) -> None:
        email, key = people.staff(Role.ADMIN).email, create_authenticator(strict_app)
        strict_browser.enrol_passkey(email, key)
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

    def test_passkey_response_to_a_proof_challenge_does_not_sign_in(
        self, strict_browser: StaffBrowser, people: People, strict_app: Flask
    ) -> None:
        email, key = people.staff(Role.ADMIN).email, create_authenticator(strict_app)
        strict_browser.enrol_passkey(email, key)
        options = strict_browser.request_options("/auth/prove/passkey/question", "/admin/")
        fields = {"credential": key.get(options)}
        assert strict_browser.post_form("/auth/passkey", "/admin/", **fields).status_code == 422

    @pytest.mark.parametrize(
        "credential",
        ["", "{}", "[]", "null", "{", '{"id": 1}', "x" * 40_000, '{"id":"a","rawId":"a"}',
         ('{"id":"YQ","rawId":"YQ","type":"public-key","response":{"clientDataJSON":"YQ",'
          '"authenticatorData":"YQ","signature":"YQ","userHandle":"YQ"}}'),
         '{"id":"\\ud800","rawId":"\\ud800","type":"public-key","response":{}}'],
    )  # fmt: skip
    def test_malformed_passkey_response_is_refused(
        self, strict_browser: StaffBrowser, credential: str
    ) -> None:
        strict_browser.request_options("/auth/passkey/question")
        response = strict_browser.post_form("/auth/passkey", credential=credential)
        assert response.status_code == 422
        check_page(response)

    def test_passkey_of_a_suspended_person_is_refused(
        self, strict_browser: StaffBrowser, people: People, strict_app: Flask, database: Database
    ) -> None:
        email, key = people.staff(Role.ADMIN).email, create_authenticator(strict_app)
        strict_browser.enrol_passkey(email, key)
        with database.transaction() as session:
            change_rows(session, User, User.email == email, status="suspended")
        other = StaffBrowser(strict_app)
        assert other.sign_in_by_passkey(key).status_code == 403
        assert not is_signed_in(other)


class TestEnrolment:
    @pytest.mark.parametrize("role", [role for role in Role if role is not Role.USER])
    def test_every_role_of_staff_must_enrol_a_second_factor(
        self, strict_browser: StaffBrowser, people: People, role: Role
    ) -> None:
        email = people.staff(role).email
        assert strict_browser.sign_in(email, PASSWORD).location == "/auth/second-factor"
        assert strict_browser.client.get("/auth/second-factor").location == "/auth/enrol"
        assert strict_browser.client.get("/auth/account").location.startswith("/auth/login")

    def test_enrolling_an_app_shows_its_secret_and_the_recovery_codes_once(
        self, strict_browser: StaffBrowser, people: People
    ) -> None:
        actor = people.staff(Role.AUDITOR)
        strict_browser.sign_in(actor.email, PASSWORD)
        assert strict_browser.submit_form("/auth/enrol", "enrol-app").location == "/auth/enrol/app"
        page = strict_browser.get_page("/auth/enrol/app")
        secret = page.visible_text.split("Secret: ")[1].split()[0]
        assert strict_browser.get_page("/auth/enrol/app").visible_text.count(secret) == 1
        wrong = strict_browser.submit_form("/auth/enrol/app", "app", code="000000")
        assert wrong.status_code == 422
        assert secret in check_page(wrong).visible_text
        member = Member(actor, secret)
        response = strict_browser.submit_form("/auth/enrol/app", "app", code=member.code(0))
        assert response.status_code == 200
        codes = [word for word in check_page(response).visible_text.split() if word.count("-") == 3]
        assert len(codes) == len(set(codes)) == 10
        assert is_signed_in(strict_browser)
        assert strict_browser.client.get("/auth/enrol/app").status_code == 303
        # A recovery code and the app both work afterwards.
        app = strict_browser.client.application
        assert StaffBrowser(app).sign_in_by_app(member, codes[3]).status_code == 303
        assert StaffBrowser(app).sign_in_by_app(member).status_code == 303

    def test_enrolment_is_refused_to_a_person_with_a_second_factor(
        self, strict_browser: StaffBrowser, member: Member, strict_app: Flask, database: Database
    ) -> None:
        """A person who knows only the password must not add a factor of their own."""
        strict_browser.sign_in(member.email, PASSWORD)
        token = strict_browser.csrf_token("/auth/second-factor")
        with database_unchanged(database):
            for path in ("/auth/enrol/app", "/auth/enrol/app/code", "/auth/enrol/passkey"):
                response = strict_browser.client.post(
                    path, data={"csrf_token": token, "code": "123456"}
                )
                assert response.status_code == 422, path
            response = strict_browser.client.post(
                "/auth/enrol/passkey/question", headers={"X-CSRFToken": token}
            )
            assert response.status_code == 422
        assert strict_browser.client.get("/auth/enrol").location == "/auth/login"

    def test_passkey_created_for_another_person_is_refused_at_enrolment(
        self, strict_browser: StaffBrowser, people: People, strict_app: Flask
    ) -> None:
        key, victim = create_authenticator(strict_app), StaffBrowser(strict_app)
        victim.sign_in(people.staff(Role.ADMIN).email, PASSWORD)
        options = victim.request_options("/auth/enrol/passkey/question", "/auth/enrol")
        strict_browser.sign_in(people.staff(Role.ADMIN).email, PASSWORD)
        fields = {"credential": key.create(options), "name": "Mine"}
        response = strict_browser.post_form("/auth/enrol/passkey", "/auth/enrol", **fields)
        assert response.status_code == 422
        assert not is_signed_in(strict_browser)


class TestApiSignIn:
    def login(self, app: Flask, **body: str) -> Any:
        client = StaffBrowser(app).client
        return client.post("/api/auth/login", json=body)

    def test_api_sign_in_of_staff_needs_the_second_factor(
        self, strict_app: Flask, people: People, member: Member
    ) -> None:
        email_without_factor = people.staff(Role.ADMIN).email
        for code in ({}, {"code": "123456"}):
            response = self.login(strict_app, email=email_without_factor, password=PASSWORD, **code)
            assert (response.status_code, response.json["code"]) == (403, "second_factor_missing")
        response = self.login(strict_app, email=member.email, password=PASSWORD)
        assert (response.status_code, response.json["code"]) == (401, "two_factor_required")
        code = member.code()
        response = self.login(strict_app, email=member.email, password=PASSWORD, code=code)
        assert response.status_code == 200
        response = self.login(strict_app, email=member.email, password=PASSWORD, code=code)
        assert (response.status_code, response.json["code"]) == (401, "two_factor_invalid")

    def test_staff_without_an_app_cannot_reauthenticate_by_the_password_alone(
        self, strict_app: Flask, database: Database, member: Member
    ) -> None:
        """Their app may be off, because they have a passkey, while a session of before lasts."""
        signed_in = self.login(
            strict_app, email=member.email, password=PASSWORD, code=member.code()
        )
        headers = {"Authorization": f"Bearer {signed_in.json['accessToken']}"}
        with database.transaction() as session:
            delete_rows(session, TotpCredential, TotpCredential.user_id == member.actor.user_id)
        response = StaffBrowser(strict_app).client.post(
            "/api/auth/reauthenticate", json={"password": PASSWORD}, headers=headers
        )
        assert (response.status_code, response.json["code"]) == (403, "second_factor_missing")

    def test_api_sign_in_of_staff_in_the_sample_profile_needs_only_the_password(
        self, app: Flask, people: People
    ) -> None:
        response = self.login(app, email=people.staff(Role.ADMIN).email, password=PASSWORD)
        assert response.status_code == 200
