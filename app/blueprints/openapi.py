"""The OpenAPI document, made from the same declarations that serve the requests."""

import json
from collections.abc import Iterable, Sequence
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

from app.access import (
    API_KEY_SCOPES,
    NEEDS_CONFIRMED_EMAIL,
    NEEDS_CONSENTS,
    EmailNotConfirmed,
    PoliciesNotAccepted,
)
from app.blueprints import api_guide, errors, openapi_examples
from app.blueprints.api.schemas import descriptions, fields
from app.blueprints.file_upload import FORM_MEDIA_TYPE
from app.blueprints.json_body import JSON_MEDIA_TYPE
from app.blueprints.rate_limits import RateLimit, counted_as
from app.idempotency.errors import (
    HEADER,
    IdempotencyInProgress,
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
)
from app.identity.errors import ReauthenticationRequired
from app.kit.errors import (
    FeatureDisabled,
    NotFound,
    PermissionDenied,
    RateLimited,
    Refusal,
    Unauthenticated,
    Unavailable,
)

if TYPE_CHECKING:
    from app.blueprints.api_operation import ApiOperation


_ABOUT_ID = "The `id` of the object, from a list or from the response that created it"


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
    """Adds the constraints of a schema on several fields together, and what each field means."""

    def schema2jsonschema(self, schema: ma.Schema | type[ma.Schema]) -> dict[str, Any]:
        described: dict[str, Any] = super().schema2jsonschema(  # type: ignore[no-untyped-call] # of apispec
            schema
        )
        together = getattr(resolve_schema_instance(schema), "together", {})
        return {**described, **together}

    def field2property(self, field: ma.fields.Field[Any]) -> dict[str, Any]:
        described: dict[str, Any] = super().field2property(field)
        name = type(field.parent).__name__.removesuffix("Schema")
        meaning = descriptions.describe_field(name, field.data_key or field.name or "")
        if meaning and isinstance(field.parent, ma.Schema) and "description" not in described:
            described["description"] = meaning
        # Generated clients would require a field that has a default; null is the absence of one.
        if "default" in described and described["default"] is None:
            del described["default"]
        return described


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


class ProblemApi(Api):
    """flask-smorest with the error handler of `app.blueprints.errors`: it registers its handler for
    pages too, and problems have one renderer.
    """

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None
    handle_http_exception = staticmethod(errors.handle_http_error)


def register(
    app: Flask, *, version: str, public_url: str, special_values: Sequence[tuple[str, str, str]]
) -> ProblemApi:
    """Register the API of this application, with its document at /api/openapi.json.

    `special_values` are what the sandbox of providers reacts to, for the guide.
    """
    app.config.update(
        API_TITLE="PBCEx",
        API_VERSION=version,
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "servers": [{"url": public_url or "/"}],
        },
    )
    api = ProblemApi(spec_kwargs={"marshmallow_plugin": _Plugin()})
    for kind in (fields.PublicIdField, fields.AmountField, fields.TextField):
        api.register_field(kind, "string", None)
    api.register_field(fields.FileField, "string", "binary")
    api.register_field(fields.TimestampField, "string", "date-time")
    api.init_app(app)
    # No list of ours has the headers of flask-smorest's pages.
    api.spec.components.schemas.pop("PaginationMetadata", None)
    api.spec.components.security_scheme(
        "bearer",
        {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token, or an API key on the routes that its scopes allow.",
        },
    )
    _serve_document(app, api, special_values)
    return api


def _serve_document(
    app: Flask, api: ProblemApi, special_values: Sequence[tuple[str, str, str]]
) -> None:
    """Serve the document at /api/openapi.json, made with the first request only."""

    @cache
    def make_document() -> tuple[dict[str, Any], bytes, str]:
        document = api.spec.to_dict()
        for methods in document["paths"].values():
            for parameter in methods.get("parameters", ()):
                parameter["description"] = _ABOUT_ID
        document["info"]["description"] = api_guide.write_guide(special_values)
        document["components"]["examples"] = openapi_examples.referenced_problems(document)
        content = json.dumps(document, ensure_ascii=False, indent=1).encode()
        return json.loads(content), content, sha256(content).hexdigest()

    app.extensions["api_document"] = lambda: make_document()[0]

    @app.get("/api/openapi.json")
    @counted_as(RateLimit.PAGE)
    def show_openapi_document() -> Response:
        _, content, etag = make_document()
        response = Response(content, mimetype=JSON_MEDIA_TYPE)
        response.set_etag(etag)
        response.headers["Cache-Control"] = "no-cache"
        response.make_conditional(request)
        return response


def describe_operation(operation: "ApiOperation") -> dict[str, Any]:
    """Return the operation's part of the OpenAPI document."""
    text = " ".join((operation.handler.__doc__ or "").split())
    summary, _, description = text.partition(". ")
    description = " ".join(filter(None, (description, *_describe_conditions(operation))))
    document: dict[str, Any] = {
        "operationId": operation.operation_id,
        "summary": summary.removesuffix("."),
        "security": _security_of(operation),
        "parameters": _describe_parameters(operation),
        "responses": _describe_responses(operation),
    }
    if description:
        document["description"] = description
    if operation.body_schema is not None:
        media_type = FORM_MEDIA_TYPE if operation.file_bytes_max else JSON_MEDIA_TYPE
        sent = openapi_examples.find_exchange(operation.operation_id, operation.status)
        content = _describe_content(operation.body_schema, sent.get("body"), media_type)
        document["requestBody"] = {"required": True, "content": content}
    return document


def _security_of(operation: "ApiOperation") -> list[dict[str, list[str]]]:
    """Return the credentials that an operation takes; an empty one is none at all."""
    if operation.public:
        return []
    return [*([{}] if operation.visitors else []), {"bearer": []}]


def _describe_conditions(operation: "ApiOperation") -> Iterable[str]:
    """Yield what follows from the declaration: where it is switched on, who may call it, and how
    often."""
    if operation.feature is not None:
        feature = operation.feature
        yield f"Belongs to the feature `{feature}`, which needs {feature.needs}."
    if operation.visitors:
        yield "Needs no sign-in; a token or key that is sent must be valid."
    if operation.permission in API_KEY_SCOPES:
        yield f"An API key needs the scope `{operation.permission}`."
    elif operation.permission is not None:
        yield "Not for API keys."
    if operation.fresh:
        yield "Needs a sign-in of the last ten minutes."
    if operation.rate_limit is not None:
        limit = operation.rate_limit
        counted = "person" if limit.per_person and not operation.public else "IP address"
        if operation.visitors:
            counted = "person or, without a sign-in, IP address"
        yield f"At most {limit.quota} requests a minute for each {counted} (`{limit.label}`)."


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
            operation, operation.status, operation.response_schema, operation.file_media_types
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
        responses[str(status)] = _describe_response(operation, status, schema)
    by_status: dict[int, set[str]] = {}
    for refusal in {*operation.refusals, *_common_refusals(operation)}:
        by_status.setdefault(errors.status_of(refusal), set()).add(refusal.code)
    for status, codes in sorted(by_status.items()):
        responses.setdefault(
            str(status), _describe_problem(operation.operation_id, status, sorted(codes))
        )
    return responses


def _common_refusals(operation: "ApiOperation") -> Iterable[type[Refusal]]:
    yield errors.BadRequest
    yield errors.InternalError
    yield Unavailable
    if operation.rate_limit is not None:
        yield RateLimited
    yield from _refusals_of_callers(operation)
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


def _refusals_of_callers(operation: "ApiOperation") -> Iterable[type[Refusal]]:
    if not operation.public:
        yield Unauthenticated
        yield PermissionDenied
    if operation.feature is not None:
        yield FeatureDisabled
    if operation.fresh:
        yield ReauthenticationRequired
    if operation.permission in NEEDS_CONFIRMED_EMAIL:
        yield EmailNotConfirmed
    if operation.permission in NEEDS_CONSENTS:
        yield PoliciesNotAccepted


def _describe_response(
    operation: "ApiOperation", status: int, schema: ma.Schema | None, files: Iterable[str] = ()
) -> dict[str, Any]:
    received = openapi_examples.find_exchange(operation.operation_id, status).get("received")
    content = _describe_content(schema, received) if schema is not None else {}
    content |= {media_type: {} for media_type in files}
    response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    return {**response, "content": content} if content else response


def _describe_problem(operation_id: str, status: int, codes: list[str]) -> dict[str, Any]:
    links = ", ".join(f"`{code}`" for code in codes)
    content: dict[str, Any] = {"schema": ProblemSchema}
    examples = openapi_examples.find_problems(operation_id, codes)
    if examples:
        content["examples"] = examples
    return {
        "description": f"{HTTPStatus(status).phrase}: {links}",
        "content": {errors.PROBLEM_MEDIA_TYPE: content},
    }


def _describe_content(
    schema: ma.Schema, example: Any, media_type: str = JSON_MEDIA_TYPE
) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": type(schema)}
    return {media_type: content if example is None else {**content, "example": example}}
