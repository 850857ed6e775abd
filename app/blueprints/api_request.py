"""Read a request to the API: its key, its body and its query, as the operation declares them."""

from dataclasses import dataclass
from typing import Any

from flask import request
from marshmallow import Schema, ValidationError

from app.blueprints import file_upload
from app.blueprints.api_operation import ApiOperation
from app.blueprints.errors import InvalidRequest
from app.blueprints.json_body import read_json_body
from app.blueprints.nul_characters import refuse_nul
from app.idempotency import rules as idempotency_rules


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """A request that passed its schemas."""

    idempotency_key: str
    body: Any
    arguments: tuple[Any, ...]


def parse(operation: ApiOperation) -> ParsedRequest:
    """Read and check the current request.

    Raises `InvalidRequest` naming the fields, and what the readers of its body raise.
    """
    key = ""
    if operation.idempotent:
        key = idempotency_rules.validate_key(request.environ.get("HTTP_IDEMPOTENCY_KEY"))
    body: Any = None
    arguments: tuple[Any, ...] = ()
    if operation.body_schema is not None and operation.file_bytes_max:
        form = file_upload.read_form_with_file(operation.file_bytes_max)
        arguments = (_load(operation.body_schema, form),)
    elif operation.body_schema is not None:
        body = read_json_body()
        arguments = (_load(operation.body_schema, body),)
    elif request.content_length and operation.method != "GET":
        body = read_json_body()
        _load(_EMPTY_SCHEMA, body)
    if operation.query_schema is not None:
        arguments = (*arguments, _load(operation.query_schema, _read_query()))
    return ParsedRequest(key, body, arguments)


_EMPTY_SCHEMA = Schema()


def _read_query() -> dict[str, str]:
    refuse_nul(request.args.items(multi=True))
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
    """Return marshmallow's nested messages as pairs of a field's path and a message."""
    if isinstance(messages, dict):
        problems = []
        for name, below in messages.items():
            inside = prefix if name == "_schema" else f"{prefix}.{name}" if prefix else str(name)
            problems += _flatten(below, inside)
        return problems
    return [(prefix or "body", str(message)) for message in messages]
