"""Every route declares its permission; the table is committed and reviewed in each change."""

import re
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from app.access import Permission
from app.blueprints import references, route_registry
from app.blueprints.api_operation import ApiOperation
from app.blueprints.forms import Form
from app.blueprints.page_blueprint import PageBlueprint
from tests.house import snapshot

#: Public routes outside the API's operations, none of which returns a person's data.
PUBLIC = {
    "/api/docs": "documentation of the API",
    "/api/docs/<group>": "the operations of one group",
    "/api/docs/errors": "the meaning of every error code",
    "/api/openapi.json": "the API's document",
    "/metrics": "counters without personal data; the proxy hides it",
    "/static/<path:filename>": "our own scripts and styles",
    "/webhooks/<provider>": "providers, which sign their webhooks",
}
_BEFORE_SIGN_IN = "declared, and parsed by its view: before sign-in there is no person"
_BY_SCRIPT = "a script sends it, for the options or with the response of a passkey"
_OF_EVERY_LIST = "a control of every list, of which nothing is lost when it is sent twice"
_SEARCH = "changes nothing, and leads to what was found"
#: Routes of pages that take a POST and are no declared form of a signed-in person, and why.
POSTS_BY_HAND = {
    "/auth/account/passkeys/question": _BY_SCRIPT,
    "/auth/confirm-email": _BEFORE_SIGN_IN,
    "/auth/enrol/app": _BEFORE_SIGN_IN,
    "/auth/enrol/app/code": _BEFORE_SIGN_IN,
    "/auth/enrol/passkey": _BEFORE_SIGN_IN,
    "/auth/enrol/passkey/question": _BY_SCRIPT,
    "/auth/forgot-password": _BEFORE_SIGN_IN,
    "/auth/invitation": _BEFORE_SIGN_IN,
    "/auth/kept-form/discard": "gives up a form that waits, as the mechanism shows it",
    "/auth/login": _BEFORE_SIGN_IN,
    "/auth/logout": "one button; it ends what a form would be kept in",
    "/auth/passkey": _BY_SCRIPT,
    "/auth/passkey/question": _BY_SCRIPT,
    "/auth/prove": "declared, and parsed by its view, which finishes another form (307)",
    "/auth/prove/passkey": _BY_SCRIPT,
    "/auth/prove/passkey/question": _BY_SCRIPT,
    "/auth/reset-password": _BEFORE_SIGN_IN,
    "/auth/second-factor": _BEFORE_SIGN_IN,
    "/admin/books": _SEARCH,
    "/admin/fulfilment": _SEARCH,
    "/go": _SEARCH,
    "/go/results": "changes nothing: what was found, in the dialog of every page",
    "/lists/export": _OF_EVERY_LIST,
    "/lists/find": _SEARCH,
    "/lists/settings": _OF_EVERY_LIST,
    "/lists/views": _OF_EVERY_LIST,
    "/lists/views/<view_id>/delete": _OF_EVERY_LIST,
    "/admin/screening/try": "declared, and parsed by its view, which shows a result and keeps none",
    "/teller/cash": _SEARCH,
    "/teller/counter": _SEARCH,
    "/theme": "a preference of the browser, also before sign-in",
}
#: Of these no form is shown again: they redirect, or return a file or options.
NEVER_SHOWN_AGAIN = {
    path
    for path in POSTS_BY_HAND
    if path.startswith(("/lists/", "/theme", "/auth/logout", "/auth/kept-form"))
    or path.endswith(("/question", "/results"))
}
#: Files and not pages; opening one is recorded.
NOT_LINKED = {
    "/support/kyc/documents/<document_id>",
    "/admin/returns/photos/<photo_id>",
    # A part of the order's page.
    "/admin/returns/orders/<order_id>",
    "/lists/exports/<export_id>",
    # A part of the customer's page.
    "/admin/people/<person_id>",
    # At the counter, their cash.
    "/teller/cash/<person_id>",
    # Shipments have a page of their own.
    "/teller/collection/<shipment_id>",
}


def _declaration(app: Flask, rule: Rule) -> Any:
    """Return the declaration: an operation of the API, or the view of a page."""
    view = app.view_functions[rule.endpoint]
    operation: ApiOperation | None = getattr(view, "operation", None)
    return operation or (view if hasattr(view, "permission") else None)


def _caller(declared: Any) -> str:
    """Return the permission that a route needs, and whether visitors need none."""
    permission = getattr(declared, "permission", None) or "public"
    return f"{permission} or none" if getattr(declared, "visitors", False) else permission


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
                _caller(declared),
                f"{limit.label} {limit.quota}/min" if limit else "unlimited",
                "one key, one effect" if getattr(declared, "idempotent", False) else "",
            )
            for method in _methods(rule)
        ]
    head = ("ROUTE", "METHOD", "PERMISSION", "RATE LIMIT", "IDEMPOTENCY-KEY")
    snapshot.check(snapshot.HERE / "routes.txt", snapshot.table([head, *sorted(rows)]))


def _page_posts(app: Flask) -> set[str]:
    """Return the paths of pages that take a POST, apart from the bulk actions of lists."""
    pages = {name for name, one in app.blueprints.items() if isinstance(one, PageBlueprint)}
    return {
        rule.rule
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ())
        and rule.endpoint.partition(".")[0] in pages
        and not rule.endpoint.partition(".")[2].startswith("act_on_")
    }


def _declared_forms(app: Flask) -> dict[str, Form]:
    """Return the declared forms by the path that they are sent to."""
    return {
        path: form
        for blueprint in app.blueprints.values()
        if isinstance(blueprint, PageBlueprint)
        for path, form in blueprint.forms.items()
    }


def test_every_form_is_declared_or_says_why_not(app: Flask) -> None:
    assert _page_posts(app) - _declared_forms(app).keys() == POSTS_BY_HAND.keys()


def test_every_dangerous_form_asks_before_it_acts(app: Flask) -> None:
    forms = _declared_forms(app)
    assert [path for path in forms if forms[path].is_dangerous and not forms[path].confirm] == []


def test_form_with_a_password_or_a_code_is_not_kept(app: Flask) -> None:
    secret = {
        path
        for path, form in _declared_forms(app).items()
        if any(about["control"] in {"password", "code"} for _name, about, _required in form.fields)
    }
    kept = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ())
        if getattr(app.view_functions[rule.endpoint], "keeps_form", False)
    }
    assert secret
    assert secret & kept == set()


def test_address_of_a_form_that_is_shown_again_can_be_reloaded(app: Flask) -> None:
    shown = {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert _page_posts(app) - shown == NEVER_SHOWN_AGAIN


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
