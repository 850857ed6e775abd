"""Every caller requests every route and gets the declared status; a reviewed table lists them.

Requests are empty on purpose: 200, 204, 303 to another page, 400, 409 and 422 mean that the caller
holds the permission. 303 to the sign-in page and 401 mean an unknown caller, 403 a missing
permission, 404 an object that is not the caller's.
"""

from collections.abc import Callable

import pytest
from flask import Flask

from app.access import Permission, Role
from app.blueprints import api_blueprint, page_blueprint, route_registry
from app.branches import queries as branches_queries
from tests.house import authorization, snapshot
from tests.house.authorization import Installation

SNAPSHOT = snapshot.HERE / "authorization.txt"
#: The routes that the controls request: one for each kind of rule.
_SAMPLED_PATHS = (
    "/admin/exposure",
    "/admin/branches/<branch_id>",
    "/admin/approvals/<approval_id>/withdraw",
    "/api/admin/exposure",
    "/api/wallet/balances",
)


@pytest.fixture
def installation(lone_app: Flask) -> Installation:
    """An installation of its own, because the controls break it."""
    return Installation.create(lone_app)


def sampled_routes(app: Flask) -> list[route_registry.DeclaredRoute]:
    return [route for route in route_registry.list_routes(app) if route.path in _SAMPLED_PATHS]


def matches_snapshot(rows: list[tuple[str, ...]]) -> bool:
    """Return whether the committed table contains every row, regardless of column widths."""
    reviewed = {tuple(line.split()) for line in SNAPSHOT.read_text().splitlines()}
    return all(tuple(" ".join(row).split()) in reviewed for row in rows)


@pytest.mark.timeout(1200)
def test_every_caller_gets_the_declared_status_on_every_route(
    lone_app: Flask, installation: Installation
) -> None:
    rows, undeclared = authorization.authorization_table(
        installation, route_registry.list_routes(lone_app)
    )
    assert undeclared == []
    snapshot.check(SNAPSHOT, snapshot.table(rows))


def test_authorization_snapshot_covers_every_declared_route(app: Flask) -> None:
    """Routes without a declaration are listed with a reason in test_routes.py."""
    listed = {route.path for route in route_registry.list_routes(app)}
    written = {line.split()[0] for line in SNAPSHOT.read_text().splitlines()[1:]}
    assert listed == written


# Controls: a rule that is broken on purpose must be found.


def test_sampled_routes_match_the_snapshot(lone_app: Flask, installation: Installation) -> None:
    rows, undeclared = authorization.authorization_table(installation, sampled_routes(lone_app))
    assert undeclared == []
    assert matches_snapshot(rows)


def _grant(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.extensions["database"].transaction() as session:
        values = (Role.SUPPORT, Permission.EXPOSURE_READ)
        session.send("INSERT INTO role_grants VALUES (%s, %s)", values)


def _revoke(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.extensions["database"].transaction() as session:
        session.send("DELETE FROM role_grants WHERE role = 'USER'")


def _ask_no_permission_of_programs(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_blueprint, "require", lambda _actor, _permission: None)


def _ask_no_permission_of_pages(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_blueprint, "require", lambda _actor, _permission: None)


def _show_every_branch(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(branches_queries, "check_branch", lambda _actor, _branch_id: None)


@pytest.mark.parametrize(
    "broken",
    [
        _grant,
        _revoke,
        _ask_no_permission_of_programs,
        _ask_no_permission_of_pages,
        _show_every_branch,
    ],
)
def test_broken_authorization_rule_is_found(
    lone_app: Flask,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    broken: Callable[[Flask, pytest.MonkeyPatch], None],
) -> None:
    broken(lone_app, monkeypatch)
    rows, undeclared = authorization.authorization_table(installation, sampled_routes(lone_app))
    assert undeclared
    assert not matches_snapshot(rows)


def test_changed_permission_of_a_route_is_found(
    lone_app: Flask, installation: Installation
) -> None:
    """The route then behaves as declared, and the committed table differs."""
    [view] = [
        lone_app.view_functions[route.endpoint]
        for route in sampled_routes(lone_app)
        if route.path == "/api/admin/exposure"
    ]
    declared = view.operation.permission
    object.__setattr__(view.operation, "permission", Permission.ACCOUNT_READ)
    try:
        rows, undeclared = authorization.authorization_table(installation, sampled_routes(lone_app))
    finally:
        # The blueprint, and so every application of this process, shares the declaration.
        object.__setattr__(view.operation, "permission", declared)
    assert undeclared == []
    assert not matches_snapshot(rows)
