"""How a route is declared, and what every route goes through.

`ApiBlueprint.operation` states a route's whole contract: who may call it, what it takes and gives,
whether it needs an idempotency key. From that one statement come the checks, the transaction, the
rendering and the OpenAPI document. The order of checks is part of the wire contract:

    429   the caller's limit (app.blueprints.rate_limits)
    401   the token, in this process, and its session, in the database
    403   the permission
    400   the Idempotency-Key is there
    415, 413, 400   the body is JSON, short enough, and well-formed
    422   the schema
    409 … the route's own refusals

For a good request the session, the lock on the key and the stored answer take one round trip.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from inspect import getdoc, signature
from typing import Any

from flask import Response, current_app, request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import HTTPException

from app.access import Actor, Permission, require
from app.blueprints import file_upload, openapi
from app.blueprints.errors import InvalidRequest
from app.blueprints.json_body import JSON, json_body
from app.blueprints.middleware import ACTOR
from app.blueprints.rate_limits import Credential, RateLimit, caller, client_network
from app.idempotency import rules as idempotency_rules
from app.idempotency import service as idempotency
from app.identity.sign_in import queries as sign_in_queries
from app.kit.db import SNAPSHOT, Database
from app.kit.errors import Refusal, Unauthenticated
from app.kit.pipeline import Row

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
Handler = Callable[..., object]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a route returns when the status or headers differ from its declaration's."""

    value: object
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class File:
    """What a route declared with `gives_files` returns: bytes to be kept under a name."""

    content: bytes
    name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Operation:
    """The contract of one route."""

    method: str
    path: str
    operation_id: str
    handler: Handler
    permission: Permission | None
    takes: Schema | None
    query: Schema | None
    gives: Schema | None
    status: int
    idempotent: bool
    writes: bool
    rate_limit: RateLimit | None
    refusals: tuple[type[Refusal], ...]
    replies: dict[int, Schema]
    own_transactions: bool
    snapshot: bool
    gives_files: tuple[str, ...]
    takes_file: int

    @property
    def public(self) -> bool:
        """Whether anybody may call it."""
        return self.permission is None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks, parsed."""

    key: str
    body: Any
    arguments: tuple[Any, ...]


class ApiBlueprint(Blueprint):
    """A resource of the API: routes under one prefix, one tag in the document."""

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
        takes: type[Schema] | None = None,
        query: type[Schema] | None = None,
        gives: type[Schema] | None = None,
        status: int = 200,
        idempotent: bool = False,
        writes: bool | None = None,
        rate_limit: RateLimit | None = RateLimit.DEFAULT,
        refusals: tuple[type[Refusal], ...] = (),
        replies: dict[int, type[Schema]] | None = None,
        own_transactions: bool = False,
        snapshot: bool = False,
        gives_files: tuple[str, ...] = (),
        takes_file: int = 0,
    ) -> Callable[[Handler], Handler]:
        """Declare a route; exactly one of `permission` and `public` is given.

        `operation_id` names the operation in the OpenAPI document. Generated clients depend on it,
        so it stays when the function is renamed.

        The function gets `session`; `actor` unless public; `body` and `query` if declared; then
        the path's variables by name. It returns what `gives` renders, a `Reply`, a `File`, or a
        `Refusal`, raised after the commit: what it recorded stays. `writes` opens a transaction, as
        every method but GET does; otherwise each statement reads on its own, or with `snapshot` all
        of one moment. `own_transactions` gives `database` in place of `session`. `refusals` and
        `replies` document answers beside the usual ones, `gives_files` the media types of a `File`
        that is answered. `takes_file`, its bytes at most: the form's field `file` is an `Upload`.
        """
        if (permission is None) is not public:
            raise TypeError(f"{method} {path}: give a permission or say public=True, not both")

        def declare(handler: Handler) -> Handler:
            operation = Operation(
                method=method,
                path=path,
                operation_id=operation_id,
                handler=handler,
                permission=permission,
                takes=takes() if takes else None,
                query=query() if query else None,
                gives=gives() if gives else None,
                status=status,
                idempotent=idempotent,
                writes=writes if writes is not None else method != "GET",
                rate_limit=rate_limit,
                refusals=refusals,
                replies={code: schema() for code, schema in (replies or {}).items()},
                own_transactions=own_transactions,
                snapshot=snapshot,
                gives_files=gives_files,
                takes_file=takes_file,
            )
            _check_combination(operation)
            _check_parameters(operation)
            self._add(operation)
            return handler

        return declare

    def _add(self, operation: Operation) -> None:
        if operation.public:
            serve = _serve_public
        elif operation.idempotent:
            serve = _serve_once
        else:
            serve = _serve_actor

        def view(**path: str) -> Response:
            return serve(operation, path)

        view.__doc__ = getdoc(operation.handler)
        view.__dict__.update(
            operation=operation,
            rate_limit=operation.rate_limit,
            # Where flask-smorest looks.
            _apidoc={"manual_doc": openapi.describe(operation)},
        )
        self.add_url_rule(
            operation.path,
            operation.handler.__name__,
            view,
            methods=[operation.method],
        )


def _check_combination(operation: Operation) -> None:
    """A route that promises what cannot be stops the program at start."""
    route = f"{operation.method} {operation.path}"
    if operation.snapshot and (operation.writes or operation.own_transactions):
        raise TypeError(f"{route}: nothing can be written on a snapshot")
    if operation.idempotent and (operation.public or operation.own_transactions):
        raise TypeError(f"{route}: one key, one actor, one transaction")
    if operation.takes_file and (operation.idempotent or operation.takes is None):
        raise TypeError(f"{route}: a file comes with fields, and is known by itself if sent again")


def _check_parameters(operation: Operation) -> None:
    """A route whose function does not fit its declaration stops the program at start."""
    expected = ["database" if operation.own_transactions else "session"]
    expected += [] if operation.public else ["actor"]
    expected += ["body"] if operation.takes else []
    expected += ["query"] if operation.query else []
    names = [name.lstrip("_") for name in signature(operation.handler).parameters]
    given = names[: len(expected)]
    if given != expected:
        raise TypeError(f"{operation.handler.__qualname__} takes {given}, expected {expected}")


def _serve_public(operation: Operation, path: dict[str, str]) -> Response:
    asked = _read(operation)
    with _opened(operation) as opened:
        reply = operation.handler(opened, *asked.arguments, **path)
        response = _render(operation, reply)
    return _refused_or(response)


def _serve_actor(operation: Operation, path: dict[str, str]) -> Response:
    claims = _claims()
    asked = _read_for(operation, claims)
    if operation.own_transactions:
        actor = _authenticate(operation, claims)
        reply = operation.handler(_database(), actor, *asked.arguments, **path)
        return _refused_or(_render(operation, reply))
    with _opened(operation) as session:
        rows = session.rows(*sign_in_queries.select_actor(claims))
        actor = _permitted(operation, claims, rows)
        reply = operation.handler(session, actor, *asked.arguments, **path)
        response = _render(operation, reply)
    return _refused_or(response)


def _serve_once(operation: Operation, path: dict[str, str]) -> Response:
    claims = _claims()
    asked = _read_for(operation, claims)
    attempt = idempotency.IdempotentRequest(
        claims.user_id,
        asked.key,
        idempotency_rules.request_fingerprint(operation.method, request.path, asked.body),
    )
    with _database().transaction() as session:
        rows, found = idempotency.claim_key(session, attempt, sign_in_queries.select_actor(claims))
        actor = _permitted(operation, claims, rows)
        stored = idempotency.read_stored_response(attempt, found)
        if stored is not None:
            replay = Response(stored.body, stored.status, content_type=stored.content_type)
            replay.headers["Idempotent-Replayed"] = "true"
            return replay
        reply = operation.handler(session, actor, *asked.arguments, **path)
        response = _render(operation, reply)
        if not isinstance(response, Refusal):
            answer = idempotency.StoredResponse(response.status_code, JSON, response.get_data())
            idempotency.store_response(session, attempt, answer)
    return _refused_or(response)


def _refused_or(response: Response | Refusal) -> Response:
    """A refusal that a route answered as a value is raised now: what it recorded is committed."""
    if isinstance(response, Refusal):
        raise response
    return response


def _claims() -> Credential:
    known = caller()
    if known.claims is None:
        raise known.refusal or Unauthenticated
    return known.claims


def _read_for(operation: Operation, claims: Credential) -> Asked:
    """What is asked. Whoever may not ask is told that first, whatever is wrong with the rest."""
    try:
        return _read(operation)
    except (Refusal, HTTPException):
        _authenticate(operation, claims)
        raise


def _authenticate(operation: Operation, claims: Credential) -> Actor:
    with _database().reading() as session:
        return _permitted(operation, claims, session.rows(*sign_in_queries.select_actor(claims)))


def _permitted(operation: Operation, claims: Credential, rows: list[Row]) -> Actor:
    actor = sign_in_queries.to_actor(rows[0] if rows else None, claims)
    assert operation.permission is not None
    request.environ[ACTOR] = actor
    require(actor, operation.permission)
    return actor


def _read(operation: Operation) -> Asked:
    key = ""
    if operation.idempotent:
        key = idempotency_rules.validate_key(request.environ.get("HTTP_IDEMPOTENCY_KEY"))
    body: Any = None
    arguments: tuple[Any, ...] = ()
    if operation.takes is not None and operation.takes_file:
        form = file_upload.form_with_file(operation.takes_file)
        arguments = (_load(operation.takes, form),)
    elif operation.takes is not None:
        body = json_body()
        arguments = (_load(operation.takes, body),)
    elif request.content_length and operation.method != "GET":
        body = json_body()
        _load(_NOTHING, body)
    if operation.query is not None:
        arguments = (*arguments, _load(operation.query, _query()))
    return Asked(key, body, arguments)


_NOTHING = Schema()


def _query() -> dict[str, str]:
    values = request.args.to_dict()
    for name in values:
        if len(request.args.getlist(name)) > 1:
            raise InvalidRequest([(name, "Send this parameter once.")])
    return values


def _load(schema: Schema, document: Any) -> Any:
    try:
        return schema.load(document)
    except ValidationError as invalid:
        raise InvalidRequest(_flatten(invalid.messages)) from None


def _flatten(messages: Any, prefix: str = "") -> list[tuple[str, str]]:
    """marshmallow's nested messages as (path of the field, message)."""
    if isinstance(messages, dict):
        problems = []
        for name, below in messages.items():
            inside = prefix if name == "_schema" else f"{prefix}.{name}" if prefix else str(name)
            problems += _flatten(below, inside)
        return problems
    return [(prefix or "body", str(message)) for message in messages]


def accepted(*media_types: str) -> str:
    """Which of these the caller likes best, by its Accept header; the first where it likes none."""
    return request.accept_mimetypes.best_match(media_types, default=media_types[0])


def _database() -> Database:
    database: Database = current_app.extensions["database"]
    return database


def _opened(operation: Operation) -> AbstractContextManager[Any]:
    if operation.own_transactions:
        return nullcontext(_database())
    if operation.snapshot:
        return _database().transaction(SNAPSHOT)
    return _database().transaction() if operation.writes else _database().reading()


def _render(operation: Operation, reply: object) -> Response | Refusal:
    if isinstance(reply, Refusal):
        return reply
    if isinstance(reply, File):
        headers = {"Content-Disposition": f'attachment; filename="{reply.name}"'}
        return Response(reply.content, operation.status, headers, content_type=reply.media_type)
    status, headers, schema = operation.status, {}, operation.gives
    if isinstance(reply, Reply):
        headers = reply.headers
        if reply.status is not None:
            status = reply.status
            schema = operation.replies.get(status, schema)
        reply = reply.value
    if schema is None:
        response = Response(status=status)
        response.headers.pop("Content-Type", None)
    else:
        response = Response(_encode(schema.dump(reply)), status, content_type=JSON)
    if headers:
        response.headers.extend(headers)
    return response


__all__ = ["ApiBlueprint", "File", "Operation", "RateLimit", "Reply", "accepted", "client_network"]
