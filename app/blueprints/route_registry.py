"""The declared routes of the application, for the page of a role and for tests."""

from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from app.access import Permission


@dataclass(frozen=True, slots=True)
class DeclaredRoute:
    """A method of a path. `permission` is None for a public route; `summary` is for people."""

    path: str
    method: str
    endpoint: str
    permission: Permission | None
    is_page: bool
    summary: str
    #: Whether visitors, who have not signed in, may use it as well.
    visitors: bool = False


def find_declaration(app: Flask, rule: Rule) -> Any:
    """Return what declares the permission of a route: the operation of the API or the view of a
    page; None for a route that is neither."""
    view = app.view_functions[rule.endpoint]
    operation = getattr(view, "operation", None)
    return operation or (view if hasattr(view, "permission") else None)


def list_routes(app: Flask) -> list[DeclaredRoute]:
    """Return every route that declares its permission, sorted by path and method."""
    routes = []
    for rule in app.url_map.iter_rules():
        declared = find_declaration(app, rule)
        if declared is None:
            continue
        view = app.view_functions[rule.endpoint]
        about = (view.__doc__ or "").partition("\n\n")[0]
        routes += [
            DeclaredRoute(
                rule.rule,
                method,
                rule.endpoint,
                declared.permission,
                not hasattr(view, "operation"),
                " ".join(about.split()),
                getattr(declared, "visitors", False),
            )
            for method in sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"})
        ]
    return sorted(routes, key=lambda route: (route.path, route.method))
