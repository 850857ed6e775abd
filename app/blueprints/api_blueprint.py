"""The declaration of API routes, and the checks that every route passes.

`ApiBlueprint.operation` declares the whole contract of a route: its permission, the schemas of its
body, query and response, and whether it needs an idempotency key. The checks, the transaction, the
rendering and the OpenAPI document all follow from that declaration. The order of checks is part of
the API's contract:

    429   the rate limit (app.blueprints.rate_limits)
    401   the token, verified in this process, and its session, read from the database
    501   the feature of the route, if it has one
    403   the permission
    401   the sign-in is recent, for sensitive acts
    400   the Idempotency-Key is present
    415, 413, 400   the body is JSON, within the size limit, and well-formed
    422   the schema
    409 … the route's own refusals

For a valid request the session, the lock on the key and the stored response take one round trip.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from inspect import getdoc, signature
from typing import Any

from flask import Response, current_app, request
from flask_smorest import Blueprint
from marshmallow import Schema
from werkzeug.exceptions import HTTPException

from app.access import Actor, Permission, require
from app.blueprints import api_request, file_downloads, openapi
from app.blueprints.api_operation import ApiOperation, FileReply, Handler, ReadsAhead, RouteReply
from app.blueprints.api_request import ParsedRequest
from app.blueprints.environ_keys import ACTOR
from app.blueprints.json_body import JSON_MEDIA_TYPE
from app.blueprints.rate_limits import (
    CallerClaims,
    RateLimit,
    client_network,
    count_refused_credential,
    current_caller,
)
from app.flags import queries as flags_queries
from app.flags.rules import Feature
from app.idempotency import rules as idempotency_rules
from app.idempotency import service as idempotency
from app.identity.errors import TokenInvalid
from app.identity.sign_in import queries as sign_in_queries
from app.identity.sign_in import recent_proof
from app.kit.db import SNAPSHOT, Database, Session
from app.kit.errors import Refusal, Unauthenticated
from app.kit.pipeline import Row, Statement
from app.kit.preparation import run_prepared

_CREDENTIAL_REFUSED = "pbcex.credential_refused"
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class ApiBlueprint(Blueprint):
    """A resource of the API: routes under one prefix, one tag in the OpenAPI document.

    The handler of an operation receives `session`; `actor` unless public, None for a visitor;
    `body`, `query` if declared; the path's variables. It returns what the schema renders, or a
    reply. All but GET `writes`.
    """

    def __init__(self, name: str, prefix: str, description: str) -> None:
        super().__init__(name, name, url_prefix=prefix, description=description)

    def operation(
        self,
        method: str,
        path: str,
        *,
        operation_id: str,
        permission: Permission | None = None,
        public: bool = False,
        visitors: bool = False,
        feature: Feature | None = None,
        body_schema: type[Schema] | None = None,
        query_schema: type[Schema] | None = None,
        response_schema: type[Schema] | None = None,
        status: int = 200,
        reads_ahead: ReadsAhead | None = None,
        idempotent: bool = False,
        writes: bool | None = None,
        rate_limit: RateLimit | None = RateLimit.DEFAULT,
        fresh: bool = False,
        refusals: tuple[type[Refusal], ...] = (),
        other_responses: dict[int, type[Schema]] | None = None,
        own_transactions: bool = False,
        snapshot: bool = False,
        file_media_types: tuple[str, ...] = (),
        file_bytes_max: int = 0,
    ) -> Callable[[Handler], Handler]:
        """Declare a route (`ApiOperation`); exactly one of `permission` and `public` is given."""
        if (permission is None) is not public:
            raise TypeError(f"{method} {path}: give either a permission or public=True")

        def declare(handler: Handler) -> Handler:
            operation = ApiOperation(
                method=method,
                path=path,
                operation_id=operation_id,
                handler=handler,
                permission=permission,
                visitors=visitors,
                feature=feature,
                body_schema=body_schema() if body_schema else None,
                query_schema=query_schema() if query_schema else None,
                response_schema=response_schema() if response_schema else None,
                status=status,
                reads_ahead=reads_ahead,
                idempotent=idempotent,
                writes=writes if writes is not None else method != "GET",
                rate_limit=rate_limit,
                fresh=fresh,
                refusals=refusals,
                other_responses={code: kind() for code, kind in (other_responses or {}).items()},
                own_transactions=own_transactions,
                snapshot=snapshot,
                file_media_types=file_media_types,
                file_bytes_max=file_bytes_max,
            )
            return self._add(operation)

        return declare

    def _add(self, operation: ApiOperation) -> Handler:
        _check_combination(operation)
        _check_parameters(operation)
        if operation.public:
            serve = _serve_public
        elif operation.idempotent:
            serve = _serve_idempotent
        else:
            serve = _serve_authenticated

        def view(**path: str) -> Response:
            try:
                return serve(operation, path)
            except TokenInvalid:
                if request.environ.get(_CREDENTIAL_REFUSED):
                    count_refused_credential()
                raise

        view.__doc__ = getdoc(operation.handler)
        view.__dict__.update(
            operation=operation, rate_limit=operation.rate_limit, is_public=operation.public
        )
        self.add_url_rule(
            operation.path,
            operation.handler.__name__,
            self.doc(**openapi.describe_operation(operation))(view),
            methods=[operation.method],
        )
        return operation.handler


def _check_combination(operation: ApiOperation) -> None:
    """Raise TypeError, at start, for a declaration that contradicts itself."""
    route = f"{operation.method} {operation.path}"
    if operation.snapshot and (operation.writes or operation.own_transactions):
        raise TypeError(f"{route}: a snapshot cannot be written to")
    if operation.idempotent and (operation.public or operation.own_transactions):
        raise TypeError(f"{route}: an idempotent route needs one actor and one transaction")
    if operation.reads_ahead and (operation.body_schema is None or operation.public):
        raise TypeError(f"{route}: reading ahead needs a body and its sender")
    if operation.feature and operation.public:
        raise TypeError(f"{route}: a feature is given to people, and the caller is not known")
    for_people = operation.idempotent, operation.feature, operation.fresh, operation.reads_ahead
    if operation.visitors and (operation.public or operation.own_transactions or any(for_people)):
        raise TypeError(f"{route}: a visitor has no key, feature or sign-in")
    if operation.fresh and operation.public:
        raise TypeError(f"{route}: the caller of a public route has not signed in")
    if operation.file_bytes_max and (operation.idempotent or operation.body_schema is None):
        raise TypeError(f"{route}: a file needs a body schema and no idempotency key")


def _check_parameters(operation: ApiOperation) -> None:
    """Raise TypeError, at start, for a handler whose parameters do not fit its declaration."""
    expected = ["database" if operation.own_transactions else "session"]
    expected += [] if operation.public else ["actor"]
    expected += ["body"] if operation.body_schema else []
    expected += ["query"] if operation.query_schema else []
    names = [name.lstrip("_") for name in signature(operation.handler).parameters]
    actual = names[: len(expected)]
    if actual != expected:
        raise TypeError(f"{operation.handler.__qualname__} takes {actual}, expected {expected}")


def _serve_public(operation: ApiOperation, path: dict[str, str]) -> Response:
    parsed = api_request.parse(operation)
    with _open_session(operation) as session:
        reply = operation.handler(session, *parsed.arguments, **path)
        return _render(operation, reply)


def _serve_visitor(operation: ApiOperation, path: dict[str, str]) -> Response:
    parsed = api_request.parse(operation)
    with _open_session(operation) as session:
        reply = operation.handler(session, None, *parsed.arguments, **path)
        return _render(operation, reply)


def _serve_authenticated(operation: ApiOperation, path: dict[str, str]) -> Response:
    if operation.visitors and current_caller().is_visitor:
        return _serve_visitor(operation, path)
    claims = _require_claims()
    parsed = _parse_for_caller(operation, claims)
    if operation.own_transactions:
        actor = _authenticate(operation, claims)
        reply = operation.handler(_database(), actor, *parsed.arguments, **path)
        return _render(operation, reply)

    def serve() -> Response:
        with _open_session(operation) as session:
            ahead = _reads_ahead(operation, claims, parsed)
            [rows] = session.fetch(sign_in_queries.select_actor(claims), ahead=ahead)
            actor = _authorize(session, operation, claims, rows)
            reply = operation.handler(session, actor, *parsed.arguments, **path)
            return _render(operation, reply)

    return run_prepared(_database(), serve)


def _serve_idempotent(operation: ApiOperation, path: dict[str, str]) -> Response:
    claims = _require_claims()
    parsed = _parse_for_caller(operation, claims)
    return run_prepared(_database(), partial(_run_idempotent, operation, claims, parsed, path))


def _run_idempotent(
    operation: ApiOperation, claims: CallerClaims, parsed: ParsedRequest, path: dict[str, str]
) -> Response:
    attempt = idempotency.IdempotentRequest(
        claims.user_id,
        parsed.idempotency_key,
        idempotency_rules.request_fingerprint(operation.method, request.path, parsed.body),
    )
    with _database().transaction() as session:
        rows, stored_rows = idempotency.claim_key(
            session,
            attempt,
            sign_in_queries.select_actor(claims),
            _reads_ahead(operation, claims, parsed),
        )
        actor = _authorize(session, operation, claims, rows)
        stored = idempotency.read_stored_response(attempt, stored_rows)
        if stored is not None:
            replay = Response(stored.body, stored.status, content_type=stored.content_type)
            replay.headers["Idempotent-Replayed"] = "true"
            return replay
        reply = operation.handler(session, actor, *parsed.arguments, **path)
        response = _render(operation, reply)
        stored_response = idempotency.StoredResponse(
            response.status_code, JSON_MEDIA_TYPE, response.get_data()
        )
        idempotency.store_response(session, attempt, stored_response)
        return response


def _reads_ahead(
    operation: ApiOperation, claims: CallerClaims, parsed: ParsedRequest
) -> Sequence[Statement]:
    if operation.reads_ahead is None:
        return ()
    return operation.reads_ahead(claims.user_id, parsed.arguments[0])


def _require_claims() -> CallerClaims:
    caller = current_caller()
    if caller.claims is None:
        raise caller.refusal or Unauthenticated
    return caller.claims


def _parse_for_caller(operation: ApiOperation, claims: CallerClaims) -> ParsedRequest:
    """Parse the request. A feature that is switched off and a missing permission are reported
    before any mistake in the request."""
    try:
        return api_request.parse(operation)
    except (Refusal, HTTPException):
        _authenticate(operation, claims)
        raise


def _authenticate(operation: ApiOperation, claims: CallerClaims) -> Actor:
    with _database().reading() as session:
        rows = session.rows(*sign_in_queries.select_actor(claims))
        return _authorize(session, operation, claims, rows)


def _authorize(
    session: Session, operation: ApiOperation, claims: CallerClaims, rows: list[Row]
) -> Actor:
    try:
        actor = sign_in_queries.to_actor(next(iter(rows), None), claims)
    except TokenInvalid:
        request.environ[_CREDENTIAL_REFUSED] = True
        raise
    assert operation.permission is not None
    request.environ[ACTOR] = actor
    if operation.feature is not None:
        flags_queries.require_feature(session, operation.feature, actor.user_id)
    require(actor, operation.permission)
    if operation.fresh:
        recent_proof.require_recent_proof(actor)
    return actor


def best_media_type(*media_types: str) -> str:
    """Return the media type that the Accept header prefers, by default the first."""
    return request.accept_mimetypes.best_match(media_types, default=media_types[0])


def _database() -> Database:
    database: Database = current_app.extensions["database"]
    return database


def _open_session(operation: ApiOperation) -> AbstractContextManager[Any]:
    if operation.own_transactions:
        return nullcontext(_database())
    if operation.snapshot:
        return _database().transaction(SNAPSHOT)
    return _database().transaction() if operation.writes else _database().reading()


def _render(operation: ApiOperation, reply: object) -> Response:
    if isinstance(reply, FileReply):
        return file_downloads.respond(reply.content, reply.name, reply.media_type, size=reply.size)
    status, headers, schema = operation.status, {}, operation.response_schema
    if isinstance(reply, RouteReply):
        headers = reply.headers
        if reply.status is not None:
            status = reply.status
            schema = operation.other_responses.get(status, schema)
        reply = reply.value
    if schema is None:
        response = Response(status=status)
        response.headers.pop("Content-Type", None)
    else:
        response = Response(_encode(schema.dump(reply)), status, content_type=JSON_MEDIA_TYPE)
    if headers:
        response.headers.extend(headers)
    return response


__all__ = ["ApiBlueprint", "RateLimit", "best_media_type", "client_network"]
