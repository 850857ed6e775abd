"""A client program of the API that checks every response against the wire contract.

Every response must carry a request id and the security headers, be JSON, a declared file or empty,
have a status below 500, and be described by the served OpenAPI document.
"""

import re
from collections.abc import Mapping
from typing import Any, Self
from uuid import UUID, uuid4

from flask import Flask
from jsonschema import Draft202012Validator, FormatChecker
from werkzeug.test import TestResponse

from app.access.consents import POLICIES
from app.identity.accounts import email_verification
from app.kit import ids
from app.kit.db import Database
from app.limits.errors import LimitExceeded
from tests.people import PASSWORD as STAFF_PASSWORD
from tests.people import credit, verify_phone

PASSWORD = "correct horse"
#: What a person accepts at registration before money can move.
ACCEPTED_POLICIES = [
    {"policy": policy.name.value, "version": policy.version}
    for policy in POLICIES.values()
    if policy.required
]
PROBLEM = "application/problem+json"
JSON = "application/json"
#: Media types of responses besides JSON, as the OpenAPI document declares them.
FILE_TYPES = {"application/pdf", "application/zip", "text/csv"}
#: Error codes besides those of a 422 whose problem carries `errors`.
CODES_WITH_ERRORS = {"erasure_refused", "insufficient_stock", "not_for_sale"}
CODES_WITH_LIMIT = {kind.code for kind in (LimitExceeded, *LimitExceeded.__subclasses__())}
_PROBLEM_MEMBERS = {"type", "title", "status", "detail", "code", "requestId"}
_SECURITY_HEADERS = {
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


class OpenApiDocument:
    """The served OpenAPI document, and a check of responses against it."""

    def __init__(self, app: Flask) -> None:
        response = app.test_client().get("/api/openapi.json")
        assert response.status_code == 200
        self.definition: dict[str, Any] = response.json
        self._formats = FormatChecker()
        assert {"date-time", "email"} <= set(self._formats.checkers), "formats are not checked"
        self._validators: dict[tuple[str, str, int], Draft202012Validator] = {}
        self._paths = {
            path: re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path))
            for path in self.definition["paths"]
        }

    def find_operation(self, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
        """Return the path template and the operation behind a path; None if there is none."""
        for template, pattern in self._paths.items():
            if pattern.fullmatch(path):
                operation = self.definition["paths"][template].get(method.lower())
                return (template, operation) if operation else None
        return None

    def check_response(self, method: str, path: str, response: TestResponse) -> None:
        """Check that the document describes the response: status, media type, code, every field."""
        match = self.find_operation(method, path)
        status = response.status_code
        if match is None:
            assert status in {404, 405}, f"{method} {path} returns {status} and is undocumented"
            return
        template, operation = match
        documented = operation["responses"].get(str(status))
        assert documented is not None, (
            f"{method} {template}: {status} is undocumented: {response.text}"
        )
        content = documented.get("content")
        if content is None:
            assert response.data == b""
            return
        assert response.mimetype in content, f"{method} {template}: {response.content_type}"
        if status >= 400 and response.mimetype == PROBLEM:
            code = response.json["code"]
            assert f"`{code}`" in documented["description"], f"{method} {template}: {status} {code}"
        if response.mimetype in FILE_TYPES:
            return
        key = (method, template, status)
        if key not in self._validators:
            schema = {
                **content[response.mimetype]["schema"],
                "components": self.definition["components"],
            }
            self._validators[key] = Draft202012Validator(schema, format_checker=self._formats)
        self._validators[key].validate(response.json)

    def is_idempotent(self, method: str, path: str) -> bool:
        """Return whether the operation takes an Idempotency-Key."""
        match = self.find_operation(method, path)
        parameters = match[1]["parameters"] if match else []
        return any(parameter["name"] == "Idempotency-Key" for parameter in parameters)


def load_document(app: Flask) -> OpenApiDocument:
    """Return the OpenAPI document of the application, loaded once."""
    document: OpenApiDocument | None = app.extensions.get("tests.document")
    if document is None:
        document = app.extensions["tests.document"] = OpenApiDocument(app)
    return document


class ApiClient:
    """One customer at an IP address of their own, so that rate limits are not shared."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.document = load_document(app)
        self.token: str | None = None
        self.refresh_token = ""
        self.recovery_codes: list[str] = []
        self.user: dict[str, Any] = {}
        self.email = f"{uuid4().hex}@example.com"
        self._client = app.test_client()
        digits = uuid4().hex[:16]
        address = ":".join(digits[at : at + 4] for at in range(0, 16, 4)) + "::1"
        self._client.environ_base["REMOTE_ADDR"] = address

    @classmethod
    def create_customer(cls, app: Flask, **amounts: str) -> Self:
        """Register a customer, sign in and credit the amounts; `XAU_s="1"` means XAU-s."""
        client = cls(app)
        client.register()
        client.credit(**amounts)
        return client

    @classmethod
    def sign_in_staff(cls, app: Flask, email: str) -> Self:
        """Return a client of a member of staff, who has the password of all staff in tests."""
        client = cls(app)
        body = {"email": email, "password": STAFF_PASSWORD}
        client._store_tokens(client.ok(200, client.post("/api/auth/login", body)))
        return client

    @property
    def user_id(self) -> UUID:
        """The customer's internal id."""
        return ids.decode("usr", self.user["id"])

    def register(self, **changes: Any) -> dict[str, Any]:
        """Open the account, accept the required policies and sign in."""
        body = {
            "email": self.email,
            "password": PASSWORD,
            "firstName": "Ada",
            "lastName": "Lovelace",
            "acceptedPolicies": ACCEPTED_POLICIES,
            **changes,
        }
        self.token = None
        return self._store_tokens(self.ok(201, self.post("/api/auth/register", body)))

    def sign_in(self) -> dict[str, Any]:
        """Sign in again."""
        self.token = None
        body = {"email": self.email, "password": PASSWORD}
        return self._store_tokens(self.ok(200, self.post("/api/auth/login", body)))

    def _store_tokens(self, tokens: dict[str, Any]) -> dict[str, Any]:
        self.user = tokens["user"]
        self.token, self.refresh_token = tokens["accessToken"], tokens["refreshToken"]
        return tokens

    def credit(self, **amounts: str) -> None:
        """Confirm the email address and credit the amounts, as `flask sample credit` does."""
        database: Database = self.app.extensions["database"]
        with database.transaction() as session:
            email_verification.confirm_email(session, self.user_id)
            for name, text in amounts.items():
                credit(session, self.user_id, text, name.replace("_", "-"))
        self.user["emailConfirmed"] = True

    def verify_phone(self, phone: str) -> None:
        """Have this phone in the profile, verified."""
        with self.app.extensions["database"].transaction() as session:
            verify_phone(session, self.user_id, phone)

    def get(self, path: str, **query: Any) -> TestResponse:
        """Send a GET request."""
        return self.send("GET", path, query_string=query)

    def post(
        self,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """Send a POST request with a JSON body, and a new Idempotency-Key where one is required."""
        request_headers = dict(headers or {})
        if key is not None or self.document.is_idempotent("POST", path):
            request_headers.setdefault("Idempotency-Key", uuid4().hex if key is None else key)
        options = {} if body is None else {"json": body}
        return self.send("POST", path, headers=request_headers, **options)

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> TestResponse:
        """Send a request, with the token unless `headers` has Authorization; check the response."""
        request_headers = {**({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        request_headers |= headers or {}
        response = self._client.open(path, method=method, headers=request_headers, **options)
        check_response(response)
        self.document.check_response(method, path, response)
        return response

    def ok(self, status: int, response: TestResponse) -> dict[str, Any]:
        """Return the JSON of a response that must have the status."""
        assert response.status_code == status, response.text
        body = response.json
        assert isinstance(body, dict)
        return body

    def available_balances(self) -> dict[str, str]:
        """Return the available balances that are not zero, by asset."""
        balances = self.ok(200, self.get("/api/wallet/balances"))
        return {
            holding["asset"]: holding["available"]
            for account in ("funding", "trading")
            for holding in balances[account]
            if holding["available"].strip("0.")
        }


def check_response(response: TestResponse) -> None:
    """Check what holds for every response of the API."""
    status, headers = response.status_code, response.headers
    assert status < 500, response.text
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", headers["X-Request-Id"], re.ASCII)
    for name, value in _SECURITY_HEADERS.items():
        assert headers.getlist(name) == [value], name
    assert ("RateLimit" in headers) == ("RateLimit-Policy" in headers)
    if "RateLimit" in headers:
        policy = re.fullmatch(r'"([a-z-]+)";q=([0-9]+);w=([0-9]+)', headers["RateLimit-Policy"])
        remaining = re.fullmatch(r'"([a-z-]+)";r=([0-9]+);t=([0-9]+)', headers["RateLimit"])
        assert policy is not None
        assert remaining is not None
        assert policy[1] == remaining[1]
        assert int(remaining[2]) <= int(policy[2])
        assert 0 < int(remaining[3]) <= int(policy[3]) == _MINUTE
    if status == 204:
        assert response.data == b""
        assert "Content-Type" not in headers
    elif status < 400:
        assert response.content_type == JSON or response.mimetype in FILE_TYPES
    else:
        _check_problem(response)


def _check_problem(response: TestResponse) -> None:
    status, problem = response.status_code, response.json
    assert response.content_type == PROBLEM
    has_errors = status == 422 or problem["code"] in CODES_WITH_ERRORS
    extra = {"reason"} if problem["code"] == "market_halted" else set()
    assert set(problem) - {"limit"} == _PROBLEM_MEMBERS | extra | (
        {"errors"} if has_errors else set()
    )
    assert ("limit" in problem) == (problem["code"] in CODES_WITH_LIMIT)
    assert problem["status"] == status
    assert re.fullmatch(r"[a-z][a-z0-9_]*", problem["code"], re.ASCII)
    assert problem["type"] == f"/api/docs/errors#{problem['code']}"
    assert problem["requestId"] == response.headers["X-Request-Id"]
    assert problem["title"]
    assert problem["detail"]
    assert "Idempotent-Replayed" not in response.headers
    for error in problem.get("errors", ()):
        assert set(error) == {"field", "message"}
        assert error["field"]
        assert error["message"]
    if has_errors:
        assert problem["errors"]
    if status == 401:
        assert response.headers["WWW-Authenticate"].startswith("Bearer ")
    if status == 405:
        assert response.headers["Allow"]
    if status == 429:
        assert int(response.headers["Retry-After"]) > 0


def assert_problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Check status and code of a refusal, and return its problem document."""
    assert (response.status_code, response.json["code"]) == (status, code), response.text
    return response.json


def wrong_fields(response: TestResponse) -> list[str]:
    """Return the fields that a 422 names."""
    return [
        error["field"] for error in assert_problem(response, 422, "validation_failed")["errors"]
    ]
