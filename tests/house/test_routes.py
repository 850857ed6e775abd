"""Every route says who may call it; the whole table is committed, to be reviewed in each change."""

import pytest
from flask import Flask
from werkzeug.routing import Rule

from app.access import Permission
from app.blueprints.web import Operation
from tests.house import snapshot

#: What is open without being an operation of the API: nothing here is anybody's own.
PUBLIC = {
    "/api/docs": "the API, to read",
    "/api/docs/errors": "the meaning of every error code",
    "/api/openapi.json": "the API's document",
    "/metrics": "counters without anybody's data; kept from outside by the proxy",
    "/static/<path:filename>": "our own scripts and styles",
}


def _operation(app: Flask, rule: Rule) -> Operation | None:
    return getattr(app.view_functions[rule.endpoint], "operation", None)


def _methods(rule: Rule) -> list[str]:
    return sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"})


def test_the_table_of_routes(app: Flask) -> None:
    rows = []
    for rule in app.url_map.iter_rules():
        operation = _operation(app, rule)
        assert operation or rule.rule in PUBLIC, f"{rule.rule} declares nothing: use operation()"
        limit = operation.rate_limit if operation else None
        rows += [
            (
                rule.rule,
                method,
                operation.permission or "public" if operation else "public",
                f"{limit.label} {limit.quota}/min" if limit else "unlimited",
                "one key, one effect" if operation and operation.idempotent else "",
            )
            for method in _methods(rule)
        ]
    head = ("ROUTE", "METHOD", "PERMISSION", "RATE LIMIT", "IDEMPOTENCY-KEY")
    snapshot.check(snapshot.HERE / "routes.txt", snapshot.table([head, *sorted(rows)]))


def test_the_list_of_open_pages_is_true(app: Flask) -> None:
    assert {rule.rule for rule in app.url_map.iter_rules()} >= PUBLIC.keys()


@pytest.mark.parametrize("permission", list(Permission))
def test_every_permission_is_asked_for_somewhere(app: Flask, permission: Permission) -> None:
    operations = [_operation(app, rule) for rule in app.url_map.iter_rules()]
    assert any(op.permission is permission for op in operations if op), "no route asks for it"
