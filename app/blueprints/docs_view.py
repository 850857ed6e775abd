"""The OpenAPI document as its pages show it: operations with their fields and examples."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_DEPTH_MAX = 6
_CODES = re.compile(r"`(\w+)`")


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field by its path: `address.city`, `data[].id`."""

    path: str
    kind: str
    is_required: bool
    about: Markup


@dataclass(frozen=True, slots=True)
class ResponseView:
    """A successful response."""

    status: str
    fields: list[FieldView]
    media_types: list[str]
    example: str


@dataclass(frozen=True, slots=True)
class ProblemView:
    """A refusal by its code."""

    status: str
    code: str
    example: str


@dataclass(frozen=True, slots=True)
class OperationView:
    """An operation."""

    id: str
    method: str
    path: str
    summary: str
    about: Markup
    is_public: bool
    parameters: list[FieldView]
    body_fields: list[FieldView]
    body_media_type: str
    body_example: str
    responses: list[ResponseView]
    problems: list[ProblemView]


@dataclass(frozen=True, slots=True)
class GroupView:
    """The operations under one tag."""

    name: str
    title: str
    operations: list[OperationView]


def render_markdown(text: str) -> Markup:
    """Return Markdown as HTML. Its own HTML is shown as text."""
    return Markup(_MARKDOWN.render(text))  # noqa: S704 - it escapes, as `html` is off


def list_groups(document: dict[str, Any]) -> list[GroupView]:
    """Return the groups in the order of the document."""
    view = _DocumentView(document)
    operations: dict[str, list[OperationView]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "operationId" in operation:
                [tag] = operation["tags"]
                operations[tag].append(view.operation(method.upper(), path, operation))
    titles = {tag["name"]: tag["description"] for tag in document["tags"]}
    return [GroupView(name, titles[name], found) for name, found in operations.items()]


class _DocumentView:
    def __init__(self, document: dict[str, Any]) -> None:
        self._components = document["components"]
        self._document = document

    def operation(self, method: str, path: str, operation: dict[str, Any]) -> OperationView:
        body: dict[str, Any] = operation.get("requestBody", {}).get("content", {})
        nothing: tuple[str, dict[str, Any]] = ("", {})
        media_type, media = next(iter(body.items()), nothing)
        shared = self._document["paths"][path].get("parameters", [])
        return OperationView(
            id=operation["operationId"],
            method=method,
            path=path,
            summary=operation["summary"],
            about=render_markdown(operation.get("description", "")),
            is_public=not operation["security"],
            parameters=[
                self._field(each["name"], each, each["schema"], is_required=each.get("required"))
                for each in [*shared, *operation["parameters"]]
            ],
            body_fields=list(self._fields(media.get("schema", {}))),
            body_media_type=media_type,
            body_example=_as_json(media.get("example")),
            responses=[
                self._response(status, response)
                for status, response in operation["responses"].items()
                if status < "400"
            ],
            problems=[
                problem
                for status, response in operation["responses"].items()
                for problem in self._problems(status, response)
            ],
        )

    def _response(self, status: str, response: dict[str, Any]) -> ResponseView:
        content = response.get("content", {})
        media = content.get("application/json", {})
        fields = list(self._fields(media.get("schema", {})))
        return ResponseView(status, fields, list(content), _as_json(media.get("example")))

    def _problems(self, status: str, response: dict[str, Any]) -> Iterator[ProblemView]:
        media = response.get("content", {}).get("application/problem+json", {})
        if not media:
            return
        examples = media.get("examples", {})
        for code in _CODES.findall(response["description"]):
            example = examples.get(code, {})
            if "$ref" in example:
                example = self._components["examples"][code]
            yield ProblemView(status, code, _as_json(example.get("value")))

    def _fields(
        self, schema: dict[str, Any], path: str = "", depth: int = 0
    ) -> Iterator[FieldView]:
        """Yield the fields of an object, each followed by those inside it."""
        schema = self._resolve(schema)
        required = schema.get("required", ())
        for name, about in schema.get("properties", {}).items():
            full = f"{path}{name}"
            yield self._field(full, about, about, is_required=name in required)
            inner = self._inner(about)
            if inner is not None and depth < _DEPTH_MAX:
                mark = "[]." if self._is_list(about) else "."
                yield from self._fields(inner, f"{full}{mark}", depth + 1)

    def _field(
        self, path: str, about: dict[str, Any], schema: dict[str, Any], *, is_required: bool | None
    ) -> FieldView:
        text = about.get("description") or schema.get("description") or ""
        return FieldView(path, self._kind(schema), bool(is_required), render_markdown(text))

    def _resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        for part in [schema, *schema.get("allOf", ()), *schema.get("anyOf", ())]:
            if "$ref" in part:
                found: dict[str, Any] = self._components["schemas"][part["$ref"].rpartition("/")[2]]
                return found
        return schema

    def _inner(self, schema: dict[str, Any]) -> dict[str, Any] | None:
        inner = self._resolve(schema.get("items", schema))
        return inner if "properties" in inner else None

    @staticmethod
    def _is_list(schema: dict[str, Any]) -> bool:
        return "items" in schema

    def _kind(self, schema: dict[str, Any]) -> str:
        """Return the type in words: `string (date-time)`, `list`, `object or null`."""
        stated = schema.get("type", "object")
        names = [stated] if isinstance(stated, str) else list(stated)
        if any(part.get("type") == "null" for part in schema.get("anyOf", ())):
            names.append("null")
        words = " or ".join("list" if name == "array" else name for name in names)
        return f"{words} ({schema['format']})" if "format" in schema else words


def _as_json(value: Any) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)
