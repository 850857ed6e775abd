"""The API's document is one, and the contract's conventions hold in all of it."""

from typing import Any

from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator


def _document(app: Flask) -> dict[str, Any]:
    answer = app.test_client().get("/api/openapi.json")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.get_json()
    return document


def test_it_validates(app: Flask) -> None:
    document = _document(app)
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"] == "3.1.0"


def test_amounts_are_strings_everywhere(app: Flask) -> None:
    schemas = _document(app)["components"]["schemas"]
    numbers = {
        f"{schema}.{name}"
        for schema, described in schemas.items()
        for name, field in described.get("properties", {}).items()
        if field.get("type") == "number"
    }
    assert numbers == set(), "a decimal travels as text"


def test_operations_are_told_apart(app: Flask) -> None:
    operations = [
        operation
        for path in _document(app)["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert [op["operationId"] for op in operations if not op.get("summary")] == []
