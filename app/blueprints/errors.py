"""Refusals as HTTP responses: one table from kind to status, problem+json or an error page."""

import json
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, request
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException

from app.blueprints import audit_denials
from app.blueprints.rendering import render_page
from app.kit import clock, telemetry
from app.kit import errors as kit_errors
from app.limits.errors import LimitExceeded

log = structlog.get_logger("edge")

PROBLEM_MEDIA_TYPE = "application/problem+json"
_PROBLEM_JSON_PATHS = ("/api/", "/webhooks/", "/gateway/", "/health/", "/metrics/")


class UnsupportedMediaType(kit_errors.Refusal):
    """The body is not declared as JSON."""

    code = "unsupported_media_type"
    title = "Send the body as application/json."


class BodyTooLarge(kit_errors.Refusal):
    """The body is larger than any request needs."""

    code = "body_too_large"
    title = "The request body is too large."


class RequestTimedOut(kit_errors.Refusal):
    """The headers or the body did not arrive in time. The front sends it (deploy/haproxy.cfg)."""

    code = "request_timeout"
    title = "The request took too long to arrive."


class MalformedJson(kit_errors.MalformedRequest):
    """The body is not one JSON document that every parser would read alike."""

    code = "malformed_json"
    title = "The body is not valid JSON."


class MalformedForm(kit_errors.MalformedRequest):
    """The body is not the form that its Content-Type declares."""

    code = "malformed_form"
    title = "The form could not be read."


class BadRequest(kit_errors.MalformedRequest):
    """The request line, the host or the headers are invalid."""

    code = "bad_request"
    title = "The request is not valid."


class MethodNotAllowed(kit_errors.Refusal):
    """The path exists, but not for this method. `Allow` lists its methods."""

    code = "method_not_allowed"
    title = "This path does not support this method."


class InternalError(kit_errors.Refusal):
    """Something went wrong on our side. The request ID identifies it in our logs."""

    code = "internal_error"
    title = "Something went wrong on our side."


class InvalidRequest(kit_errors.Invalid):
    """Values of the request are invalid: `errors` names each field with a message."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__(*problems[0])
        self.problems = problems
        self.detail = " ".join(f"{field}: {message}" for field, message in problems[:5])


STATUS_BY_KIND: dict[type[kit_errors.Refusal], int] = {
    kit_errors.Refusal: 409,
    kit_errors.MalformedRequest: 400,
    kit_errors.Unauthenticated: 401,
    kit_errors.PermissionDenied: 403,
    kit_errors.NotFound: 404,
    MethodNotAllowed: 405,
    RequestTimedOut: 408,
    kit_errors.Conflict: 409,
    BodyTooLarge: 413,
    UnsupportedMediaType: 415,
    kit_errors.Invalid: 422,
    kit_errors.RateLimited: 429,
    InternalError: 500,
    kit_errors.FeatureDisabled: 501,
    kit_errors.Unavailable: 503,
}

_KIND_BY_STATUS: dict[int, type[kit_errors.Refusal]] = {
    401: kit_errors.Unauthenticated,
    403: kit_errors.PermissionDenied,
    404: kit_errors.NotFound,
    405: MethodNotAllowed,
    408: RequestTimedOut,
    413: BodyTooLarge,
    415: UnsupportedMediaType,
}


def status_of(refusal: type[kit_errors.Refusal]) -> int:
    """Return the HTTP status of a refusal, that of its nearest kind in the table."""
    return next(STATUS_BY_KIND[kind] for kind in refusal.__mro__ if kind in STATUS_BY_KIND)


def status_beside_form(refusal: kit_errors.Refusal) -> int:
    """Return the status of a form that is shown again: 422 instead of 401, which would make the
    browser ask for credentials by itself."""
    return 422 if isinstance(refusal, kit_errors.Unauthenticated) else status_of(type(refusal))


def list_error_codes() -> dict[str, list[type[kit_errors.Refusal]]]:
    """Return every error code with the classes of refusals that have it."""
    codes: dict[str, list[type[kit_errors.Refusal]]] = {}
    waiting = list(kit_errors.Refusal.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind not in codes.setdefault(kind.code, []):
            codes[kind.code].append(kind)
    return {
        code: sorted(kinds, key=lambda kind: (len(kind.__mro__), kind.__name__))
        for code, kinds in sorted(codes.items())
    }


def register(app: Flask) -> None:
    """Turn every refusal, HTTP error and unexpected exception into a response."""
    app.register_error_handler(kit_errors.Refusal, _handle_refusal)
    app.register_error_handler(HTTPException, handle_http_error)
    app.register_error_handler(Exception, _handle_unexpected)


def _handle_refusal(refusal: kit_errors.Refusal) -> Response:
    audit_denials.record(refusal)
    if isinstance(refusal, kit_errors.Unavailable):
        log.warning("unavailable", reason=str(refusal))
    return render_refusal(refusal)


def is_for_programs() -> bool:
    """Return whether programs send the current request, not people."""
    return f"{request.path}/".startswith(_PROBLEM_JSON_PATHS)


def render_refusal(refusal: kit_errors.Refusal) -> Response:
    """Return the refusal as problem+json for programs, or else as an error page."""
    status = status_of(type(refusal))
    # For a host that is not ours no page can be rendered: it could not link anywhere.
    if is_for_programs() or request_ctx.url_adapter is None:
        response = Response(
            json.dumps(_problem_document(refusal, status), ensure_ascii=False),
            status,
            mimetype=PROBLEM_MEDIA_TYPE,
        )
    else:
        response = render_page(
            "errors/error.html",
            status=status,
            title=_page_title(refusal, status),
            refusal=refusal,
            code=status,
            request_id=telemetry.request_id.get(),
        )
    if status == HTTPStatus.UNAUTHORIZED and response.mimetype == PROBLEM_MEDIA_TYPE:
        response.headers["WWW-Authenticate"] = 'Bearer realm="pbcex"'
    response.headers["Cache-Control"] = "no-store"
    return add_retry_after(response, refusal)


def add_retry_after(response: Response, refusal: kit_errors.Refusal) -> Response:
    """Add when to try again to the response, where the refusal says it."""
    seconds = getattr(refusal, "retry_after_seconds", None)
    if seconds is not None:
        response.headers["Retry-After"] = str(seconds)
    return response


def _page_title(refusal: kit_errors.Refusal, status: int) -> str:
    if status == HTTPStatus.NOT_FOUND:
        return "Page not found"
    title = refusal.title
    # A heading ends with a full stop only if it is more than one sentence.
    return title if ". " in title else title.removesuffix(".")


def _problem_document(refusal: kit_errors.Refusal, status: int) -> dict[str, Any]:
    problem: dict[str, Any] = {
        "type": f"/api/docs/errors#{refusal.code}",
        "title": refusal.title,
        "status": status,
        "detail": refusal.detail,
        "code": refusal.code,
        "requestId": telemetry.request_id.get(),
    }
    if refusal.reason_code:
        problem["reason"] = refusal.reason_code
    if isinstance(refusal, LimitExceeded):
        problem["limit"] = {
            "name": refusal.limit,
            "asset": refusal.asset,
            "maximum": refusal.maximum,
            "left": refusal.left,
            "freesAt": refusal.frees_at and clock.rfc3339(refusal.frees_at),
        }
    problems = getattr(refusal, "problems", None)
    if problems is None and isinstance(refusal, kit_errors.Invalid):
        problems = [(refusal.field, refusal.message)]
    if problems is not None:
        problem["errors"] = [{"field": field, "message": message} for field, message in problems]
    return problem


def handle_http_error(error: HTTPException) -> Response | HTTPException:
    """Return the response to an error of Flask or Werkzeug; a redirect is returned as it is."""
    code = error.code or 500
    if code < HTTPStatus.BAD_REQUEST:
        return error
    if code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _handle_unexpected(error)
    response = render_refusal(_KIND_BY_STATUS.get(code, BadRequest)())
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _handle_unexpected(error: Exception) -> Response:
    cause = getattr(error, "original_exception", None) or error
    log.error("unexpected exception", exc_info=cause)
    return render_refusal(
        InternalError(f"{InternalError.title} Quote the request ID when you report it.")
    )
