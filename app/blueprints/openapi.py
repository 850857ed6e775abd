"""The OpenAPI document, made from the same declarations that serve the requests."""

import json
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import marshmallow as ma
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_instance
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask, Response, request
from flask_smorest import Api

from app.access import NEEDS_CONFIRMED_EMAIL, EmailNotConfirmed
from app.blueprints import errors
from app.blueprints.api.schemas import fields
from app.blueprints.file_upload import FORM_MEDIA_TYPE
from app.blueprints.json_body import JSON_MEDIA_TYPE
from app.blueprints.rate_limits import RateLimit, counted_as
from app.idempotency.errors import (
    HEADER,
    IdempotencyInProgress,
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
)
from app.kit.errors import (
    NotFound,
    PermissionDenied,
    RateLimited,
    Refusal,
    Unauthenticated,
    Unavailable,
)

if TYPE_CHECKING:
    from app.blueprints.api_operation import ApiOperation

DESCRIPTION = """\
Buy, hold and sell precious metals.

Amounts are decimal strings with their asset beside them; times are RFC 3339 in UTC; ids are opaque.
Unknown fields are refused. Errors are `application/problem+json` (RFC 9457) with a stable `code`,
listed at [/api/docs/errors](/api/docs/errors). Send `Authorization: Bearer <accessToken>`, or an
API key in its place on the routes that its scopes allow. A POST that moves or reserves value needs
an `Idempotency-Key`: a repeated request with the same key gets the same response, without a second
effect.
"""


class ProblemFieldSchema(ma.Schema):
    """An invalid value, and a message that says what to do."""

    field = ma.fields.String(required=True, metadata={"examples": ["fromAmount"]})
    message = ma.fields.String(
        required=True, metadata={"examples": ["Enter an amount with at most 2 decimals of USD."]}
    )


class ProblemLimitSchema(ma.Schema):
    """The limit that the request would exceed."""

    name = ma.fields.String(required=True, metadata={"examples": ["card_day"]})
    asset = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Null for a number of payments", "examples": ["USD"]},
    )
    maximum = ma.fields.String(required=True, metadata={"examples": ["10000.00"]})
    left = ma.fields.String(required=True, metadata={"examples": ["250.00"]})
    frees_at = ma.fields.String(
        data_key="freesAt",
        required=True,
        allow_none=True,
        metadata={"format": "date-time", "description": "From when on the request fits"},
    )


class ProblemSchema(ma.Schema):
    """The reason why a request was refused (RFC 9457)."""

    type = ma.fields.String(
        required=True,
        metadata={"format": "uri-reference", "examples": ["/api/docs/errors#not_found"]},
    )
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True, metadata={"examples": [404]})
    detail = ma.fields.String(required=True)
    code = ma.fields.String(required=True, metadata={"examples": ["not_found"]})
    request_id = ma.fields.String(data_key="requestId", required=True)
    reason = ma.fields.String(
        metadata={
            "description": "Which of several reasons it is, where the code has several: why a "
            "market is closed or halted",
            "examples": ["holiday"],
        }
    )
    errors = ma.fields.List(
        ma.fields.Nested(ProblemFieldSchema),
        metadata={"description": "The invalid fields (422), or what prevents an erasure (409)"},
    )
    limit = ma.fields.Nested(
        ProblemLimitSchema, metadata={"description": "The limit that is used up (409)"}
    )


class _Converter(OpenAPIConverter):
    """Adds the constraints of a schema on several fields together."""

    def schema2jsonschema(self, schema: ma.Schema | type[ma.Schema]) -> dict[str, Any]:
        described: dict[str, Any] = super().schema2jsonschema(  # type: ignore[no-untyped-call] # of apispec
            schema
        )
        together = getattr(resolve_schema_instance(schema), "together", {})
        return {**described, **together}


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


class ProblemApi(Api):
    """flask-smorest with the error handler of `app.blueprints.errors`: it registers its handler for
    pages too, and problems have one renderer.
    """

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None
    handle_http_exception = staticmethod(errors.handle_http_error)


def register(app: Flask, *, version: str, public_url: str) -> ProblemApi:
    """Register the API of this application, with its document at /api/openapi.json."""
    app.config.update(
        API_TITLE="PBCEx",
        API_VERSION=version,
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {"description": DESCRIPTION},
            "servers": [{"url": public_url or "/"}],
        },
    )
    api = ProblemApi(spec_kwargs={"marshmallow_plugin": _Plugin()})
    for kind in (fields.PublicIdField, fields.AmountField, fields.TextField):
        api.register_field(kind, "string", None)
    api.register_field(fields.FileField, "string", "binary")
    api.register_field(fields.TimestampField, "string", "date-time")
    api.init_app(app)
    api.spec.components.security_scheme(
        "bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    )
    _serve_document(app, api)
    return api


def _serve_document(app: Flask, api: ProblemApi) -> None:
    """Serve the document at /api/openapi.json, made with the first request only."""

    @cache
    def make_document() -> tuple[bytes, str]:
        content = json.dumps(api.spec.to_dict(), ensure_ascii=False, indent=1).encode()
        return content, sha256(content).hexdigest()

    @app.get("/api/openapi.json")
    @counted_as(RateLimit.PAGE)
    def show_openapi_document() -> Response:
        content, etag = make_document()
        response = Response(content, mimetype=JSON_MEDIA_TYPE)
        response.set_etag(etag)
        response.headers["Cache-Control"] = "no-cache"
        response.make_conditional(request)
        return response


def describe_operation(operation: "ApiOperation") -> dict[str, Any]:
    """Return the operation's part of the OpenAPI document."""
    summary, _, description = (operation.handler.__doc__ or "").strip().partition("\n\n")
    document: dict[str, Any] = {
        "operationId": operation.operation_id,
        "summary": " ".join(summary.split()).removesuffix("."),
        "security": [] if operation.public else [{"bearer": []}],
        "parameters": _describe_parameters(operation),
        "responses": _describe_responses(operation),
    }
    if description:
        document["description"] = " ".join(description.split())
    if operation.body_schema is not None:
        media_type = FORM_MEDIA_TYPE if operation.file_bytes_max else JSON_MEDIA_TYPE
        content = _describe_content(operation.body_schema, media_type)
        document["requestBody"] = {"required": True, "content": content}
    return document


def _describe_parameters(operation: "ApiOperation") -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    if operation.query_schema is not None:
        parameters.append({"in": "query", "schema": type(operation.query_schema)})
    if operation.idempotent:
        parameters.append(
            {
                "in": "header",
                "name": HEADER,
                "required": True,
                "description": "A new key for each request; the same key to repeat a request",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
                "example": "5f0c7c1e-6a55-4c0b-9a0e-6d9a2f9f7a10",
            }
        )
    return parameters


def _describe_responses(operation: "ApiOperation") -> dict[str, Any]:
    responses: dict[str, Any] = {
        str(operation.status): _describe_response(
            operation.status, operation.response_schema, operation.file_media_types
        ),
    }
    if operation.idempotent:
        responses[str(operation.status)]["headers"] = {
            "Idempotent-Replayed": {
                "description": "`true` for the stored response to an earlier request",
                "schema": {"type": "string", "enum": ["true"]},
            }
        }
    for status, schema in operation.other_responses.items():
        responses[str(status)] = _describe_response(status, schema)
    by_status: dict[int, set[str]] = {}
    for refusal in {*operation.refusals, *_common_refusals(operation)}:
        by_status.setdefault(errors.status_of(refusal), set()).add(refusal.code)
    for status, codes in sorted(by_status.items()):
        responses.setdefault(str(status), _describe_problem(status, sorted(codes)))
    return responses


def _common_refusals(operation: "ApiOperation") -> Iterable[type[Refusal]]:
    yield errors.InternalError
    yield Unavailable
    if operation.rate_limit is not None:
        yield RateLimited
    if not operation.public:
        yield Unauthenticated
        yield PermissionDenied
    if operation.permission in NEEDS_CONFIRMED_EMAIL:
        yield EmailNotConfirmed
    # An unexpected body is read too, so that a field in it is not lost silently.
    sends_body = operation.method != "GET"
    if sends_body:
        yield errors.UnsupportedMediaType
        yield errors.BodyTooLarge
        yield errors.MalformedForm if operation.file_bytes_max else errors.MalformedJson
    if sends_body or operation.query_schema is not None:
        yield errors.InvalidRequest
    if "<" in operation.path:
        yield NotFound
    if operation.idempotent:
        yield IdempotencyKeyRequired
        yield IdempotencyKeyReused
        yield IdempotencyInProgress


def _describe_response(
    status: int, schema: ma.Schema | None, files: Iterable[str] = ()
) -> dict[str, Any]:
    content = _describe_content(schema) if schema is not None else {}
    content |= {media_type: {} for media_type in files}
    response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    return {**response, "content": content} if content else response


def _describe_problem(status: int, codes: list[str]) -> dict[str, Any]:
    links = ", ".join(f"`{code}`" for code in codes)
    return {
        "description": f"{HTTPStatus(status).phrase}: {links}",
        "content": {errors.PROBLEM_MEDIA_TYPE: {"schema": ProblemSchema}},
    }


def _describe_content(schema: ma.Schema, media_type: str = JSON_MEDIA_TYPE) -> dict[str, Any]:
    return {media_type: {"schema": type(schema), "example": make_example(schema)}}


def make_example(schema: ma.Schema) -> Any:
    """Return the schema's own example, or one made of the examples of its fields."""
    own = getattr(schema, "example", None)
    if own is not None:
        return dict(own)
    return {
        bound.data_key or name: _make_field_example(bound) for name, bound in schema.fields.items()
    }


def _make_field_example(field: ma.fields.Field[Any]) -> Any:
    examples = field.metadata.get("examples") or field.metadata.get("enum")
    if examples:
        return examples[0]
    if isinstance(field, ma.fields.Nested):
        inner = make_example(field.schema)
        return [inner] if field.many else inner
    if isinstance(field, ma.fields.List):
        return [_make_field_example(field.inner)]
    for kind, example in _EXAMPLES.items():
        if isinstance(field, kind):
            return example
    raise TypeError(f"{field.name}: a {type(field).__name__} says no example of its own")


_EXAMPLES: dict[type[ma.fields.Field[Any]], Any] = {
    ma.fields.Boolean: True,
    ma.fields.Integer: 1,
    ma.fields.String: "text",
}
