"""Health of this process: liveness, readiness, and metrics.

In production the metrics and the details of readiness are on the internal port only (internal.py).
"""

import math
import os
import threading
import time
from collections.abc import Callable

import marshmallow as ma
from flask import Blueprint, Flask, Response, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from app.blueprints.api.schemas.fields import ApiSchema, EnumField
from app.blueprints.api_blueprint import ApiBlueprint
from app.blueprints.api_operation import RouteReply
from app.blueprints.rate_limits import RateLimit, counted_as
from app.config import VERSION
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.health import Condition, HealthCheck, worst_condition

_NO_STORE = {"Cache-Control": "no-store"}
# The routes are public and unlimited: the servers behind are checked at most once a second.
_CACHE_SECONDS = 1.0
_SHOWS_DETAILS = "health_shows_details"


class HealthViewSchema(ApiSchema):
    """The condition of the whole system, in one word."""

    status = EnumField(Condition, required=True)
    version = ma.fields.String(required=True, metadata={"examples": [VERSION]})


class CheckViewSchema(ApiSchema):
    """One dependency that was checked."""

    name = ma.fields.String(required=True, metadata={"examples": ["postgresql"]})
    status = EnumField(Condition, required=True)
    detail = ma.fields.String(required=True, metadata={"examples": ["answers"]})


class ReadyViewSchema(ApiSchema):
    """The condition of everything that this process needs. A degraded process still serves."""

    status = EnumField(Condition, required=True)
    checks = ma.fields.List(ma.fields.Nested(CheckViewSchema), required=True)


class LiveViewSchema(ApiSchema):
    """The response of a process that responds at all."""

    status = EnumField(Condition, required=True)


class Readiness:
    """The checks of this application, made at most once a second."""

    def __init__(self, probes: list[Callable[[], list[HealthCheck]]]) -> None:
        self._probes = probes
        self._lock = threading.Lock()
        self._checks: list[HealthCheck] = []
        self._checked_at = -math.inf

    def checks(self) -> list[HealthCheck]:
        """Return the results of the last checks."""
        with self._lock:
            if time.monotonic() - self._checked_at >= _CACHE_SECONDS:
                self._checks = [check for look in self._probes for check in look()]
                self._checked_at = time.monotonic()
            return self._checks


blp = ApiBlueprint("health", "/health", "Whether PBCEx can serve")


@blp.operation(
    "GET",
    "",
    operation_id="healthSummary",
    public=True,
    response_schema=HealthViewSchema,
    rate_limit=None,
    other_responses={503: HealthViewSchema},
)
def summary(_session: Session) -> RouteReply:
    """Show the version and the overall condition."""
    status = worst_condition(_checks())
    return RouteReply({"status": status, "version": VERSION}, _http_status(status), _NO_STORE)


@blp.operation(
    "GET",
    "/live",
    operation_id="healthLive",
    public=True,
    response_schema=LiveViewSchema,
    rate_limit=None,
)
def live(_session: Session) -> RouteReply:
    """Show that the process responds; no dependency is checked."""
    return RouteReply({"status": Condition.OK}, headers=_NO_STORE)


@blp.operation(
    "GET",
    "/ready",
    operation_id="healthReady",
    public=True,
    response_schema=ReadyViewSchema,
    rate_limit=None,
    other_responses={503: ReadyViewSchema},
)
def ready(_session: Session) -> RouteReply:
    """Show the condition of each dependency.

    Those are PostgreSQL, its durability, the migrations and Redis. Without Redis the system is
    degraded but serves, because PostgreSQL holds every fact. In production `checks` is empty, but
    for the internal port.
    """
    checks = _checks()
    status = worst_condition(checks)
    shown = checks if current_app.extensions[_SHOWS_DETAILS] else []
    return RouteReply({"status": status, "checks": shown}, _http_status(status), _NO_STORE)


metrics_blueprint = Blueprint("metrics", __name__)


@metrics_blueprint.get("/metrics")
@counted_as(RateLimit.METRICS)
def metrics() -> Response:
    """Show the metrics in Prometheus' text format.

    They cover this process, or all web processes when PROMETHEUS_MULTIPROC_DIR names a folder that
    is empty at start.
    """
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST, headers=_NO_STORE)


def register(
    app: Flask, probes: list[Callable[[], list[HealthCheck]]], *, shows_details: bool
) -> None:
    """Register the probes on which the readiness of this application depends. With
    `shows_details`, their results and the metrics are served."""
    app.extensions["readiness"] = Readiness(probes)
    app.extensions[_SHOWS_DETAILS] = shows_details
    if shows_details:
        app.register_blueprint(metrics_blueprint)


def serve_nothing_else(app: Flask) -> None:
    """Answer 404 to every request but those for the health and the metrics."""

    @app.before_request
    def refuse_others() -> None:
        if request.blueprint not in {blp.name, metrics_blueprint.name}:
            raise NotFound


def _checks() -> list[HealthCheck]:
    readiness: Readiness = current_app.extensions["readiness"]
    return readiness.checks()


def _http_status(status: Condition) -> int:
    return 503 if status is Condition.FAILING else 200
