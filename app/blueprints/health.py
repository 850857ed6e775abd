"""Whether this process lives, whether it can serve, and its counters."""

import math
import os
import threading
import time
from collections.abc import Callable

import marshmallow as ma
from flask import Blueprint, Flask, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from app.blueprints.api.schemas.fields import Choice, Schema
from app.blueprints.api_blueprint import ApiBlueprint, Reply
from app.config import VERSION
from app.kit.db import Session
from app.kit.health import Condition, HealthCheck, worst_condition

_NO_STORE = {"Cache-Control": "no-store"}
# Anybody may ask, as often as they like: the servers behind are asked at most once a second.
_REMEMBER_SECONDS = 1.0


class HealthView(Schema):
    """The condition of the whole in one word."""

    status = Choice(Condition, required=True)
    version = ma.fields.String(required=True, metadata={"examples": [VERSION]})


class CheckView(Schema):
    """One thing that was looked at."""

    name = ma.fields.String(required=True, metadata={"examples": ["postgresql"]})
    status = Choice(Condition, required=True)
    detail = ma.fields.String(required=True, metadata={"examples": ["answers"]})


class ReadyView(Schema):
    """The condition of everything this process needs. Degraded still serves."""

    status = Choice(Condition, required=True)
    checks = ma.fields.List(ma.fields.Nested(CheckView), required=True)


class LiveView(Schema):
    """Said by a process that answers at all."""

    status = Choice(Condition, required=True)


class Readiness:
    """The checks of this application, looked at no more than once a second."""

    def __init__(self, looks: list[Callable[[], list[HealthCheck]]]) -> None:
        self._looks = looks
        self._lock = threading.Lock()
        self._checks: list[HealthCheck] = []
        self._looked_at = -math.inf

    def checks(self) -> list[HealthCheck]:
        """What was found at the last look."""
        with self._lock:
            if time.monotonic() - self._looked_at >= _REMEMBER_SECONDS:
                self._checks = [check for look in self._looks for check in look()]
                self._looked_at = time.monotonic()
            return self._checks


blp = ApiBlueprint("health", "/health", "Whether the exchange can serve")


@blp.operation(
    "GET",
    "",
    operation_id="healthSummary",
    public=True,
    gives=HealthView,
    rate_limit=None,
    replies={503: HealthView},
)
def summary(_session: Session) -> Reply:
    """The version and the condition in one word."""
    status = worst_condition(_checks())
    return Reply({"status": status, "version": VERSION}, _http_status(status), _NO_STORE)


@blp.operation(
    "GET", "/live", operation_id="healthLive", public=True, gives=LiveView, rate_limit=None
)
def live(_session: Session) -> Reply:
    """The process answers; nothing else is looked at."""
    return Reply({"status": Condition.OK}, headers=_NO_STORE)


@blp.operation(
    "GET",
    "/ready",
    operation_id="healthReady",
    public=True,
    gives=ReadyView,
    rate_limit=None,
    replies={503: ReadyView},
)
def ready(_session: Session) -> Reply:
    """Each thing that serving needs: PostgreSQL, its durability, the migrations, Redis.

    Without Redis the exchange is degraded but serves, because PostgreSQL holds every fact.
    """
    checks = _checks()
    status = worst_condition(checks)
    return Reply({"status": status, "checks": checks}, _http_status(status), _NO_STORE)


metrics_blueprint = Blueprint("metrics", __name__)


@metrics_blueprint.get("/metrics")
def metrics() -> Response:
    """The counters in Prometheus' text format.

    They are of this process, or of all web processes when PROMETHEUS_MULTIPROC_DIR names a folder
    that is empty at start.
    """
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST, headers=_NO_STORE)


def register(app: Flask, looks: list[Callable[[], list[HealthCheck]]]) -> None:
    """Tell this application what its readiness depends on."""
    app.extensions["readiness"] = Readiness(looks)
    app.register_blueprint(metrics_blueprint)


def _checks() -> list[HealthCheck]:
    readiness: Readiness = current_app.extensions["readiness"]
    return readiness.checks()


def _http_status(status: Condition) -> int:
    return 503 if status is Condition.FAILING else 200
