"""Every route says who may call it; the whole table is committed, to be reviewed in each change."""

from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from app.access import Permission
from app.blueprints.api_blueprint import Operation
from tests.house import snapshot

#: What is open without being an operation of the API: nothing here is anybody's own.
PUBLIC = {
    "/api/docs": "the API, to read",
    "/api/docs/errors": "the meaning of every error code",
    "/api/openapi.json": "the API's document",
    "/metrics": "counters without anybody's data; kept from outside by the proxy",
    "/static/<path:filename>": "our own scripts and styles",
    "/webhooks/<provider>": "providers, who sign what they send",
}


def _declaration(app: Flask, rule: Rule) -> Any:
    """What says who may call it: an operation of the API, or the view of a page itself."""
    view = app.view_functions[rule.endpoint]
    operation: Operation | None = getattr(view, "operation", None)
    return operation or (view if hasattr(view, "permission") else None)


def _methods(rule: Rule) -> list[str]:
    return sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"})


def test_the_table_of_routes(app: Flask) -> None:
    rows = []
    for rule in app.url_map.iter_rules():
        declared = _declaration(app, rule)
        assert declared or rule.rule in PUBLIC, f"{rule.rule} does not say who may call it"
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


def test_the_list_of_open_pages_is_true(app: Flask) -> None:
    assert {rule.rule for rule in app.url_map.iter_rules()} >= PUBLIC.keys()


@pytest.mark.parametrize("permission", list(Permission))
def test_every_permission_is_asked_for_somewhere(app: Flask, permission: Permission) -> None:
    declared = [_declaration(app, rule) for rule in app.url_map.iter_rules()]
    asked = {each.permission for each in declared if each}
    assert permission in asked, "no route asks for it"
