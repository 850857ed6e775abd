"""What every response carries, and what is written about it."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient

from app.blueprints import errors as blueprints_errors
from app.blueprints import middleware
from app.config import Environment
from app.kit import telemetry
from tests.blueprints.conftest import SignedInCustomer

PATHS = ["/health", "/api/nothing", "/nothing", "/api/docs", "/api/openapi.json", "/metrics"]


@pytest.mark.parametrize("path", PATHS)
def test_every_response(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    # The one that is a page for people: it has forms, and a cookie for their token.
    page = path == "/nothing"
    assert headers["Referrer-Policy"] == ("same-origin" if page else "no-referrer")
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-Id"])
    for name in ("Server", "X-Powered-By", "Strict-Transport-Security"):
        assert name not in headers
    assert page or "Set-Cookie" not in headers
    for name in dict(headers):
        assert len(headers.getlist(name)) == 1, name


def test_only_pages_may_run_our_scripts(client: FlaskClient) -> None:
    page = client.get("/api/docs").headers["Content-Security-Policy"]
    answer = client.get("/api/openapi.json").headers["Content-Security-Policy"]
    assert "script-src 'self';" in page
    assert "script-src" not in answer


@pytest.mark.parametrize("given", ["abc-123_X.y", "x", "x" * 64])
def test_a_request_id_is_taken(client: FlaskClient, given: str) -> None:
    assert client.get("/api/x", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", 'a"b', "ä", "{}", "a;b"])
def test_a_strange_request_id_is_not(client: FlaskClient, given: str) -> None:
    answer = client.get("/api/x", headers={"X-Request-Id": given})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])
    assert answer.json["requestId"] == answer.headers["X-Request-Id"]


@pytest.fixture
def live(variant: Callable[..., Flask]) -> FlaskClient:
    """A client of the application as in production, as far as the envelope can tell."""
    origins = ("https://app.example.com",)
    return variant(env=Environment.PRODUCTION, cors_origins=origins).test_client()


class TestProduction:
    def test_hsts(self, live: FlaskClient) -> None:
        assert "max-age=" in live.get("/health/live").headers["Strict-Transport-Security"]

    def test_a_listed_origin_may_call(self, live: FlaskClient) -> None:
        answer = live.options("/api/auth/login", headers={"Origin": "https://app.example.com"})
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
        assert "Idempotency-Key" in answer.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert answer.headers["Vary"] == "Origin"

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
    def test_another_origin_may_not(self, live: FlaskClient, origin: str) -> None:
        answer = live.options("/api/auth/login", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Vary"] == "Origin"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The lines written since, parsed, as a production process writes them."""
    before, handlers = structlog.get_config(), logging.getLogger().handlers[:]
    written = io.StringIO()
    telemetry.configure(level="INFO", with_messages=False, stream=written)
    monkeypatch.setattr(middleware, "log", structlog.get_logger())
    monkeypatch.setattr(blueprints_errors, "log", structlog.get_logger())
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    structlog.configure(**before)
    logging.getLogger().handlers[:] = handlers


Log = Callable[[], list[dict[str, Any]]]


class TestLog:
    """The line of a request, with canaries wherever a person could have typed something."""

    def test_says_what_happened(self, log: Log, customer: SignedInCustomer) -> None:
        customer.client.get(
            "/api/probe/things/canary-1?limit=3",
            headers=customer.headers(X_Request_Id="the-id", User_Agent="canary-2"),
        )
        (line,) = log()
        assert line.pop("ms") > 0
        assert re.fullmatch(r"20[0-9-]{8}T[0-9:.]+Z", line.pop("timestamp"))
        assert line == {
            "event": "request",
            "level": "info",
            "request_id": "the-id",
            "method": "GET",
            "route": "/api/probe/things/<thing_id>",
            "status": 200,
            "actor": str(customer.user_id),
        }

    def test_keeps_what_people_typed_to_itself(
        self, log: Log, customer: SignedInCustomer, client: FlaskClient
    ) -> None:
        answers = [
            customer.request_gift(note="canary"),
            customer.request_gift(note="break"),  # whose exception says canary
            client.get("/api/canary?canary=canary", headers={"Authorization": "Bearer canary"}),
            client.post(
                "/api/auth/login", json={"email": "canary@example.com", "password": "canary"}
            ),
            client.get("/canary", headers={"User-Agent": "canary", "Cookie": "canary=canary"}),
        ]
        assert [answer.status_code for answer in answers] == [201, 500, 404, 401, 404]
        lines = log()
        assert len([line for line in lines if line["event"] == "request"]) == 5
        (unexpected,) = [line for line in lines if line["event"] == "unexpected exception"]
        assert unexpected["exception"][0]["type"] == "tests.blueprints.probe.Broken"
        assert unexpected["request_id"] == answers[1].headers["X-Request-Id"]
        assert "canary" not in json.dumps(lines).lower()
        assert customer.token not in json.dumps(lines)

    def test_libraries_write_the_same_way(self, log: Log) -> None:
        logging.getLogger("a.library").warning("it says %s", "so")
        (line,) = log()
        assert line.pop("timestamp")
        assert line == {"event": "it says so", "level": "warning", "logger": "a.library"}

    def test_health_is_asked_too_often_to_be_told(self, log: Log, client: FlaskClient) -> None:
        client.get("/health/live")
        client.get("/metrics")
        assert log() == []

    def test_an_exception_is_told_by_type_and_place(self) -> None:
        def look() -> str:
            return {}["canary"]

        def fail() -> None:
            try:
                look()
            except KeyError as error:
                raise ValueError("canary") from error

        with pytest.raises(ValueError, match="canary") as caught:
            fail()
        described = telemetry.describe(caught.value, with_messages=False)
        assert [entry["type"] for entry in described] == [
            "builtins.ValueError",
            "builtins.KeyError",
        ]
        assert described[1]["frames"][-1].endswith(" look")
        assert "canary" not in str(described)
        assert telemetry.describe(caught.value, with_messages=True)[0]["message"] == "canary"


def test_metrics_count_by_route(customer: SignedInCustomer, client: FlaskClient) -> None:
    def value() -> float:
        text = client.get("/metrics").text
        series = 'pbcex_http_requests_total{method="GET",route="/api/probe/things/<thing_id>",'
        found = re.search(re.escape(series) + r'status="200"} ([0-9.]+)', text)
        return float(found[1]) if found else 0.0

    before = value()
    for number in range(3):
        client.get(f"/api/probe/things/{number}", headers=customer.headers())
    assert value() == before + 3


def test_a_stranger_cannot_make_series(client: FlaskClient) -> None:
    client.open("/api/made-up-path", method="MADEUP")
    client.open("/health", method="MADEUP")
    text = client.get("/metrics").text
    assert "made-up-path" not in text
    assert "MADEUP" not in text
