"""Alive, ready, degraded, failing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.blueprints import health
from app.blueprints.health import Readiness
from app.config import VERSION
from app.embedded.network_ports import free_port
from app.keys.ports import KeyRing
from app.keys.ring import FileKeyRing
from app.kit.db import Database
from app.kit.health import Condition, HealthCheck, check_database, worst_condition
from app.kit.ports import provide, resolve


def test_all_is_well(client: FlaskClient) -> None:
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json == {
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


def test_nobody_is_limited(client: FlaskClient) -> None:
    assert "RateLimit" not in client.get("/health/ready").headers


def test_without_redis_it_still_serves(variant: Callable[..., Flask]) -> None:
    client = variant(redis_url=f"redis://127.0.0.1:{free_port()}/0").test_client()
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert answer.json["checks"][-1] == {
        "name": "redis",
        "status": "degraded",
        "detail": "unavailable; PostgreSQL is used instead",
    }


def test_without_its_keys_it_still_serves_what_is_not_sealed(
    variant: Callable[..., Flask], tmp_path: Path
) -> None:
    before = resolve(KeyRing)
    try:
        client = variant().test_client()
        provide(KeyRing, FileKeyRing(tmp_path / "keys.json", create=False))
        answer = client.get("/health/ready")
    finally:
        provide(KeyRing, before)
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert answer.json["checks"][-2] == {
        "name": "keys",
        "status": "degraded",
        "detail": "cannot be read; sealed data is unavailable",
    }
    assert str(tmp_path) not in answer.text


def test_without_postgresql_it_does_not(variant: Callable[..., Flask]) -> None:
    nowhere = f"postgresql+psycopg://x:x@127.0.0.1:{free_port()}/x"
    client = variant(database_url=nowhere).test_client()
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json["status"]) == (503, "failing")
    assert answer.json["checks"][0] == {
        "name": "postgresql",
        "status": "failing",
        "detail": "The database cannot be reached. Nothing was changed. Try again in a moment.",
    }
    assert client.get("/health").status_code == 503
    assert client.get("/health/live").status_code == 200
    refused = client.get("/api/trade/prices")
    assert (refused.status_code, refused.json["code"]) == (503, "unavailable")
    assert refused.headers["Retry-After"] == "1"


def test_pending_migrations_fail(database: Database) -> None:
    checks = {check.name: check for check in check_database(database, ["9999"])}
    assert checks["migrations"].status is Condition.FAILING
    assert checks["migrations"].detail.endswith(", expected 9999")


@pytest.mark.parametrize("setting", ["off", "local", "remote_write"])
def test_a_database_that_may_forget_fails(variant: Callable[..., Flask], setting: str) -> None:
    database = variant().extensions["database"]
    with database.transaction() as session:
        # For the one connection that this application has so far.
        session.send(f"SET synchronous_commit = {setting}")
    checks = {check.name: check for check in check_database(database, ["0001"])}
    assert checks["durability"] == HealthCheck(
        "durability", Condition.FAILING, "switched off: synchronous_commit"
    )


def test_the_servers_behind_are_asked_once_a_second() -> None:
    looks = 0

    def look() -> list[HealthCheck]:
        nonlocal looks
        looks += 1
        return [HealthCheck("x", Condition.OK, "fine")]

    readiness = Readiness([look])
    assert [readiness.checks() for _ in range(50)] == [
        [HealthCheck("x", Condition.OK, "fine")]
    ] * 50
    assert looks <= 2
    assert health._CACHE_SECONDS == 1.0


def test_the_worst_counts() -> None:
    good, bad = HealthCheck("a", Condition.OK, ""), HealthCheck("b", Condition.DEGRADED, "")
    assert worst_condition([]) is worst_condition([good]) is Condition.OK
    assert worst_condition([bad, good]) is Condition.DEGRADED
    assert (
        worst_condition([bad, HealthCheck("c", Condition.FAILING, ""), good]) is Condition.FAILING
    )
