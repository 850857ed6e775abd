"""Typed text does not leak: canaries in every field, parameter, path, cookie and header of every
route (canaries.py lists where each may appear)."""

import logging
import re
import sys
from collections.abc import Callable, Collection, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask, Response, has_request_context, request
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from app.access import Role
from app.audit import service as audit
from app.blueprints import environ_keys, route_registry
from app.branches.entities.rules import FIRST_ENTITY
from app.config import Settings
from app.factory import create_app
from app.identity.accounts import account_status, email_verification
from app.kit import ids, telemetry
from app.kit.db import Database, Session
from app.messages import email_delivery
from app.messages.models import Mail
from app.messages.ports import OutgoingEmail
from app.outbox import rules as outbox_rules
from app.outbox.models import StagedJob
from app.privacy import consents
from tests.api_client import OpenApiDocument
from tests.attacks.canaries import SECRET_FIELDS, Canaries, invalid_bodies, valid_value
from tests.house.authorization import OBJECT_KINDS
from tests.house.source import CHECKOUT
from tests.kyc.applicant import make_picture
from tests.mailbox import Mailbox, run_pending_jobs, use_mailbox
from tests.page_client import Browser
from tests.people import PASSWORD, People, credit, set_prices
from tests.rows import change_rows

#: How templates name the fields of forms.
_FIELD = re.compile(r"""(?:\bname="([A-Za-z_]+)"|(?:field|choice|tick)\("[^"]*", "([A-Za-z_]+)")""")
#: Bodies whose fields must match each other.
BODIES = {
    "/api/trade/quote": {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "10.00"},
    "/api/trade/order": {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "10.00"},
    "/api/wallet/transfer": {
        "asset": "PAXG", "amount": "1.00000000", "from": "funding", "to": "trading",
    },
}  # fmt: skip
#: Responses that must have been reached, which proves that requests got past the first check.
REACHED = {
    ("POST /api/auth/register", 201),
    ("POST /api/auth/forgot-password", 202),
    ("POST /api/auth/reset-password", 200),
    ("POST /api/kyc/documents", 201),
    ("POST /api/kyc/kyb/submit", 201),
    ("POST /api/kyc/submit", 201),
    ("POST /api/me/addresses", 201),
    ("POST /api/me/api-keys", 201),
    ("POST /api/trade/order", 201),
    ("POST /api/wallet/transfer", 201),
    ("PATCH /api/me", 200),
    ("POST /auth/reset-password", 200),
    ("POST /admin/approvals/{approval_id}/reject", 303),
    ("POST /admin/branches", 303),
    ("POST /admin/staff", 303),
}
#: Where canaries are searched for.
KINDS = {"response", "audit", "error", "log", "mail", "metrics", "outbox"}
#: Values with which a form passes its first check.
_VALID_VALUES = {
    "role": "SUPPORT",
    "entity": ids.encode("ent", FIRST_ENTITY),
    "confirm": "yes",
    "permission": "all:exposure:read",
    "act": "give",
}


@pytest.fixture
def logging_app(lone_app: Flask, logged: Callable[[], str]) -> Iterator[Flask]:
    """An application that logs at every level."""
    settings: Settings = lone_app.extensions["settings"]
    _forget_loggers()
    verbose = create_app(settings.model_copy(update={"log_level": "DEBUG"}))
    # As in production: elsewhere the messages of exceptions are logged and may quote input.
    telemetry.configure(level="DEBUG", with_messages=False)
    yield verbose
    telemetry.configure(level="WARNING", with_messages=True)
    _forget_loggers()
    verbose.extensions["database"].engine.dispose()


@pytest.fixture
def logged(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> Callable[[], str]:
    """Return everything logged so far, at any level."""
    caplog.set_level(logging.DEBUG)
    return lambda: capsys.readouterr().err + caplog.text


def _forget_loggers() -> None:
    """Make loggers read their configuration again, which they cache at first use."""
    for name, module in list(sys.modules.items()):
        if name.startswith("app."):
            getattr(getattr(module, "log", None), "__dict__", {}).pop("bind", None)


class CanaryWalk:
    """Types canaries into every input and searches every response."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.database: Database = app.extensions["database"]
        self.canaries = Canaries()
        self.secrets: set[str] = set()
        people = People(self.database)
        people.staff(Role.ADMIN)
        self.admin, self.customer = people.staff(Role.ADMIN), people.staff(Role.USER)
        self.forgetful = people.staff(Role.USER)
        with self.database.transaction() as session:
            email_verification.confirm_email(session, self.customer.user_id)
            consents.accept_required_policies(session, self.customer.user_id)
            for asset in ("USD", "PAXG"):
                credit(session, self.customer.user_id, "1000", asset)
        set_prices(self.database, AU="4000", PAXG="4000")
        self.statuses: set[tuple[str, int]] = set()
        self.public = {
            route.path for route in route_registry.list_routes(app) if route.permission is None
        }
        self.client = app.test_client(use_cookies=False)

    def bearer(self, email: str) -> dict[str, str]:
        """Return a bearer header with a new access token, and remember it as a secret."""
        response = self.client.post("/api/auth/login", json={"email": email, "password": PASSWORD})
        self.secrets |= {response.json["accessToken"], response.json["refreshToken"]}
        return {"Authorization": f"Bearer {response.json['accessToken']}"}

    def send(self, method: str, path: str, **options: Any) -> None:
        response = self.client.open(path, method=method, **options)
        assert response.status_code < 500, response.text
        self.statuses.add((f"{method} {path}", response.status_code))
        self.canaries.search_response(f"{method} {path}", response)

    # API

    def send_operations(self, only: Collection[str] = ()) -> None:
        """Send every operation of the document, valid and invalid, signed in and not."""
        document = OpenApiDocument(self.app).definition
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if method != "parameters" and (not only or f"{method} {path}" in only):
                    self.send_operation(document, method.upper(), path, operation)

    def send_operation(self, document: Any, method: str, path: str, operation: Any) -> None:
        label, canaries = f"{method} {path}", self.canaries
        body: dict[str, Any] = {}
        if "requestBody" in operation:
            [(kind, media)] = operation["requestBody"]["content"].items()
            if kind != "application/json":
                self.send_uploads(method, path)
                return
            schema = media["schema"]
            body = BODIES.get(path) or valid_value(
                _resolve_references(document, schema), canaries, label, "body"
            )
        person = self.admin if "/admin/" in path else self.customer
        own_path = self.path_of(path, "own")
        for email in (person.email, None):
            authorization = self.bearer(email) if email else {}
            for target in (own_path, self.path_of(path, label)):
                self.send(
                    method, target, headers=canaries.headers(**authorization), json=body or None
                )
        for invalid in invalid_bodies(body, canaries, label) if body else ():
            authorization = self.bearer(person.email)
            self.send(method, own_path, headers=canaries.headers(**authorization), json=invalid)
        authorization = self.bearer(person.email)
        for name in [
            *(
                parameter["name"]
                for parameter in operation.get("parameters", ())
                if parameter["in"] == "query"
            ),
            canaries.new("name of a field", "query"),
        ]:
            query = {name: canaries.new(label, name)}
            self.send(
                method, own_path, headers=canaries.headers(**authorization), query_string=query
            )
        for data, content_type in (
            (f'{{"password": "{canaries.new(label, "malformed")}', "application/json"),
            (canaries.new(label, "text"), "text/plain"),
            (canaries.new(label, "text"), f"application/{canaries.new('header', 'Content-Type')}"),
        ):
            headers = canaries.headers(**authorization)
            self.send(method, own_path, headers=headers, data=data, content_type=content_type)

    def send_uploads(self, method: str, path: str) -> None:
        """Send uploads with canaries in the fields, the file's name and its content."""
        label, canaries = f"{method} {path}", self.canaries
        authorization = self.bearer(self.customer.email)

        def new(name: str) -> str:
            return canaries.new(label, name)

        comment = new("content").encode()
        inside = b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment
        for content, name, media_type, more in (
            (make_picture()[:2] + inside + make_picture()[2:], new("filename"), "", {}),
            (make_picture(), f"{new('filename')}.exe", "", {}),
            (make_picture(), "a.jpg", f"image/{new('media type')}", {}),
            (new("content").encode(), "a.jpg", "", {}),
            (b"%PDF-1.7\n" + new("content").encode() + b"\n%%EOF", "a.pdf", "", {}),
            (make_picture(), "a.jpg", "", {"type": new("type")}),
            (make_picture(), "a.jpg", "", {canaries.new("name of a field", "x"): new("x")}),
        ):
            file = FileStorage(BytesIO(content), name, content_type=media_type)
            border, body = encode_multipart({"type": "identity", "file": file, **more})
            for kind in (f"multipart/form-data; boundary={border}", "multipart/form-data"):
                headers = canaries.headers(**authorization)
                self.send(method, path, headers=headers, data=body, content_type=kind)

    def path_of(self, path: str, label: str) -> str:
        """Return the path, with an own object or a canary for each variable."""

        def filled(match: re.Match[str]) -> str:
            if label != "own":
                return self.canaries.new("path", match[1])
            rule = re.sub(r"\{([^}]+)\}", r"<\1>", path)
            if match[1] == "approval_id":
                return self.create_approval_request(by_admin=path.endswith(("edit", "withdraw")))
            owner = self.admin if path.startswith("/a") and "/api/me" not in path else self.customer
            object_kind = OBJECT_KINDS[rule]
            # A public route has no objects of one's own.
            return (
                object_kind.unknown_id
                if rule in self.public
                else object_kind.create(self.database, owner)
            )

        return re.sub(r"\{([^}]+)\}", filled, path)

    def create_approval_request(self, *, by_admin: bool) -> str:
        """Create an approval request, made by the administrator or waiting for their decision."""
        people = People(self.database)
        maker = self.admin if by_admin else people.staff(Role.COMPLIANCE)
        subject_id = people.customer().user_id
        with self.database.transaction() as session:
            approval_id = account_status.request_suspension(
                session, maker, subject_id, reason="a test of canaries"
            )
        return ids.encode("apr", approval_id)

    # Pages

    def send_pages(self) -> None:
        """Send every page and form with every known field, signed in and not."""
        fields = sorted(_field_names())
        for route in route_registry.list_routes(self.app):
            if not route.is_page:
                continue
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.path)
            for signed_in in (True, False):
                for values in ({}, _VALID_VALUES):
                    self.send_page(route.method, path, fields, values, signed_in=signed_in)

    def send_page(
        self, method: str, path: str, fields: list[str], values: dict[str, str], *, signed_in: bool
    ) -> None:
        browser = Browser(self.app)
        if signed_in:
            browser.sign_in(self.admin.email, PASSWORD)
        canaries, label = self.canaries, f"{method} {path}"
        path_label = "own" if values and not path.startswith("/mail") else label
        typed = {
            name: values.get(name) or canaries.new(label, name)
            for name in fields
            if name != "csrf_token"
        }
        headers = canaries.headers()
        # The browser sends its own Cookie and Origin; the other headers keep their canaries.
        del headers["Cookie"], headers["Origin"]
        if method == "GET":
            # No form sends a secret in a query string.
            query = {name: text for name, text in typed.items() if name not in SECRET_FIELDS}
            sent: dict[str, Any] = {"query_string": query}
        else:
            token = browser.get_page("/auth/login" if not signed_in else "/").all(
                "input", name="csrf_token"
            )[0]["value"]
            sent = {"data": {**typed, "csrf_token": token}}
            self.secrets.add(token)
        self.secrets |= {cookie.value for cookie in [browser.client.get_cookie("pbcex")] if cookie}
        target = self.path_of(path, path_label)
        response = browser.client.open(target, method=method, headers=headers, **sent)
        assert response.status_code < 500, response.text
        self.statuses.add((label, response.status_code))
        canaries.search_response(label, response)

    # Consequences

    def run_jobs(self) -> None:
        """Run every job; each email fails at first with an error that quotes its recipient."""
        with use_mailbox() as box:
            box.before_send = _quote_once()
            run_pending_jobs(self.database)
            self.canaries.search_tables(self.database)
            with self.database.transaction() as session:
                change_rows(session, StagedJob, StagedJob.dead_at.is_(None), last_error=None)
                change_rows(session, Mail, Mail.state == "sending", claimed_until=sa.func.now())
            run_pending_jobs(self.database)
            box.before_send = lambda _: None
            self.use_links(box)
            run_pending_jobs(self.database)
            self.canaries.search_emails(box)

    def use_links(self, box: Mailbox) -> None:
        """Use emailed links with canaries beside them, by the API and on the page."""
        for path in ("/api/auth/reset-password", "/auth/reset-password"):
            request_body = {"email": self.forgetful.email}
            self.send("POST", "/api/auth/forgot-password", json=request_body)
            run_pending_jobs(self.database)
            token, label = box.latest_token(self.forgetful.email), f"POST {path}"
            self.secrets |= {token, token.rpartition(".")[2]}
            fields = {"token": token, "password": f"{self.canaries.new(label, 'password')} horse"}
            if path.startswith("/api"):
                self.send("POST", path, json=fields, headers=self.canaries.headers())
            else:
                response = Browser(self.app).submit_form(f"{path}?token={token}", "reset", **fields)
                self.statuses.add((label, response.status_code))
                self.canaries.search_response(label, response)

    def search_remains(self, logged: str) -> None:
        """Search the audit trail, the metrics and the logs."""
        self.canaries.search_tables(self.database)
        self.canaries.search("metrics", self.client.get("/metrics").text, "/metrics")
        self.canaries.search_logs(logged)
        for secret in self.secrets:
            if secret in logged:
                self.canaries.leaks["log"].add("a real secret")


def _quote_once() -> Callable[[OutgoingEmail], None]:
    quoted: set[object] = set()

    def quote(mail: OutgoingEmail) -> None:
        if mail.id not in quoted:
            quoted.add(mail.id)
            raise ValueError(f"no such user: {mail.recipient}")

    return quote


def _resolve_references(document: Any, schema: Any) -> Any:
    """Return the schema with its references replaced."""
    if isinstance(schema, list):
        return [_resolve_references(document, item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        target = document
        for name in schema["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        return _resolve_references(document, target)
    return {name: _resolve_references(document, below) for name, below in schema.items()}


def _field_names() -> set[str]:
    """Return every name of a form field or query parameter in templates and views."""
    names = set()
    for folder, pattern in (
        ("app/templates", _FIELD),
        ("app/blueprints", re.compile(r"""(?:args|form)(?:\.get\(|\[)"(\w+)"()""")),
    ):
        for file in sorted(Path(CHECKOUT / folder).rglob("*.*")):
            if file.suffix in {".html", ".py"}:
                names |= {name for pair in pattern.findall(file.read_text()) for name in pair}
    return names - {"", "viewport"}


@pytest.mark.timeout(300)
def test_typed_canaries_appear_in_no_log_error_email_or_table(
    logging_app: Flask, logged: Callable[[], str]
) -> None:
    walk = CanaryWalk(logging_app)
    walk.send_operations()
    walk.send_pages()
    walk.run_jobs()
    walk.search_remains(logged())
    assert dict(walk.canaries.leaks) == {}
    assert REACHED - walk.statuses == set()
    searched = walk.canaries.searched
    assert searched.keys() >= KINDS
    assert min(searched["error"], searched["response"], searched["audit"], searched["log"]) > 200
    assert len(walk.canaries.typed) > 10_000


# Controls: a leak into each place must be found.


def _log_bodies(app: Flask, _patch: pytest.MonkeyPatch) -> None:
    app.before_request(lambda: logging.getLogger("leak").debug(request.get_data(as_text=True)))


def _quote_in_errors(app: Flask, _patch: pytest.MonkeyPatch) -> None:
    @app.after_request
    def quote(response: Response) -> Response:
        if response.status_code >= 400:
            response.set_data(response.get_data() + request.get_data())
        return response


def _show_tokens(app: Flask, _patch: pytest.MonkeyPatch) -> None:
    @app.after_request
    def show(response: Response) -> Response:
        response.headers["X-Debug"] = request.headers.get("Idempotency-Key", "")
        return response


def _greet_in_emails(_app: Flask, patch: pytest.MonkeyPatch) -> None:
    def greeting(
        mail_id: UUID, to: str, subject: str, text: str, html: str, **rest: Any
    ) -> OutgoingEmail:
        return OutgoingEmail(mail_id, to, subject, f"Dear {to}\n{text}", html, **rest)

    patch.setattr(email_delivery, "OutgoingEmail", greeting)


def _store_error_messages(_app: Flask, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outbox_rules, "describe_error", str)


def _record_user_agents(_app: Flask, patch: pytest.MonkeyPatch) -> None:
    record = audit.record

    def record_with_user_agent(session: Session, **fields: Any) -> object:
        user_agent = request.headers.get("User-Agent", "") if has_request_context() else ""
        return record(session, **{**fields, "after": {"by": user_agent}})

    patch.setattr(audit, "record", record_with_user_agent)


def _count_by_path(app: Flask, _patch: pytest.MonkeyPatch) -> None:
    app.before_request(lambda: request.environ.update({environ_keys.ROUTE: request.path}))


@pytest.mark.parametrize(
    ("leak", "into"),
    [
        (_log_bodies, "log"),
        (_quote_in_errors, "error"),
        (_show_tokens, "response"),
        (_greet_in_emails, "mail"),
        (_store_error_messages, "outbox"),
        (_record_user_agents, "audit"),
        (_count_by_path, "metrics"),
    ],
)
def test_control_leak_into_each_place_is_found(
    logging_app: Flask,
    logged: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    leak: Callable[[Flask, pytest.MonkeyPatch], None],
    into: str,
) -> None:
    leak(logging_app, monkeypatch)
    walk = CanaryWalk(logging_app)
    walk.send_operations({"post /api/auth/register", "get /api/me/addresses/{address_id}"})
    walk.run_jobs()
    walk.search_remains(logged())
    assert walk.canaries.leaks[into]
