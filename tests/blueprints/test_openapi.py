"""The OpenAPI document: valid, complete and the same as the routes."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate

from app.blueprints.api.schemas.descriptions import DESCRIPTIONS
from app.blueprints.api_operation import ApiOperation
from app.funding.states import DepositStatus, WithdrawalStatus
from app.kyc.rules import VerificationStatus


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
        bearer, anyone = {"bearer": []}, [{}] if operation.visitors else []
        assert documented["security"] == ([] if operation.public else [*anyone, bearer]), name
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
        assert order[status]["content"]["application/problem+json"]["schema"] == problem
    assert "`insufficient_funds`" in order["409"]["description"]
    assert "`idempotency_in_progress`" in order["409"]["description"]
    assert "`idempotency_key_reused`" in order["422"]["description"]


def test_every_response_and_every_documented_code_has_an_example(document: dict[str, Any]) -> None:
    shared = document["components"]["examples"]
    missing = []
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            for media_type, media in response.get("content", {}).items():
                if media_type == "application/json" and "example" not in media:
                    missing.append(f"{name} {status}")
                codes = re.findall(r"`(\w+)`", response["description"])
                if media_type != "application/problem+json":
                    continue
                for code in codes:
                    example = media["examples"].get(code, {})
                    problem = example.get("value") or shared.get(code, {}).get("value", {})
                    if (problem.get("code"), problem.get("status")) != (code, int(status)):
                        missing.append(f"{name} {status} {code}")
    assert missing == [], "let tests/api_document play it"


def test_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    formats = FormatChecker()
    for name, operation in operations(document):
        parts = [operation.get("requestBody", {}), *operation["responses"].values()]
        for media in (media for part in parts for media in part.get("content", {}).values()):
            examples = [media["example"]] if "example" in media else []
            examples += [
                each["value"] for each in media.get("examples", {}).values() if "value" in each
            ]
            if examples:
                schema = {**media["schema"], "components": document["components"]}
                validator = Draft202012Validator(schema, format_checker=formats)
                for example in examples:
                    errors = [error.message for error in validator.iter_errors(example)]
                    assert errors == [], name


def test_every_field_and_every_value_of_an_enum_is_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    fields = [
        (f"{name}.{field}", about)
        for name, schema in schemas.items()
        for field, about in schema["properties"].items()
    ]
    fields += [
        (f"{name}.{parameter['name']}", parameter)
        for name, operation in operations(document)
        for parameter in operation["parameters"]
    ]
    assert [name for name, about in fields if not about.get("description")] == []
    named = {name for name, _ in fields} | {name.partition(".")[2] for name, _ in fields}
    assert DESCRIPTIONS.keys() - named == set(), "no field has this name"
    undescribed = [
        f"{name}: {value}"
        for name, about in fields
        if len(about.get("enum", ())) > 1
        for value in about["enum"]
        if value is not None and not re.search(rf"`{value}`: ?\S", about["description"])
    ]
    assert undescribed == []


def test_summary_is_one_short_sentence(document: dict[str, Any]) -> None:
    long = [name for name, operation in operations(document) if len(operation["summary"]) > 80]
    assert long == []


def test_amounts_are_documented_as_decimal_strings(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    amounts = [
        field
        for schema_name, schema in schemas.items()
        # `price` of the facets is a list of bands.
        if schema_name != "Facets"
        for name, field in schema.get("properties", {}).items()
        if name in {"amount", "fromAmount", "toAmount", "price", "bid", "ask", "mid"}
    ]
    assert len(amounts) > 5
    for field in amounts:
        # A product that is not for sale has no price.
        assert field["type"] in ("string", ["string", "null"])
        # Only amounts in responses may be negative.
        assert field["pattern"].replace("^-?", "^") == r"^(0|[1-9][0-9]*)(\.[0-9]+)?$"


def test_request_bodies_are_documented_without_other_fields(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, operation in operations(document):
        if "requestBody" in operation:
            [media] = operation["requestBody"]["content"].values()
            schema = schemas[media["schema"]["$ref"].rpartition("/")[2]]
            assert schema["additionalProperties"] is False, name


@pytest.mark.parametrize("path", ["", "/trade", "/payments", "/errors"])
def test_documentation_page_loads_only_our_own_files(client: FlaskClient, path: str) -> None:
    page = client.get(f"/api/docs{path}")
    assert page.status_code == 200
    for forbidden in ("<style", "style=", "<script>", "onclick"):
        assert forbidden not in page.text
    loaded = re.findall(r'<(?:script|link)[^>]* (?:src|href)="([^"]+)"', page.text)
    assert len(loaded) > 4
    for address in loaded:
        assert address.startswith("/static/")
        with client.get(address) as file:
            assert file.status_code == 200
    again = client.get(f"/api/docs{path}", headers={"If-None-Match": page.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    # The headers of a 304 replace those of the page that the browser has kept.
    policies = [response.headers["Content-Security-Policy"] for response in (page, again)]
    assert policies[0] == policies[1]
    assert "script-src 'self'" in policies[0]


def test_pages_show_every_operation_with_its_codes(
    client: FlaskClient, document: dict[str, Any]
) -> None:
    index = client.get("/api/docs").text
    pages = {tag["name"]: client.get(f"/api/docs/{tag['name']}").text for tag in document["tags"]}
    for name, operation in operations(document):
        [tag] = operation["tags"]
        identifier = operation["operationId"]
        assert f'href="/api/docs/{tag}#{identifier}"' in index, name
        _, _, shown = pages[tag].partition(f'<section class="card api-operation" id="{identifier}"')
        section, _, _ = shown.partition("</section>")
        for status, response in operation["responses"].items():
            for code in re.findall(r"`(\w+)`", response["description"]):
                assert f"<summary>{status} <code>{code}</code></summary>" in section, name
    assert client.get("/api/docs/nothing").status_code == 404


def test_guide_names_only_operations_that_exist(document: dict[str, Any]) -> None:
    guide = document["info"]["description"]
    named = re.findall(r"`(GET|POST) (/api/[^`]+)`", guide)
    assert len(named) > 12
    for method, path in named:
        assert method.lower() in document["paths"][path], f"{method} {path}"
    for status in (*DepositStatus, *WithdrawalStatus, *VerificationStatus):
        assert f"| `{status}` |" in guide
