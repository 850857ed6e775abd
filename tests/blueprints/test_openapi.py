"""The OpenAPI document: valid, complete and the same as the routes."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from app.blueprints.api_operation import ApiOperation

VENDOR = Path(__file__).parents[2] / "app/static/vendor"


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    response = app.test_client().get("/api/openapi.json")
    assert response.status_code == 200
    return response.json


def test_unchanged_document_is_not_sent_again(app: Flask) -> None:
    client = app.test_client()
    first = client.get("/api/openapi.json")
    etag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get("/api/openapi.json", headers={"If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    other = client.get("/api/openapi.json", headers={"If-None-Match": '"another"'})
    assert (other.status_code, other.data) == (200, first.data)


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in {"get", "post", "put", "patch", "delete"}
    ]


def test_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_document_with_every_kind_of_operation_is_valid(probe_app: Flask) -> None:
    validate(probe_app.test_client().get("/api/openapi.json").json)


def test_every_operation_is_documented_as_it_is_declared(
    app: Flask, document: dict[str, Any]
) -> None:
    described = dict(operations(document))
    declared: dict[str, ApiOperation] = {}
    for rule in app.url_map.iter_rules():
        operation = getattr(app.view_functions[rule.endpoint], "operation", None)
        if operation is not None:
            path = rule.rule.replace("<", "{").replace(">", "}")
            declared[f"{operation.method} {path}"] = operation
    assert set(described) == set(declared)
    for name, operation in declared.items():
        documented = described[name]
        assert documented["security"] == ([] if operation.public else [{"bearer": []}]), name
        headers = {
            parameter["name"]: parameter
            for parameter in documented["parameters"]
            if parameter["in"] == "header"
        }
        assert ("Idempotency-Key" in headers) == operation.idempotent, name
        assert all(header["required"] for header in headers.values()), name
        assert ("requestBody" in documented) == (operation.body_schema is not None), name
        assert str(operation.status) in documented["responses"], name


def test_every_operation_has_a_unique_id_a_summary_a_tag_and_an_example(
    document: dict[str, Any],
) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["tags"], name
        if "requestBody" in operation:
            assert operation["requestBody"]["required"] is True
            [media] = operation["requestBody"]["content"].values()
            assert media["example"], name


def test_operation_lists_its_problems_with_their_codes(document: dict[str, Any]) -> None:
    order = document["paths"]["/api/trade/order"]["post"]["responses"]
    problem = {"$ref": "#/components/schemas/Problem"}
    for status in ("400", "401", "403", "409", "413", "415", "422", "429", "500", "503"):
        assert order[status]["content"] == {"application/problem+json": {"schema": problem}}
    assert "`insufficient_funds`" in order["409"]["description"]
    assert "`idempotency_in_progress`" in order["409"]["description"]
    assert "`idempotency_key_reused`" in order["422"]["description"]


def test_amounts_are_documented_as_decimal_strings(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    amounts = [
        field
        for schema in schemas.values()
        for name, field in schema.get("properties", {}).items()
        if name in {"amount", "fromAmount", "toAmount", "price", "bid", "ask", "mid"}
    ]
    assert len(amounts) > 5
    for field in amounts:
        assert field["type"] == "string"
        # Only amounts in responses may be negative.
        assert field["pattern"].replace("^-?", "^") == r"^(0|[1-9][0-9]*)(\.[0-9]+)?$"


def test_request_bodies_are_documented_without_other_fields(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, operation in operations(document):
        if "requestBody" in operation:
            [media] = operation["requestBody"]["content"].values()
            schema = schemas[media["schema"]["$ref"].rpartition("/")[2]]
            assert schema["additionalProperties"] is False, name


def test_documentation_page_loads_only_our_own_files(client: FlaskClient) -> None:
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "<style" not in page.text
    assert "style=" not in page.text
    assert "<script>" not in page.text
    for path in (
        "/static/vendor/swagger-ui/swagger-ui.css",
        "/static/vendor/swagger-ui/swagger-ui-bundle.js",
        "/static/js/api-docs.js",
    ):
        assert path in page.text
        with client.get(path) as file:
            assert file.status_code == 200
