"""Every route declares its permission; the table is committed and reviewed in each change."""

import re
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from app.access import Permission
from app.blueprints import references, route_registry
from app.blueprints.api_operation import ApiOperation
from tests.house import snapshot

#: Public routes outside the API's operations, none of which returns a person's data.
PUBLIC = {
    "/api/docs": "documentation of the API",
    "/api/docs/errors": "the meaning of every error code",
    "/api/openapi.json": "the API's document",
    "/metrics": "counters without personal data; the proxy hides it",
    "/static/<path:filename>": "our own scripts and styles",
    "/webhooks/<provider>": "providers, which sign their webhooks",
}
#: Files and not pages; opening one is recorded.
NOT_LINKED = {"/support/kyc/documents/<document_id>", "/lists/exports/<export_id>"}


def _declaration(app: Flask, rule: Rule) -> Any:
    """Return the declaration: an operation of the API, or the view of a page."""
    view = app.view_functions[rule.endpoint]
    operation: ApiOperation | None = getattr(view, "operation", None)
    return operation or (view if hasattr(view, "permission") else None)


def _methods(rule: Rule) -> list[str]:
    return sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"})


def test_routes_and_their_permissions_are_as_committed(app: Flask) -> None:
    rows = []
    for rule in app.url_map.iter_rules():
        declared = _declaration(app, rule)
        assert declared or rule.rule in PUBLIC, f"{rule.rule} declares no permission"
        limit = getattr(app.view_functions[rule.endpoint], "rate_limit", None)
        rows += [
            (
                rule.rule,
                method,
                getattr(declared, "permission", None) or "public",
                f"{limit.label} {limit.quota}/min" if limit else "unlimited",
                "one key, one effect" if getattr(declared, "idempotent", False) else "",
            )
            for method in _methods(rule)
        ]
    head = ("ROUTE", "METHOD", "PERMISSION", "RATE LIMIT", "IDEMPOTENCY-KEY")
    snapshot.check(snapshot.HERE / "routes.txt", snapshot.table([head, *sorted(rows)]))


def test_every_listed_public_route_exists(app: Flask) -> None:
    assert {rule.rule for rule in app.url_map.iter_rules()} >= PUBLIC.keys()


@pytest.mark.parametrize("permission", list(Permission))
def test_every_permission_is_required_by_a_route(app: Flask, permission: Permission) -> None:
    declared = [_declaration(app, rule) for rule in app.url_map.iter_rules()]
    required = {declaration.permission for declaration in declared if declaration}
    assert permission in required, "no route requires it"


def test_every_page_of_an_object_is_linked_wherever_its_id_is_shown(app: Flask) -> None:
    linked = {page.endpoint for page in references.list_pages().values()}
    pages = {
        route.endpoint: route.path
        for route in route_registry.list_routes(app)
        if route.is_page and route.method == "GET" and re.search(r"/<\w+_id>$", route.path)
    }
    assert {path for endpoint, path in pages.items() if endpoint not in linked} == NOT_LINKED
