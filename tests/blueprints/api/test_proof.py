"""Proof of identity over the API: recent sign-ins, sessions, and what outlives a proof."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from app.access import DEFAULT_PERMISSIONS, Actor, Permission, Role
from app.identity.api_keys import service as api_keys
from app.identity.api_keys.rules import ApiKeyRules
from app.identity.credentials import second_factor
from app.identity.errors import ReauthenticationRequired
from app.identity.models import Passkey, TotpCredential
from app.identity.sign_in.rules import PROOF_LIFETIME
from app.kit import clock, ids
from app.kit.db import Database
from tests.api_client import PASSWORD, ApiClient, assert_problem, wrong_fields
from tests.fixed_settings import fixed_settings
from tests.mailbox import Mailbox, extract_token, run_pending_jobs
from tests.paying_customer import BANK_ACCOUNT, PayingCustomer
from tests.rows import change_rows, count_rows
from tests.unchanged_database import database_unchanged

AUTH, KEYS, SESSIONS = "/api/auth", "/api/me/api-keys", "/api/me/sessions"
KEY = {"name": "a program", "scopes": ["own:balances:read"]}
SECOND = timedelta(seconds=1)
#: Every sensitive act, and the status with which it succeeds or fails later.
ACTS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", f"{AUTH}/2fa/setup", None),
    ("POST", f"{AUTH}/2fa/confirm", {"code": "000000"}),
    ("DELETE", f"{AUTH}/2fa", {"code": "000000"}),
    ("POST", f"{AUTH}/2fa/recovery-codes", {"password": PASSWORD, "code": "000000"}),
    ("POST", KEYS, KEY),
    ("POST", "/api/me/phone/verification", None),
]


def sign_in_elsewhere(ada: ApiClient) -> ApiClient:
    """Return another session of the same customer."""
    other = ApiClient(ada.app)
    other.email = ada.email
    other.sign_in()
    return other


def send(client: ApiClient, method: str, path: str, body: object) -> TestResponse:
    return client.send(method, path, **({} if body is None else {"json": body}))


def reauthenticate(client: ApiClient, **body: str) -> TestResponse:
    return client.post(f"{AUTH}/reauthenticate", {"password": PASSWORD, **body})


def turn_on_second_factor(client: ApiClient) -> pyotp.TOTP:
    secret = client.ok(200, client.post(f"{AUTH}/2fa/setup"))["secret"]
    totp = pyotp.TOTP(secret)
    code = totp.at(clock.now(), counter_offset=-1)
    client.ok(200, client.post(f"{AUTH}/2fa/confirm", {"code": code}))
    return totp


class TestRecentProof:
    @pytest.mark.parametrize(("method", "path", "body"), ACTS, ids=[act[1][5:] for act in ACTS])
    def test_sign_in_of_ten_minutes_ago_is_too_old_for_a_sensitive_act(
        self, customer: ApiClient, database: Database, method: str, path: str, body: object
    ) -> None:
        signed_in = clock.now()
        with time_machine.travel(signed_in + PROOF_LIFETIME - SECOND, tick=False):
            response = send(customer, method, path, body)
            assert response.is_json
            assert response.json.get("code") != "reauthentication_required"
        with time_machine.travel(signed_in + PROOF_LIFETIME + SECOND, tick=False):
            # Refreshing tokens proves nothing: a thief of the tokens can do it.
            refreshed = customer.post(f"{AUTH}/refresh", {"refreshToken": customer.refresh_token})
            customer.token = customer.ok(200, refreshed)["accessToken"]
            with database_unchanged(database):
                response = send(customer, method, path, body)
                assert_problem(response, 401, "reauthentication_required")
            assert reauthenticate(customer).status_code == 204
            response = send(customer, method, path, body)
            assert response.json.get("code") != "reauthentication_required"

    def test_reauthentication_needs_the_password_and_the_code(
        self, customer: ApiClient, database: Database
    ) -> None:
        totp = turn_on_second_factor(customer)
        with time_machine.travel(clock.now() + PROOF_LIFETIME + SECOND, tick=False):
            wrong = reauthenticate(customer, password="wrong long horse")
            assert_problem(wrong, 401, "invalid_credentials")
            assert_problem(reauthenticate(customer), 401, "two_factor_required")
            assert_problem(reauthenticate(customer, code="000000"), 401, "two_factor_invalid")
            assert_problem(customer.post(KEYS, KEY), 401, "reauthentication_required")
            code = totp.at(clock.now())
            assert reauthenticate(customer, code=code).status_code == 204
            assert_problem(reauthenticate(customer, code=code), 401, "two_factor_invalid")
            customer.ok(201, customer.post(KEYS, KEY))

    def test_withdrawal_to_a_new_destination_needs_a_recent_sign_in(
        self, wealthy_customer: PayingCustomer
    ) -> None:
        customer, now = wealthy_customer, clock.now()
        fresh = replace(customer.actor, proven_at=now)
        old = replace(customer.actor, proven_at=now - PROOF_LIFETIME)
        with pytest.raises(ReauthenticationRequired):
            customer.withdraw_as(old)
        customer.withdraw_as(fresh)
        customer.withdraw_as(old)
        with pytest.raises(ReauthenticationRequired):
            customer.withdraw_as(old, **{**BANK_ACCOUNT, "accountNumber": "000987654321"})

    def test_api_key_can_neither_reauthenticate_nor_see_sessions(self, customer: ApiClient) -> None:
        program = ApiClient(customer.app)
        program.token = customer.ok(201, customer.post(KEYS, KEY))["key"]
        assert_problem(reauthenticate(program), 403, "permission_denied")
        assert_problem(program.get(SESSIONS), 403, "permission_denied")


class TestSessions:
    def list_sessions(self, client: ApiClient) -> list[dict[str, Any]]:
        data = client.ok(200, client.get(SESSIONS))["data"]
        assert isinstance(data, list)
        return data

    def test_customer_sees_their_own_sessions_newest_first(
        self, customer: ApiClient, open_app: Flask
    ) -> None:
        phone = sign_in_elsewhere(customer)
        ApiClient.create_customer(open_app)
        newest, oldest = self.list_sessions(customer)
        assert (newest["isCurrent"], oldest["isCurrent"]) == (False, True)
        assert [each["isCurrent"] for each in self.list_sessions(phone)] == [True, False]
        assert newest["network"].endswith("/64")
        assert newest["network"] != oldest["network"]
        assert newest["userAgent"].startswith("Werkzeug/")
        page = customer.ok(200, customer.get(SESSIONS, limit=1))
        assert page["data"] == [newest]
        rest = customer.ok(200, customer.get(SESSIONS, cursor=page["nextCursor"]))
        assert (rest["data"], rest["nextCursor"]) == ([oldest], None)

    def test_customer_ends_one_session_at_once(self, customer: ApiClient) -> None:
        phone, laptop = sign_in_elsewhere(customer), sign_in_elsewhere(customer)
        newest, *_ = self.list_sessions(customer)
        ended = customer.send("DELETE", f"{SESSIONS}/{newest['id']}")
        assert (ended.status_code, ended.data) == (204, b"")
        assert_problem(laptop.get(f"{AUTH}/me"), 401, "token_invalid")
        refresh = {"refreshToken": laptop.refresh_token}
        assert_problem(laptop.post(f"{AUTH}/refresh", refresh), 401, "token_invalid")
        assert phone.get(f"{AUTH}/me").status_code == 200
        assert len(self.list_sessions(customer)) == 2
        assert_problem(customer.send("DELETE", f"{SESSIONS}/{newest['id']}"), 404, "not_found")

    def test_session_of_another_person_is_not_found(
        self, customer: ApiClient, open_app: Flask, database: Database
    ) -> None:
        other = ApiClient.create_customer(open_app)
        [session] = self.list_sessions(other)
        with database_unchanged(database):
            response = customer.send("DELETE", f"{SESSIONS}/{session['id']}")
            assert_problem(response, 404, "not_found")
        assert other.get(f"{AUTH}/me").status_code == 200

    def test_customer_ends_all_other_sessions(self, customer: ApiClient) -> None:
        others = [sign_in_elsewhere(customer) for _ in range(2)]
        assert customer.send("DELETE", SESSIONS).status_code == 204
        for other in others:
            assert_problem(other.get(f"{AUTH}/me"), 401, "token_invalid")
        assert len(self.list_sessions(customer)) == 1

    def test_second_factor_ends_the_sessions_that_were_opened_without_it(
        self, customer: ApiClient
    ) -> None:
        phone = sign_in_elsewhere(customer)
        turn_on_second_factor(customer)
        assert_problem(phone.get(f"{AUTH}/me"), 401, "token_invalid")
        assert len(self.list_sessions(customer)) == 1


def test_reset_link_ends_with_a_password_change(
    customer: ApiClient, database: Database, mailbox: Mailbox
) -> None:
    customer.post(f"{AUTH}/forgot-password", {"email": customer.email})
    run_pending_jobs(database)
    token = mailbox.latest_token(customer.email)
    change = {"currentPassword": PASSWORD, "newPassword": "another long horse"}
    wrong = {**change, "currentPassword": "wrong long horse"}
    assert_problem(customer.post(f"{AUTH}/change-password", wrong), 401, "invalid_credentials")
    assert customer.app.test_client().get(f"/auth/reset-password?token={token}").status_code == 200
    customer.ok(200, customer.post(f"{AUTH}/change-password", change))
    reset = {"token": token, "password": "a third long horse"}
    with database_unchanged(database):
        assert_problem(customer.post(f"{AUTH}/reset-password", reset), 401, "token_invalid")


class TestWrongCodes:
    def guess(self, ada: ApiClient) -> TestResponse:
        """Enter a wrong code after the right password, from a network of its own."""
        body = {"email": ada.email, "password": PASSWORD, "code": "000000"}
        return ApiClient(ada.app).post(f"{AUTH}/login", body)

    def subjects(self, ada: ApiClient, database: Database, mailbox: Mailbox) -> list[str]:
        run_pending_jobs(database)
        return [email.subject for email in mailbox.sent_to(ada.email)]

    def test_third_wrong_code_after_the_right_password_is_told_to_the_owner(
        self, customer: ApiClient, database: Database, mailbox: Mailbox
    ) -> None:
        turn_on_second_factor(customer)
        subject = "Wrong codes were entered with your password"
        for expected in (0, 0, 1, 1):
            assert_problem(self.guess(customer), 401, "two_factor_invalid")
            assert self.subjects(customer, database, mailbox).count(subject) == expected

    def test_ten_wrong_codes_in_a_day_block_further_ones(self, customer: ApiClient) -> None:
        turn_on_second_factor(customer)
        start = clock.now()
        for attempt in range(10):
            # Five at once, an hour apart: never more than nine within a quarter of an hour.
            with time_machine.travel(start + timedelta(hours=attempt // 5), tick=False):
                assert_problem(self.guess(customer), 401, "two_factor_invalid")
        with time_machine.travel(start + timedelta(hours=1, seconds=30), tick=False):
            assert_problem(self.guess(customer), 429, "rate_limited")

    def test_new_password_forgets_the_codes_that_followed_the_old_one(
        self, customer: ApiClient, database: Database
    ) -> None:
        turn_on_second_factor(customer)
        for _ in range(3):
            self.guess(customer)
        change = {"currentPassword": PASSWORD, "newPassword": "another long horse"}
        customer.ok(200, customer.post(f"{AUTH}/change-password", change))
        with database.reading() as session:
            key = f"second factor {customer.user_id}"
            assert session.rows("SELECT FROM login_failures WHERE key = %s", (key,)) == []


class TestApiKeyLifetime:
    RULES = ApiKeyRules(default_days=30, max_days=60)

    def test_key_expires_by_itself_and_its_owner_hears_of_it(
        self, customer: ApiClient, database: Database, mailbox: Mailbox
    ) -> None:
        now = clock.now()
        with time_machine.travel(now, tick=False), fixed_settings(self.RULES):
            created = customer.ok(201, customer.post(KEYS, KEY))
        assert created["expiresAt"] == clock.rfc3339(now + timedelta(days=30))
        run_pending_jobs(database)
        email = mailbox.sent_to(customer.email)[-1]
        assert email.subject == "A new API key was created"
        assert created["lastFour"] in email.text
        assert created["key"] not in email.text

    def test_longest_lifetime_is_accepted_and_a_second_more_is_not(
        self, customer: ApiClient
    ) -> None:
        now = clock.now()
        with time_machine.travel(now, tick=False), fixed_settings(self.RULES):
            longest = now + timedelta(days=60)
            for expiry, expected in ((longest, 201), (longest + SECOND, 422), (now, 422)):
                response = customer.post(KEYS, {**KEY, "expiresAt": clock.rfc3339(expiry)})
                assert response.status_code == expected
        assert wrong_fields(response) == ["expiresAt"]


class TestFirstProof:
    """A person who registered an address keeps nothing once its owner proves it."""

    @pytest.fixture
    def thief(self, open_app: Flask) -> ApiClient:
        """A person who registered the address of another."""
        thief = ApiClient(open_app)
        thief.register()
        return thief

    @pytest.fixture
    def program(self, thief: ApiClient, database: Database) -> ApiClient:
        """A program with the thief's key, which earlier releases allowed, with second factors."""
        permissions = DEFAULT_PERMISSIONS[Role.USER]
        actor = Actor(thief.user_id, None, thief.email, Role.USER, permissions)
        with database.transaction() as session:
            second_factor.start_setup(session, actor)
            change_rows(
                session,
                TotpCredential,
                TotpCredential.user_id == thief.user_id,
                confirmed_at=clock.now(),
                last_step=0,
            )
            passkey = {"id": ids.new(), "user_id": thief.user_id, "credential_id": b"a" * 16}
            passkey |= {"public_key": b"x", "sign_count": 0, "name": "a", "created_at": clock.now()}
            session.write(sa.insert(Passkey).values(**passkey))
            scopes = [Permission.ACCOUNT_READ]
            key = api_keys.create_key(session, actor, name="a", scopes=scopes, expires_at=None)
        program = ApiClient(thief.app)
        program.token = key.key
        return program

    @pytest.mark.parametrize("link", ["verify-email", "reset-password"])
    def test_first_proof_ends_sessions_keys_and_second_factors(
        self, thief: ApiClient, program: ApiClient, database: Database, mailbox: Mailbox, link: str
    ) -> None:
        assert program.get(f"{AUTH}/me").status_code == 200
        owner, body = ApiClient(thief.app), {}
        if link == "reset-password":
            owner.post(f"{AUTH}/forgot-password", {"email": thief.email})
            body = {"password": "a third long horse"}
        run_pending_jobs(database)
        subject = "Choose a new password" if body else "Confirm your email address"
        [email] = [each for each in mailbox.sent_to(thief.email) if each.subject == subject]
        token = extract_token(email.text)
        assert owner.post(f"{AUTH}/{link}", {"token": token, **body}).status_code == 200
        for client in (thief, program):
            assert_problem(client.get(f"{AUTH}/me"), 401, "token_invalid")
        with database.reading() as session:
            for table in (TotpCredential, Passkey):
                assert count_rows(session, table, table.user_id == thief.user_id) == 0

    def test_session_that_proves_the_address_itself_goes_on(
        self, thief: ApiClient, database: Database, mailbox: Mailbox
    ) -> None:
        other = sign_in_elsewhere(thief)
        run_pending_jobs(database)
        token = mailbox.latest_token(thief.email)
        assert thief.post(f"{AUTH}/verify-email", {"token": token}).status_code == 200
        assert thief.get(f"{AUTH}/me").status_code == 200
        assert_problem(other.get(f"{AUTH}/me"), 401, "token_invalid")

    @pytest.mark.parametrize(("method", "path", "body"), ACTS, ids=[act[1][5:] for act in ACTS])
    def test_no_keys_and_factors_before_the_address_is_confirmed(
        self, thief: ApiClient, database: Database, method: str, path: str, body: object
    ) -> None:
        with database_unchanged(database):
            assert_problem(send(thief, method, path, body), 403, "email_not_confirmed")
