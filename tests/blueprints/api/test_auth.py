"""The sign-in routes, as a customer's program sees them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.kit.db import Database

PASSWORD = "correct horse"
PROBLEM = "application/problem+json"


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client on an address that no other test uses, so that limits don't meet."""
    client = app.test_client()
    digits = uuid4().hex[:16]
    address = ":".join(digits[at : at + 4] for at in range(0, 16, 4)) + "::1"
    client.environ_base["REMOTE_ADDR"] = address
    return client


@pytest.fixture
def elsewhere(app: Flask) -> FlaskClient:
    """Another client on another address."""
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"
    return client


def someone(**changes: Any) -> dict[str, Any]:
    return {
        "email": f"{uuid4().hex}@example.com",
        "password": PASSWORD,
        "firstName": "Ada",
        "lastName": "Lovelace",
        **changes,
    }


def register(client: FlaskClient, **changes: Any) -> dict[str, Any]:
    answer = client.post("/api/auth/register", json=someone(**changes))
    assert answer.status_code == 201, answer.text
    return answer.json


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def me(client: FlaskClient, token: str) -> TestResponse:
    return client.get("/api/auth/me", headers=bearer(token))


def refresh(client: FlaskClient, token: str) -> TestResponse:
    return client.post("/api/auth/refresh", json={"refreshToken": token})


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.content_type) == (status, PROBLEM), answer.text
    assert answer.json["code"] == code
    return answer.json


def count(database: Database, statement: str, *parameters: object) -> int:
    with database.reading() as session:
        row = session.row(statement, parameters)
    assert row is not None
    return row[0]


class TestRegister:
    def test_opens_an_account_and_logs_in(self, client: FlaskClient) -> None:
        asked = someone(phone="+1 202 555 0123")
        moment = datetime(2026, 3, 4, 5, 6, 7, 89000, tzinfo=UTC)
        with time_machine.travel(moment, tick=False):
            answer = client.post("/api/auth/register", json=asked)
            seen = me(client, answer.json["accessToken"])
        assert answer.status_code == 201
        assert set(answer.json) == {"user", "accessToken", "refreshToken", "expiresIn"}
        assert answer.json["expiresIn"] == 1800
        user = answer.json["user"]
        assert user.pop("id").startswith("usr_")
        assert user == {
            "email": asked["email"],
            "firstName": "Ada",
            "lastName": "Lovelace",
            "phone": "+12025550123",
            "role": "USER",
            "emailConfirmed": False,
            "createdAt": "2026-03-04T05:06:07.089Z",
        }
        assert seen.status_code == 200
        assert {**seen.json, "id": None} == {**user, "id": None}

    def test_an_address_is_taken_once(self, client: FlaskClient, database: Database) -> None:
        asked = someone()
        assert client.post("/api/auth/register", json=asked).status_code == 201
        asked["email"] = asked["email"].upper()
        problem(client.post("/api/auth/register", json=asked), 409, "email_taken")
        people = count(
            database,
            "SELECT count(*) FROM users WHERE email_key = %s",
            asked["email"].casefold(),
        )
        assert people == 1

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("email", "nobody"),
            ("email", 5),
            ("email", None),
            ("email", "a\x00@example.com"),
            ("email", "a" * 255 + "@example.com"),
            ("password", "short"),
            ("password", "p" * 129),
            ("password", ["correct horse"]),
            ("password", "Ada Lovelace"),
            ("firstName", ""),
            ("firstName", "  "),
            ("firstName", "a\nb"),
            ("lastName", "x" * 101),
            ("phone", "12"),
            ("role", "ADMIN"),
            ("emailConfirmed", True),
        ],
    )
    def test_names_the_wrong_field(
        self, client: FlaskClient, database: Database, field: str, value: object
    ) -> None:
        asked = someone(**{field: value})
        told = problem(client.post("/api/auth/register", json=asked), 422, "validation_failed")
        assert [error["field"] for error in told["errors"]] == [field]
        if isinstance(asked["email"], str) and "\x00" not in asked["email"]:
            people = count(database, "SELECT count(*) FROM users WHERE email = %s", asked["email"])
            assert people == 0


class TestLogin:
    def test_answers_what_registering_answers(self, client: FlaskClient) -> None:
        registered = register(client)
        answer = client.post(
            "/api/auth/login",
            json={"email": registered["user"]["email"].upper(), "password": PASSWORD},
        )
        assert answer.status_code == 200
        assert answer.json["user"] == registered["user"]
        assert set(answer.json) == set(registered)
        assert me(client, answer.json["accessToken"]).status_code == 200

    def test_says_the_same_for_unknown_and_wrong(self, client: FlaskClient) -> None:
        email = register(client)["user"]["email"]
        told = []
        for asked in (
            {"email": email, "password": "wrong horse"},
            {"email": f"{uuid4().hex}@example.com", "password": PASSWORD},
        ):
            answer = client.post("/api/auth/login", json=asked)
            body = problem(answer, 401, "invalid_credentials")
            told.append({**body, "requestId": None})
        assert told[0] == told[1]

    def test_counts_failures_though_it_refuses_and_locks_out_nobody_else(
        self, client: FlaskClient, elsewhere: FlaskClient
    ) -> None:
        email = register(elsewhere)["user"]["email"]
        for _ in range(5):
            wrong = client.post("/api/auth/login", json={"email": email, "password": "wrong one"})
            problem(wrong, 401, "invalid_credentials")
        right = {"email": email, "password": PASSWORD}
        blocked = client.post("/api/auth/login", json=right)
        problem(blocked, 429, "rate_limited")
        assert 1 <= int(blocked.headers["Retry-After"]) <= 60
        assert elsewhere.post("/api/auth/login", json=right).status_code == 200


class TestRefresh:
    def test_rotates(self, client: FlaskClient) -> None:
        first = register(client)
        second = refresh(client, first["refreshToken"])
        assert second.status_code == 200
        assert second.json["user"] == first["user"]
        third = refresh(client, second.json["refreshToken"])
        assert third.status_code == 200
        assert me(client, third.json["accessToken"]).status_code == 200

    def test_reuse_ends_every_token_of_the_session(self, client: FlaskClient) -> None:
        first = register(client)
        second = refresh(client, first["refreshToken"]).json
        problem(refresh(client, first["refreshToken"]), 401, "token_invalid")
        problem(refresh(client, second["refreshToken"]), 401, "token_invalid")
        for tokens in (first, second):
            problem(me(client, tokens["accessToken"]), 401, "token_invalid")

    def test_takes_no_access_token(self, client: FlaskClient) -> None:
        tokens = register(client)
        problem(refresh(client, tokens["accessToken"]), 401, "token_invalid")
        problem(me(client, tokens["refreshToken"]), 401, "token_invalid")
        assert me(client, tokens["accessToken"]).status_code == 200


class TestLogout:
    def test_ends_the_session_at_once(self, client: FlaskClient) -> None:
        tokens = register(client)
        headers = bearer(tokens["accessToken"])
        answer = client.post("/api/auth/logout", headers=headers)
        assert (answer.status_code, answer.data) == (204, b"")
        problem(me(client, tokens["accessToken"]), 401, "token_invalid")
        problem(refresh(client, tokens["refreshToken"]), 401, "token_invalid")
        problem(client.post("/api/auth/logout", headers=headers), 401, "token_invalid")


class TestMe:
    def test_expired_tokens_are_refused(self, client: FlaskClient) -> None:
        with time_machine.travel(datetime(2026, 3, 4, tzinfo=UTC), tick=False) as traveller:
            tokens = register(client)
            traveller.shift(timedelta(minutes=30))
            problem(me(client, tokens["accessToken"]), 401, "token_invalid")

    @pytest.mark.parametrize(
        "header",
        [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b.c", "Bearer " + "x" * 5000],
    )
    def test_needs_a_token(self, client: FlaskClient, header: str | None) -> None:
        headers = {} if header is None else {"Authorization": header}
        answer = client.get("/api/auth/me", headers=headers)
        problem(answer, 401, "token_invalid")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    def test_a_suspended_person_is_out_at_once(
        self, client: FlaskClient, database: Database
    ) -> None:
        tokens = register(client)
        with database.transaction() as session:
            session.send(
                "UPDATE users SET status = 'suspended' WHERE email = %s",
                (tokens["user"]["email"],),
            )
        problem(me(client, tokens["accessToken"]), 401, "token_invalid")


class TestChangePassword:
    def change(self, client: FlaskClient, token: str, current: str, new: str) -> TestResponse:
        return client.post(
            "/api/auth/change-password",
            json={"currentPassword": current, "newPassword": new},
            headers=bearer(token),
        )

    def test_ends_all_sessions_and_goes_on_in_a_new_one(
        self, client: FlaskClient, elsewhere: FlaskClient
    ) -> None:
        here = register(client)
        email = here["user"]["email"]
        asked = {"email": email, "password": PASSWORD}
        there = elsewhere.post("/api/auth/login", json=asked).json
        answer = self.change(client, here["accessToken"], PASSWORD, "another horse")
        assert answer.status_code == 200
        for tokens in (here, there):
            problem(me(client, tokens["accessToken"]), 401, "token_invalid")
            problem(refresh(client, tokens["refreshToken"]), 401, "token_invalid")
        assert me(client, answer.json["accessToken"]).json == here["user"]
        problem(client.post("/api/auth/login", json=asked), 401, "invalid_credentials")
        asked["password"] = "another horse"
        assert client.post("/api/auth/login", json=asked).status_code == 200

    def test_needs_the_current_password(self, client: FlaskClient) -> None:
        tokens = register(client)
        answer = self.change(client, tokens["accessToken"], "wrong horse", "another horse")
        problem(answer, 401, "invalid_credentials")
        assert me(client, tokens["accessToken"]).status_code == 200
        asked = {"email": tokens["user"]["email"], "password": PASSWORD}
        assert client.post("/api/auth/login", json=asked).status_code == 200

    def test_refuses_a_bad_new_password(self, client: FlaskClient) -> None:
        tokens = register(client)
        answer = self.change(client, tokens["accessToken"], PASSWORD, tokens["user"]["email"])
        told = problem(answer, 422, "validation_failed")
        assert [error["field"] for error in told["errors"]] == ["newPassword"]
        assert me(client, tokens["accessToken"]).status_code == 200
