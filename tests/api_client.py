"""A customer's program. On every answer it checks what the wire contract promises of all of them.

Whatever a test asks for, the answer carries a request id and the security headers, is JSON or
nothing, is no failure of ours, and is one that the served OpenAPI document describes.
"""

import re
from collections.abc import Mapping
from typing import Any, Self
from uuid import UUID, uuid4

from flask import Flask
from jsonschema import Draft202012Validator, FormatChecker
from werkzeug.test import TestResponse

from app.identity.accounts import email_verification
from app.kit import ids
from app.kit.db import Database
from tests.people import credit

PASSWORD = "correct horse"
PROBLEM = "application/problem+json"
JSON = "application/json"
#: What is answered besides JSON, as the document declares it.
FILES = {"application/pdf", "application/zip", "text/csv"}
#: Refusals that name several things besides bad input.
NAMING = {"erasure_refused"}
_PROBLEM_FIELDS = {"type", "title", "status", "detail", "code", "requestId"}
_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
_MINUTE = 60


class Document:
    """The OpenAPI document as it is served, and what it says of an answer."""

    def __init__(self, app: Flask) -> None:
        answer = app.test_client().get("/api/openapi.json")
        assert answer.status_code == 200
        self.text: dict[str, Any] = answer.json
        self._formats = FormatChecker()
        assert {"date-time", "email"} <= set(self._formats.checkers), "formats go unchecked"
        self._validators: dict[tuple[str, str, int], Draft202012Validator] = {}
        self._paths = {
            path: re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)) for path in self.text["paths"]
        }

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
        """The template and the operation behind an address; None if there is none."""
        for template, pattern in self._paths.items():
            if pattern.fullmatch(path):
                operation = self.text["paths"][template].get(method.lower())
                return (template, operation) if operation else None
        return None

    def check(self, method: str, path: str, answer: TestResponse) -> None:
        """The document describes this answer: status, type, code, and every field."""
        found = self.operation(method, path)
        status = answer.status_code
        if found is None:
            assert status in {404, 405}, f"{method} {path} answers {status} and is undocumented"
            return
        template, operation = found
        told = operation["responses"].get(str(status))
        assert told is not None, f"{method} {template}: {status} is undocumented: {answer.text}"
        content = told.get("content")
        if content is None:
            assert answer.data == b""
            return
        assert answer.mimetype in content, f"{method} {template}: {answer.content_type}"
        if status >= 400 and answer.mimetype == PROBLEM:
            code = answer.json["code"]
            assert f"`{code}`" in told["description"], f"{method} {template}: {status} {code}"
        if answer.mimetype in FILES:
            return
        key = (method, template, status)
        if key not in self._validators:
            schema = {**content[answer.mimetype]["schema"], "components": self.text["components"]}
            self._validators[key] = Draft202012Validator(schema, format_checker=self._formats)
        self._validators[key].validate(answer.json)

    def is_idempotent(self, method: str, path: str) -> bool:
        """Whether the operation asks for an Idempotency-Key."""
        found = self.operation(method, path)
        parameters = found[1]["parameters"] if found else []
        return any(parameter["name"] == "Idempotency-Key" for parameter in parameters)


def document(app: Flask) -> Document:
    """The document of this application, read once."""
    known: Document | None = app.extensions.get("tests.document")
    if known is None:
        known = app.extensions["tests.document"] = Document(app)
    return known


class ApiClient:
    """One customer at one address of their own, so that limits of two do not meet."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.document = document(app)
        self.token: str | None = None
        self.refresh_token = ""
        self.recovery: list[str] = []
        self.user: dict[str, Any] = {}
        self.email = f"{uuid4().hex}@example.com"
        self._client = app.test_client()
        digits = uuid4().hex[:16]
        address = ":".join(digits[at : at + 4] for at in range(0, 16, 4)) + "::1"
        self._client.environ_base["REMOTE_ADDR"] = address

    @classmethod
    def customer(cls, app: Flask, **amounts: str) -> Self:
        """Someone who registered, is logged in and holds these; `XAU_s="1"` stands for XAU-s."""
        made = cls(app)
        made.register()
        made.credit(**amounts)
        return made

    @property
    def user_id(self) -> UUID:
        """Who this is, inside."""
        return ids.decode("usr", self.user["id"])

    def register(self, **changes: Any) -> dict[str, Any]:
        """Open the account, and be logged in."""
        asked = {
            "email": self.email,
            "password": PASSWORD,
            "firstName": "Ada",
            "lastName": "Lovelace",
            **changes,
        }
        self.token = None
        return self._logged_in(self.ok(201, self.post("/api/auth/register", asked)))

    def log_in(self) -> dict[str, Any]:
        """Log in again."""
        self.token = None
        asked = {"email": self.email, "password": PASSWORD}
        return self._logged_in(self.ok(200, self.post("/api/auth/login", asked)))

    def _logged_in(self, answered: dict[str, Any]) -> dict[str, Any]:
        self.user = answered["user"]
        self.token, self.refresh_token = answered["accessToken"], answered["refreshToken"]
        return answered

    def credit(self, **amounts: str) -> None:
        """Be given money, as `flask sample credit` does: the address is confirmed with it."""
        database: Database = self.app.extensions["database"]
        with database.transaction() as session:
            email_verification.confirm_email(session, self.user_id)
            for name, text in amounts.items():
                credit(session, self.user_id, text, name.replace("_", "-"))
        self.user["emailConfirmed"] = True

    def get(self, path: str, **query: Any) -> TestResponse:
        """A read."""
        return self.send("GET", path, query_string=query)

    def post(
        self,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """A write of this JSON; with a key of its own where the operation wants one."""
        given = dict(headers or {})
        if key is not None or self.document.is_idempotent("POST", path):
            given.setdefault("Idempotency-Key", uuid4().hex if key is None else key)
        sent = {} if body is None else {"json": body}
        return self.send("POST", path, headers=given, **sent)

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> TestResponse:
        """Any request, with the token unless an Authorization is given; checks the answer."""
        given = {**({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        given |= headers or {}
        answer = self._client.open(path, method=method, headers=given, **options)
        check(answer)
        self.document.check(method, path, answer)
        return answer

    def ok(self, status: int, answer: TestResponse) -> dict[str, Any]:
        """The JSON of an answer that must have this status."""
        assert answer.status_code == status, answer.text
        body = answer.json
        assert isinstance(body, dict)
        return body

    def available(self) -> dict[str, str]:
        """What is there to spend that is not zero, by asset."""
        balances = self.ok(200, self.get("/api/wallet/balances"))
        return {
            holding["asset"]: holding["available"]
            for account in ("funding", "trading")
            for holding in balances[account]
            if holding["available"].strip("0.")
        }


def check(answer: TestResponse) -> None:
    """What holds for every answer of the API."""
    status, headers = answer.status_code, answer.headers
    assert status < 500, answer.text
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", headers["X-Request-Id"], re.ASCII)
    for name, value in _SECURITY.items():
        assert headers.getlist(name) == [value], name
    assert ("RateLimit" in headers) == ("RateLimit-Policy" in headers)
    if "RateLimit" in headers:
        policy = re.fullmatch(r'"([a-z-]+)";q=([0-9]+);w=([0-9]+)', headers["RateLimit-Policy"])
        left = re.fullmatch(r'"([a-z-]+)";r=([0-9]+);t=([0-9]+)', headers["RateLimit"])
        assert policy is not None
        assert left is not None
        assert policy[1] == left[1]
        assert int(left[2]) <= int(policy[2])
        assert 0 < int(left[3]) <= int(policy[3]) == _MINUTE
    if status == 204:
        assert answer.data == b""
        assert "Content-Type" not in headers
    elif status < 400:
        assert answer.content_type == JSON or answer.mimetype in FILES
    else:
        _check_problem(answer)


def _check_problem(answer: TestResponse) -> None:
    status, told = answer.status_code, answer.json
    assert answer.content_type == PROBLEM
    names = status == 422 or told["code"] in NAMING
    assert set(told) == _PROBLEM_FIELDS | ({"errors"} if names else set())
    assert told["status"] == status
    assert re.fullmatch(r"[a-z][a-z0-9_]*", told["code"], re.ASCII)
    assert told["type"] == f"/api/docs/errors#{told['code']}"
    assert told["requestId"] == answer.headers["X-Request-Id"]
    assert told["title"]
    assert told["detail"]
    assert "Idempotent-Replayed" not in answer.headers
    for error in told.get("errors", ()):
        assert set(error) == {"field", "message"}
        assert error["field"]
        assert error["message"]
    if names:
        assert told["errors"]
    if status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    if status == 405:
        assert answer.headers["Allow"]
    if status == 429:
        assert int(answer.headers["Retry-After"]) > 0


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The problem that a refusal must be."""
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
    return answer.json


def wrong_fields(answer: TestResponse) -> list[str]:
    """Which fields a 422 names."""
    return [error["field"] for error in problem(answer, 422, "validation_failed")["errors"]]
