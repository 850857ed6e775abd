"""What every response carries: security headers, the request's id, its log line and its metrics."""

import re
import time
from typing import Any

import structlog
from flask import Flask, Response, g, request
from prometheus_client import Counter, Histogram

from app.blueprints import limits
from app.config import Settings
from app.kit import ids, telemetry

log = structlog.get_logger("http")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
#: Answers for programs load nothing.
CSP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#: Pages load our own files only, without inline script or style.
PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
#: Pages rendered for people run nothing but the scripts that this response names.
NONCE_CSP = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types htmx"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_HSTS = {"Strict-Transport-Security": "max-age=63072000; includeSubDomains"}
_EXPOSED = "X-Request-Id, RateLimit, RateLimit-Policy, Retry-After, Idempotent-Replayed"
_CORS = {
    "Access-Control-Expose-Headers": _EXPOSED,
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, X-Request-Id",
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Max-Age": "600",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
# Asked for every few seconds by machines; said again in /metrics.
_QUIET = frozenset({"/health", "/health/live", "/health/ready", "/metrics"})

_REQUESTS = Counter("pbcex_http_requests", "Requests answered", ["method", "route", "status"])
_SECONDS = Histogram(
    "pbcex_http_request_seconds",
    "Time from the first byte read to the answer made",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def register(app: Flask, settings: Settings) -> None:
    """Begin and finish every request of this application."""
    headers = [*(_HEADERS | (_HSTS if settings.is_production else {})).items()]
    origins = frozenset(settings.cors_origins)

    def finish(response: Response) -> Response:
        response.headers.extend(headers)
        if "nonce" in g:
            response.headers["Content-Security-Policy"] = NONCE_CSP.format(nonce=g.nonce)
            # Forms say where they come from; other sites are told nothing.
            response.headers["Referrer-Policy"] = "same-origin"
        elif "Content-Security-Policy" not in response.headers:
            html = response.mimetype == "text/html"
            response.headers["Content-Security-Policy"] = PAGE_CSP if html else CSP
        if "Cache-Control" not in response.headers and request.path.startswith("/api"):
            response.headers["Cache-Control"] = "no-store"
        if origins:
            _add_cors(response, origins)
        limits.add_headers(response)
        response.headers["X-Request-Id"] = telemetry.request_id.get()
        _record(response)
        return response

    app.before_request(_begin)
    app.after_request(finish)


def _begin() -> None:
    g.started = time.perf_counter()
    given = request.environ.get("HTTP_X_REQUEST_ID", "")
    telemetry.request_id.set(given if _REQUEST_ID.fullmatch(given) else ids.new().hex)


def _add_cors(response: Response, origins: frozenset[str]) -> None:
    response.headers.add("Vary", "Origin")
    origin = request.environ.get("HTTP_ORIGIN")
    if origin in origins and request.path.startswith("/api"):
        response.headers["Access-Control-Allow-Origin"] = origin
        for name, value in _CORS.items():
            response.headers[name] = value


def _record(response: Response) -> None:
    seconds = time.perf_counter() - g.started
    route = request.url_rule.rule if request.url_rule else "(none)"
    # A method that no route has is a stranger's word: it must not become a series of its own.
    method = request.method if request.url_rule else "(none)"
    _REQUESTS.labels(method, route, response.status_code).inc()
    _SECONDS.labels(method, route).observe(seconds)
    if route in _QUIET:
        return
    event: dict[str, Any] = {
        "method": method,
        "route": route,
        "status": response.status_code,
        "ms": round(seconds * 1000, 2),
    }
    actor_id = g.get("actor_id")
    if actor_id is not None:
        event["actor"] = str(actor_id)
    log.info("request", **event)
