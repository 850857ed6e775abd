"""The health endpoints: live, ready, degraded and failing."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from app.blueprints import health
from app.blueprints.health import Readiness
from app.config import VERSION, Environment
from app.embedded.network_ports import free_port
from app.factory import create_app
from app.keys.ports import KeyRing
from app.keys.ring import FileKeyRing
from app.kit.db import Database
from app.kit.health import Condition, HealthCheck, check_database, worst_condition
from app.kit.ports import provide, resolve


def test_ready_lists_all_checks_when_everything_works(client: FlaskClient) -> None:
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert response.json == {
        "status": "ok",
        "checks": [
            {"name": "postgresql", "status": "ok", "detail": "answers"},
            {"name": "durability", "status": "ok", "detail": "on"},
            {"name": "migrations", "status": "ok", "detail": "at head"},
            {"name": "keys", "status": "ok", "detail": "readable"},
            {"name": "redis", "status": "ok", "detail": "available"},
        ],
    }
    assert client.get("/health").json == {"status": "ok", "version": VERSION}
    assert client.get("/health/live").json == {"status": "ok"}


def test_health_has_no_rate_limit(client: FlaskClient) -> None:
    assert "RateLimit" not in client.get("/health/ready").headers


def test_ready_is_degraded_without_redis(variant: Callable[..., Flask]) -> None:
    client = variant(redis_url=f"redis://127.0.0.1:{free_port()}/0").test_client()
    response = client.get("/health/ready")
    assert (response.status_code, response.json["status"]) == (200, "degraded")
    assert response.json["checks"][-1] == {
        "name": "redis",
        "status": "degraded",
        "detail": "unavailable; PostgreSQL is used instead",
    }


def test_ready_is_degraded_without_the_key_ring_and_hides_its_path(
    variant: Callable[..., Flask], tmp_path: Path
) -> None:
    original_ring = resolve(KeyRing)
    try:
        client = variant().test_client()
        provide(KeyRing, FileKeyRing(tmp_path / "keys.json", create=False))
        response = client.get("/health/ready")
    finally:
        provide(KeyRing, original_ring)
    assert (response.status_code, response.json["status"]) == (200, "degraded")
    assert response.json["checks"][-2] == {
        "name": "keys",
        "status": "degraded",
        "detail": "cannot be read; sealed data is unavailable",
    }
    assert str(tmp_path) not in response.text


@pytest.mark.parametrize(
    ("instant", "status"), [("2028-11-02T04:59:59Z", "ok"), ("2028-11-02T05:00:00Z", "degraded")]
)
def test_ready_is_degraded_60_days_before_the_market_s_calendar_ends(
    variant: Callable[..., Flask], instant: str, status: str
) -> None:
    client = variant(market_hours="real").test_client()
    with time_machine.travel(datetime.fromisoformat(instant), tick=False):
        response = client.get("/health/ready")
    assert (response.status_code, response.json["status"]) == (200, status)
    assert response.json["checks"][-1] == {
        "name": "market_calendar",
        "status": status,
        "detail": "holidays are known until 1 Jan 2029, 05:00 UTC",
    }


def test_ready_is_degraded_while_a_metal_or_token_has_no_source_of_prices(
    variant: Callable[..., Flask],
) -> None:
    client = variant(
        price_feeds=("metalpriceapi",), metalpriceapi_key=SecretStr("key")
    ).test_client()
    response = client.get("/health/ready")
    assert (response.status_code, response.json["status"]) == (200, "degraded")
    assert response.json["checks"][-1] == {
        "name": "price_feeds",
        "status": "degraded",
        "detail": "PBCEX_PRICE_FEEDS names no source for PAXG",
    }


def test_ready_fails_without_postgresql_and_requests_get_503(variant: Callable[..., Flask]) -> None:
    unreachable = f"postgresql+psycopg://x:x@127.0.0.1:{free_port()}/x"
    client = variant(database_url=unreachable).test_client()
    response = client.get("/health/ready")
    assert (response.status_code, response.json["status"]) == (503, "failing")
    assert response.json["checks"][0] == {
        "name": "postgresql",
        "status": "failing",
        "detail": "The database cannot be reached. Nothing was changed. Try again in a moment.",
    }
    assert client.get("/health").status_code == 503
    assert client.get("/health/live").status_code == 200
    refused = client.get("/api/trade/prices")
    assert (refused.status_code, refused.json["code"]) == (503, "unavailable")
    assert refused.headers["Retry-After"] == "1"


def test_pending_migration_fails_the_check(database: Database) -> None:
    checks = {check.name: check for check in check_database(database, ["9999"])}
    assert checks["migrations"].status is Condition.FAILING
    assert checks["migrations"].detail.endswith(", expected 9999")


@pytest.mark.parametrize("setting", ["off", "local", "remote_write"])
def test_database_without_synchronous_commit_fails_the_check(
    variant: Callable[..., Flask], setting: str
) -> None:
    database = variant().extensions["database"]
    with database.transaction() as session:
        # This sets it for the only connection that the application has opened so far.
        session.send(f"SET synchronous_commit = {setting}")
    checks = {check.name: check for check in check_database(database, ["0001"])}
    assert checks["durability"] == HealthCheck(
        "durability", Condition.FAILING, "switched off: synchronous_commit"
    )


def test_checks_run_at_most_once_a_second() -> None:
    calls = 0

    def run_checks() -> list[HealthCheck]:
        nonlocal calls
        calls += 1
        return [HealthCheck("x", Condition.OK, "fine")]

    readiness = Readiness([run_checks])
    assert [readiness.checks() for _ in range(50)] == [
        [HealthCheck("x", Condition.OK, "fine")]
    ] * 50
    assert calls <= 2
    assert health._CACHE_SECONDS == 1.0


def test_worst_condition_is_the_overall_one() -> None:
    good, bad = HealthCheck("a", Condition.OK, ""), HealthCheck("b", Condition.DEGRADED, "")
    assert worst_condition([]) is worst_condition([good]) is Condition.OK
    assert worst_condition([bad, good]) is Condition.DEGRADED
    assert (
        worst_condition([bad, HealthCheck("c", Condition.FAILING, ""), good]) is Condition.FAILING
    )


@pytest.mark.parametrize("env", [Environment.PRODUCTION, Environment.STAGING])
def test_production_shows_no_details_and_no_metrics_in_public(
    variant: Callable[..., Flask], env: Environment
) -> None:
    client = variant(env=env).test_client()
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json["checks"]) == (200, [])
    assert client.get("/metrics").status_code == 404


def test_internal_application_shows_them_under_any_host_and_nothing_else(app: Flask) -> None:
    changes = {"env": Environment.PRODUCTION, "allowed_hosts": ("exchange.example.com",)}
    internal = create_app(app.extensions["settings"].model_copy(update=changes), is_internal=True)
    client = internal.test_client()
    try:
        ready = client.get("/health/ready", headers={"Host": "10.0.0.5:9464"})
        assert {"name": "postgresql", "status": "ok", "detail": "answers"} in ready.json["checks"]
        assert "pbcex_http_requests" in client.get("/metrics").text
        for path in ("/api/trade/prices", "/", "/auth/login", "/api/openapi.json", "/static/x.js"):
            assert client.get(path).status_code == 404
    finally:
        internal.extensions["database"].engine.dispose()
