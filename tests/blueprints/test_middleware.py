"""The headers of every response, request IDs, CORS, the request log and the metrics."""

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
def test_every_response_has_the_security_headers_once(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    # This is a page for people: it has forms, and a cookie for their CSRF token.
    is_page = path == "/nothing"
    assert headers["Referrer-Policy"] == ("same-origin" if is_page else "no-referrer")
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-Id"])
    for name in ("Server", "X-Powered-By", "Strict-Transport-Security"):
        assert name not in headers
    assert is_page or "Set-Cookie" not in headers
    for name in dict(headers):
        assert len(headers.getlist(name)) == 1, name


def test_policy_allows_our_scripts_on_pages_only(client: FlaskClient) -> None:
    docs_policy = client.get("/api/docs").headers["Content-Security-Policy"]
    json_policy = client.get("/api/openapi.json").headers["Content-Security-Policy"]
    assert "script-src 'self';" in docs_policy
    assert "script-src" not in json_policy


@pytest.mark.parametrize("sent_id", ["abc-123_X.y", "", "x" * 65, "a b", 'a"b', "ä", "{}", "a;b"])
def test_request_id_is_ours_whatever_the_sender_calls_it(client: FlaskClient, sent_id: str) -> None:
    response = client.get("/api/x", headers={"X-Request-Id": sent_id})
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-Id"])
    assert response.json["requestId"] == response.headers["X-Request-Id"]


@pytest.fixture
def production_client(variant: Callable[..., Flask]) -> FlaskClient:
    """Return a client of an application whose middleware is set up as in production."""
    origins = ("https://app.example.com",)
    return variant(env=Environment.PRODUCTION, cors_origins=origins).test_client()


class TestProduction:
    def test_response_in_production_has_hsts(self, production_client: FlaskClient) -> None:
        assert (
            "max-age=" in production_client.get("/health/live").headers["Strict-Transport-Security"]
        )

    def test_listed_origin_gets_cors_headers(self, production_client: FlaskClient) -> None:
        response = production_client.options(
            "/api/auth/login", headers={"Origin": "https://app.example.com"}
        )
        assert response.status_code == 200
        assert response.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
        assert "Idempotency-Key" in response.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in response.headers
        assert response.headers["Vary"] == "Origin"

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
    def test_other_origin_gets_no_cors_headers(
        self, production_client: FlaskClient, origin: str
    ) -> None:
        response = production_client.options("/api/auth/login", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in response.headers
        assert response.headers["Vary"] == "Origin"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Return a function that parses the log lines so far, written as in production."""
    config, handlers = structlog.get_config(), logging.getLogger().handlers[:]
    stream = io.StringIO()
    telemetry.configure(level="INFO", with_messages=False, stream=stream)
    monkeypatch.setattr(middleware, "log", structlog.get_logger())
    monkeypatch.setattr(blueprints_errors, "log", structlog.get_logger())
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.configure(**config)
    logging.getLogger().handlers[:] = handlers


Log = Callable[[], list[dict[str, Any]]]


class TestLog:
    """The log line of a request; canaries stand wherever a person can type something."""

    def test_request_is_logged_with_route_status_and_actor(
        self, log: Log, customer: SignedInCustomer
    ) -> None:
        response = customer.client.get(
            "/api/probe/things/canary-1?limit=3",
            headers=customer.headers(X_Request_Id="the-id", User_Agent="canary-2"),
        )
        (line,) = log()
        assert line.pop("ms") > 0
        assert re.fullmatch(r"20[0-9-]{8}T[0-9:.]+Z", line.pop("timestamp"))
        assert line == {
            "event": "request",
            "level": "info",
            "request_id": response.headers["X-Request-Id"],
            "sent_request_id": "the-id",
            "method": "GET",
            "route": "/api/probe/things/<thing_id>",
            "status": 200,
            "actor": str(customer.user_id),
        }

    def test_log_contains_no_text_that_people_typed(
        self, log: Log, customer: SignedInCustomer, client: FlaskClient
    ) -> None:
        responses = [
            customer.request_gift(note="canary"),
            customer.request_gift(note="break"),  # its exception message contains the canary
            client.get("/api/canary?canary=canary", headers={"Authorization": "Bearer canary"}),
            client.post(
                "/api/auth/login", json={"email": "canary@example.com", "password": "canary"}
            ),
            client.get("/canary", headers={"User-Agent": "canary", "Cookie": "canary=canary"}),
        ]
        assert [response.status_code for response in responses] == [201, 500, 404, 401, 404]
        lines = log()
        assert len([line for line in lines if line["event"] == "request"]) == 5
        (unexpected,) = [line for line in lines if line["event"] == "unexpected exception"]
        assert unexpected["exception"][0]["type"] == "tests.blueprints.probe.Broken"
        assert unexpected["request_id"] == responses[1].headers["X-Request-Id"]
        assert "canary" not in json.dumps(lines).lower()
        assert customer.token not in json.dumps(lines)

    def test_library_messages_are_logged_as_json_too(self, log: Log) -> None:
        logging.getLogger("a.library").warning("disk is %s", "full")
        (line,) = log()
        assert line.pop("timestamp")
        assert line == {"event": "disk is full", "level": "warning", "logger": "a.library"}

    def test_health_and_metrics_requests_are_not_logged(
        self, log: Log, client: FlaskClient
    ) -> None:
        client.get("/health/live")
        client.get("/metrics")
        assert log() == []

    def test_exception_is_described_by_type_and_place_without_its_message(self) -> None:
        def read_missing_key() -> str:
            return {}["canary"]

        def fail() -> None:
            try:
                read_missing_key()
            except KeyError as error:
                raise ValueError("canary") from error

        with pytest.raises(ValueError, match="canary") as caught_exception:
            fail()
        described = telemetry.describe(caught_exception.value, with_messages=False)
        assert [entry["type"] for entry in described] == [
            "builtins.ValueError",
            "builtins.KeyError",
        ]
        assert described[1]["frames"][-1].endswith(" read_missing_key")
        assert "canary" not in str(described)
        assert (
            telemetry.describe(caught_exception.value, with_messages=True)[0]["message"] == "canary"
        )


def test_requests_are_counted_by_route(customer: SignedInCustomer, client: FlaskClient) -> None:
    def request_count() -> float:
        text = client.get("/metrics").text
        series = 'pbcex_http_requests_total{method="GET",route="/api/probe/things/<thing_id>",'
        match = re.search(re.escape(series) + r'status="200"} ([0-9.]+)', text)
        return float(match[1]) if match else 0.0

    count_before = request_count()
    for number in range(3):
        client.get(f"/api/probe/things/{number}", headers=customer.headers())
    assert request_count() == count_before + 3


def test_unknown_paths_and_methods_create_no_metric_series(client: FlaskClient) -> None:
    client.open("/api/made-up-path", method="MADEUP")
    client.open("/health", method="MADEUP")
    text = client.get("/metrics").text
    assert "made-up-path" not in text
    assert "MADEUP" not in text
