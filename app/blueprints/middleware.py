"""What every response carries, whatever made it: security headers, request id, log line, metrics.

A WSGI layer around Flask, not hooks inside it: it also covers what Flask answers by itself, its
clock covers all of Flask, and it costs a list concatenation where hooks cost a tenth of a request.
The routes tell it what they know through the request's environment (`ROUTE`, `ACTOR`,
`RATE_LIMIT`, `NONCE`).
"""

import re
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import Counter, Histogram

from app.config import Settings
from app.kit import ids, telemetry

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger("http")

#: Where a request's own facts are kept in its environment.
ROUTE = "pbcex.route"
ACTOR = "pbcex.actor"
RATE_LIMIT = "pbcex.rate_limit"
NONCE = "pbcex.nonce"
#: The session that a page's view has open, for what the layout around it tells.
SESSION = "pbcex.session"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
# What programs are answered loads nothing.
_CSP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# Pages load our own files only, without inline script or style.
_PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
# Pages for people run nothing but the scripts that this response names; their forms say where they
# come from, and other sites are told nothing.
_NONCE_CSP = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types htmx"
)
_SECURITY = [
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]
_HSTS = ("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
_EXPOSED = "X-Request-Id, RateLimit, RateLimit-Policy, Retry-After, Idempotent-Replayed"
_CORS = [
    ("Access-Control-Expose-Headers", _EXPOSED),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, X-Request-Id"),
    ("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE"),
    ("Access-Control-Max-Age", "600"),
]
# Asked for every few seconds by machines: counted, not logged.
_UNLOGGED_ROUTES = frozenset({"/health", "/health/live", "/health/ready", "/metrics"})

_REQUESTS = Counter("pbcex_http_requests", "Requests answered", ["method", "route", "status"])
_DURATIONS = Histogram(
    "pbcex_http_request_seconds",
    "Time from the request's headers to the answer's",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

HeaderList = list[tuple[str, str]]


class RequestMiddleware:
    """The outermost layer of the application."""

    def __init__(self, application: "WSGIApplication", settings: Settings) -> None:
        self._application = application
        self._origins = frozenset(settings.cors_origins)
        self._headers = [*_SECURITY, _HSTS] if settings.is_production else _SECURITY

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serve one request."""
        started = time.perf_counter()
        sent_id = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = sent_id if _REQUEST_ID.fullmatch(sent_id) else ids.new().hex
        token = telemetry.request_id.set(request_id)

        def start(status: str, headers: HeaderList, *exc_info: Any) -> Callable[[bytes], object]:
            headers = [*headers, ("X-Request-Id", request_id), *self._headers]
            self._add(headers, environ)
            _record_request(environ, status[:3], time.perf_counter() - started)
            return start_response(status, headers, *exc_info)

        try:
            return self._application(environ, start)
        finally:
            telemetry.request_id.reset(token)

    def _add(self, headers: HeaderList, environ: "WSGIEnvironment") -> None:
        names = {name for name, _value in headers}
        nonce = environ.get(NONCE)
        headers.append(("Referrer-Policy", "same-origin" if nonce else "no-referrer"))
        if nonce:
            headers.append(("Content-Security-Policy", _NONCE_CSP.format(nonce=nonce)))
        elif "Content-Security-Policy" not in names:
            page = ("Content-Type", "text/html; charset=utf-8") in headers
            headers.append(("Content-Security-Policy", _PAGE_CSP if page else _CSP))
        api = environ["PATH_INFO"].startswith("/api/")
        if api and "Cache-Control" not in names:
            headers.append(("Cache-Control", "no-store"))
        counted = environ.get(RATE_LIMIT)
        if counted is not None:
            headers += counted
        if self._origins:
            headers.append(("Vary", "Origin"))
            origin = environ.get("HTTP_ORIGIN")
            if api and origin in self._origins:
                headers += [("Access-Control-Allow-Origin", origin), *_CORS]
        elif api:
            headers.append(("Cross-Origin-Resource-Policy", "same-origin"))


@lru_cache(maxsize=4096)
def _metric_series(method: str, route: str, status: str) -> tuple[Any, Any]:
    return _REQUESTS.labels(method, route, status), _DURATIONS.labels(method, route)


def _record_request(environ: "WSGIEnvironment", status: str, seconds: float) -> None:
    route = environ.get(ROUTE)
    # A path or method that no route has is a stranger's word: it makes no series of its own.
    method = environ["REQUEST_METHOD"] if route else "(none)"
    route = route or "(none)"
    count, histogram = _metric_series(method, route, status)
    count.inc()
    histogram.observe(seconds)
    if route in _UNLOGGED_ROUTES:
        return
    event = {"method": method, "route": route, "status": int(status)}
    actor = environ.get(ACTOR)
    if actor is not None:
        event["actor"] = str(actor.user_id)
    log.info("request", **event, ms=round(seconds * 1000, 2))
