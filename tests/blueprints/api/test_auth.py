"""Registration, sign-in, tokens and password changes over the API."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.identity.models import User
from app.kit.db import Database
from tests.rows import change_rows

PASSWORD = "correct horse"
PROBLEM = "application/problem+json"


@pytest.fixture
def other_client(app: Flask) -> FlaskClient:
    """Another client at another IP address."""
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"
    return client


def registration(**changes: Any) -> dict[str, Any]:
    return {
        "email": f"{uuid4().hex}@example.com",
        "password": PASSWORD,
        "firstName": "Ada",
        "lastName": "Lovelace",
        **changes,
    }


def register(client: FlaskClient, **changes: Any) -> dict[str, Any]:
    response = client.post("/api/auth/register", json=registration(**changes))
    assert response.status_code == 201, response.text
    return response.json


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def current_user(client: FlaskClient, token: str) -> TestResponse:
    return client.get("/api/auth/me", headers=bearer(token))


def refresh(client: FlaskClient, token: str) -> TestResponse:
    return client.post("/api/auth/refresh", json={"refreshToken": token})


def assert_problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert (response.status_code, response.content_type) == (status, PROBLEM), response.text
    assert response.json["code"] == code
    return response.json


def count(database: Database, statement: str, *parameters: object) -> int:
    with database.reading() as session:
        row = session.row(statement, parameters)
    assert row is not None
    return row[0]


class TestRegistration:
    def test_registration_opens_an_account_and_returns_tokens(self, client: FlaskClient) -> None:
        body = registration(phone="+1 202 555 0123")
        moment = datetime(2026, 3, 4, 5, 6, 7, 89000, tzinfo=UTC)
        with time_machine.travel(moment, tick=False):
            response = client.post("/api/auth/register", json=body)
            profile = current_user(client, response.json["accessToken"])
        assert response.status_code == 201
        assert set(response.json) == {"user", "accessToken", "refreshToken", "expiresIn"}
        assert response.json["expiresIn"] == 1800
        user = response.json["user"]
        assert user.pop("id").startswith("usr_")
        assert user == {
            "email": body["email"],
            "firstName": "Ada",
            "lastName": "Lovelace",
            "phone": "+12025550123",
            "phoneVerified": False,
            "role": "USER",
            "emailConfirmed": False,
            "createdAt": "2026-03-04T05:06:07.089Z",
        }
        assert profile.status_code == 200
        assert {**profile.json, "id": None} == {**user, "id": None}

    def test_registration_of_a_taken_email_address_is_refused(
        self, client: FlaskClient, database: Database
    ) -> None:
        body = registration()
        assert client.post("/api/auth/register", json=body).status_code == 201
        body["email"] = body["email"].upper()
        assert_problem(client.post("/api/auth/register", json=body), 409, "email_taken")
        users = count(
            database,
            "SELECT count(*) FROM users WHERE email_key = %s",
            body["email"].casefold(),
        )
        assert users == 1

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            pytest.param("email", "nobody", id="email without @"),
            pytest.param("email", 5, id="email a number"),
            pytest.param("email", None, id="email null"),
            pytest.param("email", "a\x00@example.com", id="email with NUL"),
            pytest.param("email", "a" * 255 + "@example.com", id="email too long"),
            pytest.param("password", "short", id="password too short"),
            pytest.param("password", "p" * 129, id="password too long"),
            pytest.param("password", ["correct horse"], id="password a list"),
            pytest.param("password", "Ada Lovelace", id="password the own name"),
            pytest.param("firstName", "", id="first name empty"),
            pytest.param("firstName", "  ", id="first name blank"),
            pytest.param("firstName", "a\nb", id="first name with line break"),
            pytest.param("lastName", "x" * 101, id="last name too long"),
            pytest.param("phone", "12", id="phone too short"),
            pytest.param("role", "ADMIN", id="unknown field role"),
            pytest.param("emailConfirmed", True, id="unknown field emailConfirmed"),
        ],
    )
    def test_registration_names_the_invalid_field_and_creates_no_user(
        self, client: FlaskClient, database: Database, field: str, value: object
    ) -> None:
        body = registration(**{field: value})
        response = client.post("/api/auth/register", json=body)
        problem = assert_problem(response, 422, "validation_failed")
        assert [error["field"] for error in problem["errors"]] == [field]
        if isinstance(body["email"], str) and "\x00" not in body["email"]:
            users = count(database, "SELECT count(*) FROM users WHERE email = %s", body["email"])
            assert users == 0


class TestSignIn:
    def test_sign_in_returns_the_same_fields_as_registration(self, client: FlaskClient) -> None:
        registered = register(client)
        response = client.post(
            "/api/auth/login",
            json={"email": registered["user"]["email"].upper(), "password": PASSWORD},
        )
        assert response.status_code == 200
        assert response.json["user"] == registered["user"]
        assert set(response.json) == set(registered)
        assert current_user(client, response.json["accessToken"]).status_code == 200

    def test_sign_in_refuses_unknown_email_and_wrong_password_alike(
        self, client: FlaskClient
    ) -> None:
        email = register(client)["user"]["email"]
        problems = []
        for body in (
            {"email": email, "password": "wrong horse"},
            {"email": f"{uuid4().hex}@example.com", "password": PASSWORD},
        ):
            response = client.post("/api/auth/login", json=body)
            problem = assert_problem(response, 401, "invalid_credentials")
            problems.append({**problem, "requestId": None})
        assert problems[0] == problems[1]

    def test_failed_sign_ins_lock_out_only_their_own_ip_address(
        self, client: FlaskClient, other_client: FlaskClient
    ) -> None:
        email = register(other_client)["user"]["email"]
        for _ in range(5):
            wrong = client.post("/api/auth/login", json={"email": email, "password": "wrong one"})
            assert_problem(wrong, 401, "invalid_credentials")
        right = {"email": email, "password": PASSWORD}
        blocked = client.post("/api/auth/login", json=right)
        assert_problem(blocked, 429, "rate_limited")
        assert 1 <= int(blocked.headers["Retry-After"]) <= 60
        assert other_client.post("/api/auth/login", json=right).status_code == 200


class TestRefreshToken:
    def test_refresh_token_is_replaced_on_every_use(self, client: FlaskClient) -> None:
        first = register(client)
        second = refresh(client, first["refreshToken"])
        assert second.status_code == 200
        assert second.json["user"] == first["user"]
        third = refresh(client, second.json["refreshToken"])
        assert third.status_code == 200
        assert current_user(client, third.json["accessToken"]).status_code == 200

    def test_reused_refresh_token_ends_every_token_of_the_session(
        self, client: FlaskClient
    ) -> None:
        first = register(client)
        second = refresh(client, first["refreshToken"]).json
        assert_problem(refresh(client, first["refreshToken"]), 401, "token_invalid")
        assert_problem(refresh(client, second["refreshToken"]), 401, "token_invalid")
        for tokens in (first, second):
            assert_problem(current_user(client, tokens["accessToken"]), 401, "token_invalid")

    def test_access_and_refresh_tokens_are_not_interchangeable(self, client: FlaskClient) -> None:
        tokens = register(client)
        assert_problem(refresh(client, tokens["accessToken"]), 401, "token_invalid")
        assert_problem(current_user(client, tokens["refreshToken"]), 401, "token_invalid")
        assert current_user(client, tokens["accessToken"]).status_code == 200


class TestSignOut:
    def test_sign_out_ends_the_session_at_once(self, client: FlaskClient) -> None:
        tokens = register(client)
        headers = bearer(tokens["accessToken"])
        response = client.post("/api/auth/logout", headers=headers)
        assert (response.status_code, response.data) == (204, b"")
        assert_problem(current_user(client, tokens["accessToken"]), 401, "token_invalid")
        assert_problem(refresh(client, tokens["refreshToken"]), 401, "token_invalid")
        assert_problem(client.post("/api/auth/logout", headers=headers), 401, "token_invalid")


class TestAccessToken:
    def test_access_token_is_refused_after_30_minutes(self, client: FlaskClient) -> None:
        with time_machine.travel(datetime(2026, 3, 4, tzinfo=UTC), tick=False) as traveller:
            tokens = register(client)
            traveller.shift(timedelta(minutes=30))
            assert_problem(current_user(client, tokens["accessToken"]), 401, "token_invalid")

    @pytest.mark.parametrize(
        "header",
        [
            pytest.param(None, id="no header"),
            pytest.param("", id="empty"),
            pytest.param("Bearer", id="scheme only"),
            pytest.param("Bearer ", id="scheme and space"),
            pytest.param("Basic YTpi", id="Basic scheme"),
            pytest.param("Bearer a.b.c", id="malformed token"),
            pytest.param("Bearer " + "x" * 5000, id="token too long"),
        ],
    )
    def test_missing_or_malformed_authorization_header_is_refused(
        self, client: FlaskClient, header: str | None
    ) -> None:
        headers = {} if header is None else {"Authorization": header}
        response = client.get("/api/auth/me", headers=headers)
        assert_problem(response, 401, "token_invalid")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")

    def test_access_token_of_a_suspended_user_is_refused_at_once(
        self, client: FlaskClient, database: Database
    ) -> None:
        tokens = register(client)
        with database.transaction() as session:
            change_rows(session, User, User.email == tokens["user"]["email"], status="suspended")
        assert_problem(current_user(client, tokens["accessToken"]), 401, "token_invalid")


class TestPasswordChange:
    def change_password(
        self, client: FlaskClient, token: str, current: str, new: str
    ) -> TestResponse:
        return client.post(
            "/api/auth/change-password",
            json={"currentPassword": current, "newPassword": new},
            headers=bearer(token),
        )

    def test_password_change_ends_all_sessions_and_returns_a_new_one(
        self, client: FlaskClient, other_client: FlaskClient
    ) -> None:
        current = register(client)
        email = current["user"]["email"]
        body = {"email": email, "password": PASSWORD}
        other = other_client.post("/api/auth/login", json=body).json
        response = self.change_password(client, current["accessToken"], PASSWORD, "another horse")
        assert response.status_code == 200
        for tokens in (current, other):
            assert_problem(current_user(client, tokens["accessToken"]), 401, "token_invalid")
            assert_problem(refresh(client, tokens["refreshToken"]), 401, "token_invalid")
        assert current_user(client, response.json["accessToken"]).json == current["user"]
        assert_problem(client.post("/api/auth/login", json=body), 401, "invalid_credentials")
        body["password"] = "another horse"
        assert client.post("/api/auth/login", json=body).status_code == 200

    def test_password_change_with_a_wrong_current_password_is_refused(
        self, client: FlaskClient
    ) -> None:
        tokens = register(client)
        response = self.change_password(
            client, tokens["accessToken"], "wrong horse", "another horse"
        )
        assert_problem(response, 401, "invalid_credentials")
        assert current_user(client, tokens["accessToken"]).status_code == 200
        body = {"email": tokens["user"]["email"], "password": PASSWORD}
        assert client.post("/api/auth/login", json=body).status_code == 200

    def test_password_change_refuses_the_email_address_as_password(
        self, client: FlaskClient
    ) -> None:
        tokens = register(client)
        response = self.change_password(
            client, tokens["accessToken"], PASSWORD, tokens["user"]["email"]
        )
        problem = assert_problem(response, 422, "validation_failed")
        assert [error["field"] for error in problem["errors"]] == ["newPassword"]
        assert current_user(client, tokens["accessToken"]).status_code == 200
