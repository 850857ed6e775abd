"""The outermost layer of the application: request id, security headers, log line, metrics.

It is WSGI middleware around Flask, not hooks inside Flask: it also covers the responses that Flask
makes by itself, its timing covers all of Flask, and it costs a list concatenation where hooks cost
a tenth of a request. The routes pass facts to it in the request's environment (`environ_keys`).
"""

import re
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import Counter, Histogram

from app.blueprints.environ_keys import ACTOR, ROUTE
from app.blueprints.security_headers import HeaderList, SecurityHeaders
from app.config import Settings
from app.kit import ids, telemetry

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger("http")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
# Monitoring asks for these every few seconds: they are counted, not logged.
_UNLOGGED_ROUTES = frozenset({"/health", "/health/live", "/health/ready", "/metrics"})

_REQUESTS = Counter("pbcex_http_requests", "Requests answered", ["method", "route", "status"])
_DURATIONS = Histogram(
    "pbcex_http_request_seconds",
    "Time from the request's headers to the answer's",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class RequestMiddleware:
    """WSGI middleware around the whole application."""

    def __init__(self, application: "WSGIApplication", settings: Settings) -> None:
        self._application = application
        self._security_headers = SecurityHeaders(settings)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serve one request."""
        started = time.perf_counter()
        # Always our own: the audit trail keeps it, and a sender could choose that of another act.
        request_id = ids.new().hex
        token = telemetry.request_id.set(request_id)

        def start(status: str, headers: HeaderList, *exc_info: Any) -> Callable[[bytes], object]:
            headers = [*headers, ("X-Request-Id", request_id)]
            self._security_headers.add(headers, environ)
            _record_request(environ, status[:3], time.perf_counter() - started)
            return start_response(status, headers, *exc_info)

        try:
            return self._application(environ, start)
        finally:
            telemetry.request_id.reset(token)


@lru_cache(maxsize=4096)
def _metric_series(method: str, route: str, status: str) -> tuple[Any, Any]:
    return _REQUESTS.labels(method, route, status), _DURATIONS.labels(method, route)


def _record_request(environ: "WSGIEnvironment", status: str, seconds: float) -> None:
    route = environ.get(ROUTE)
    # An unknown path or method is chosen by the sender: it must not make a series of its own.
    method = environ["REQUEST_METHOD"] if route else "(none)"
    route = route or "(none)"
    count, histogram = _metric_series(method, route, status)
    count.inc()
    histogram.observe(seconds)
    if route in _UNLOGGED_ROUTES:
        return
    event = {"method": method, "route": route, "status": int(status)}
    sent_id = environ.get("HTTP_X_REQUEST_ID", "")
    if _REQUEST_ID.fullmatch(sent_id):
        event["sent_request_id"] = sent_id
    actor = environ.get(ACTOR)
    if actor is not None:
        event["actor"] = str(actor.user_id)
    log.info("request", **event, ms=round(seconds * 1000, 2))
