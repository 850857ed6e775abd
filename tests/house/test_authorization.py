"""Every route, asked by everybody: the declared answer and no other, as a table to be reviewed.

200, 204, 303 to elsewhere, 400, 409 and 422 are answers to somebody who may ask: the requests are
empty on purpose. 303 to the sign-in page and 401 are for nobody known, 403 for who may not, 404
for what is not theirs.
"""

from collections.abc import Callable

import pytest
from flask import Flask

from app.access import Permission, Role
from app.blueprints import api_blueprint, page_blueprint, route_registry
from app.branches import queries as branches_queries
from tests.house import authorization, snapshot
from tests.house.authorization import House

SNAPSHOT = snapshot.HERE / "authorization.txt"
#: What the controls ask: few, for each kind of rule.
_FEW = (
    "/admin/",
    "/admin/branches/<branch_id>",
    "/admin/approvals/<approval_id>/withdraw",
    "/api/admin/exposure",
    "/api/wallet/balances",
)


@pytest.fixture
def house(lone_app: Flask) -> House:
    """A house of its own, so that what the controls break is broken nowhere else."""
    return House.furnished(lone_app)


def few(app: Flask) -> list[route_registry.Route]:
    return [route for route in route_registry.routes(app) if route.path in _FEW]


def as_reviewed(rows: list[tuple[str, ...]]) -> bool:
    """Whether every row stands in the committed table, whatever its columns' width."""
    reviewed = {tuple(line.split()) for line in SNAPSHOT.read_text().splitlines()}
    return all(tuple(" ".join(row).split()) in reviewed for row in rows)


@pytest.mark.timeout(1200)
def test_everybody_gets_the_declared_answer_and_no_other(lone_app: Flask, house: House) -> None:
    rows, undeclared = authorization.table(house, route_registry.routes(lone_app))
    assert undeclared == []
    snapshot.check(SNAPSHOT, snapshot.table(rows))


def test_a_route_that_does_not_declare_who_may_call_it_is_none_of_these(app: Flask) -> None:
    """Those are listed with a reason in test_routes.py; every other is in the table."""
    listed = {route.path for route in route_registry.routes(app)}
    written = {line.split()[0] for line in SNAPSHOT.read_text().splitlines()[1:]}
    assert listed == written


# Controls: a rule that is broken on purpose is found.


def test_unbroken_the_few_are_as_reviewed(lone_app: Flask, house: House) -> None:
    rows, undeclared = authorization.table(house, few(lone_app))
    assert undeclared == []
    assert as_reviewed(rows)


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
def test_a_broken_rule_is_found(
    lone_app: Flask,
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    broken: Callable[[Flask, pytest.MonkeyPatch], None],
) -> None:
    broken(lone_app, monkeypatch)
    rows, undeclared = authorization.table(house, few(lone_app))
    assert undeclared
    assert not as_reviewed(rows)


def test_another_declaration_is_found(lone_app: Flask, house: House) -> None:
    """The route then does what it declares, and the committed table says something else."""
    [view] = [
        lone_app.view_functions[route.endpoint]
        for route in few(lone_app)
        if route.path == "/api/admin/exposure"
    ]
    declared = view.operation.permission
    object.__setattr__(view.operation, "permission", Permission.ACCOUNT_READ)
    try:
        rows, undeclared = authorization.table(house, few(lone_app))
    finally:
        # The declaration is the blueprint's: every application of this process has it.
        object.__setattr__(view.operation, "permission", declared)
    assert undeclared == []
    assert not as_reviewed(rows)
