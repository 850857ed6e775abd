"""Strict reading of JSON bodies: a document that two parsers could read differently is refused."""

import json
from typing import Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from app.blueprints.errors import BodyTooLarge, MalformedJson, UnsupportedMediaType
from app.blueprints.nul_characters import refuse_nul_in_document

JSON_MEDIA_TYPE = "application/json"
DEPTH_MAX = 32


def read_json_body() -> Any:
    """Return the parsed body of the current request.

    Raises `UnsupportedMediaType` unless it is declared as JSON in UTF-8, `BodyTooLarge` before
    reading more than the limit, and `MalformedJson` for everything that `parse_json` refuses.
    """
    if request.environ.get("CONTENT_TYPE") != JSON_MEDIA_TYPE:
        _check_content_type()
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        most = request.max_content_length
        raise BodyTooLarge(f"Send a body of at most {most} bytes.") from None
    return parse_json(raw)


def _check_content_type() -> None:
    if request.mimetype != JSON_MEDIA_TYPE:
        raise UnsupportedMediaType
    if request.mimetype_params.get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("Send the JSON in UTF-8.")


def parse_json(raw: bytes) -> Any:
    """Return the document in `raw`.

    Raises `MalformedJson` for broken or empty text, other encodings, a key given twice, NaN and
    Infinity, unpaired surrogates, and nesting deeper than `DEPTH_MAX`; `InvalidRequest` for NUL in
    a string.
    """
    if not raw:
        raise MalformedJson("The body is empty.")
    try:
        document = _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise MalformedJson("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise MalformedJson(f"{error.msg} at line {error.lineno}, column {error.colno}.") from None
    except ValueError:
        raise MalformedJson("A number has too many digits.") from None
    except RecursionError:
        raise MalformedJson(f"The body is nested deeper than {DEPTH_MAX} levels.") from None
    if isinstance(document, dict | list) and raw.count(b"{") + raw.count(b"[") > DEPTH_MAX:
        _check_depth(document)
    if b"\\u" in raw:
        _check_characters(document)
    if b"\\u0000" in raw:
        refuse_nul_in_document(document)
    return document


def _object_without_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise MalformedJson("An object has a key twice.")
    return document


def _refuse_constant(name: str) -> Any:
    raise MalformedJson(f"{name} is not JSON.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object_without_duplicate_keys, parse_constant=_refuse_constant
)


def _check_depth(document: Any) -> None:
    containers = [document]
    for _ in range(DEPTH_MAX):
        containers = [
            child
            for container in containers
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, dict | list)
        ]
    if containers:
        raise MalformedJson(f"The body is nested deeper than {DEPTH_MAX} levels.")


def _check_characters(document: Any) -> None:
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise MalformedJson("A string contains half of a surrogate pair.") from None
