"""What roles may do: in force at the next request, edited within limits, recorded."""

from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask

from app.access import DEFAULT_PERMISSIONS, Actor, Permission, Role
from app.identity.errors import (
    GrantNotEditable,
    LastAdministrator,
    LastRoleWithPermission,
    PermissionNotHeld,
)
from app.identity.roles import current_permissions, grants
from app.kit.db import Database
from app.kit.errors import Invalid, PermissionDenied, Refusal
from tests.people import People
from tests.unchanged_database import database_unchanged

WHY = "because of a test"
SEE = Permission.EXPOSURE_READ


@pytest.fixture
def admin(people: People) -> Actor:
    return people.staff(Role.ADMIN)


@pytest.fixture(autouse=True)
def _as_at_first(database: Database) -> Iterator[None]:
    """Other tests find the grants as they were."""
    yield
    with database.transaction() as session:
        session.send("DELETE FROM role_grants")
        roles, permissions = grants.default_grants()
        session.send(
            "INSERT INTO role_grants SELECT * FROM unnest(%s::text[], %s::text[])",
            (roles, permissions),
        )


def held(database: Database, role: Role) -> frozenset[Permission]:
    with database.reading() as session:
        return grants.list_grants(session)[role]


def refused(database: Database, refusal: type[Refusal], actor: Actor, *asked: object) -> None:
    act, role, permission = asked
    with (
        database_unchanged(database),
        pytest.raises(refusal),
        database.transaction() as session,
    ):
        act(session, actor, role, permission, reason=WHY)


def test_a_new_database_grants_what_the_program_says(database: Database) -> None:
    for role in Role:
        assert held(database, role) == DEFAULT_PERMISSIONS[role]


def test_a_permission_that_is_new_gets_its_first_holders_and_the_others_keep_theirs(
    app: Flask, database: Database, admin: Actor
) -> None:
    with database.transaction() as session:
        grants.revoke_permission(session, admin, Role.AUDITOR, SEE, reason=WHY)
        session.send("DELETE FROM role_grants WHERE permission = %s", (Permission.PEOPLE_READ,))
    url = app.extensions["settings"].database_owner_url.replace("+psycopg", "")
    with psycopg.connect(url) as owner:
        owner.execute("DELETE FROM permissions WHERE name = %s", (Permission.PEOPLE_READ,))
        owner.execute(grants.INSERT_NEW_PERMISSIONS, grants.default_grants())
    assert held(database, Role.AUDITOR) == DEFAULT_PERMISSIONS[Role.AUDITOR] - {SEE}
    assert held(database, Role.SUPPORT) == DEFAULT_PERMISSIONS[Role.SUPPORT]


def test_what_is_given_and_taken_is_in_force_at_once_and_recorded(
    database: Database, people: People, admin: Actor
) -> None:
    support = people.staff(Role.SUPPORT)
    with database.transaction() as session:
        grants.grant_permission(session, admin, Role.SUPPORT, SEE, reason=WHY)
    with database.transaction() as session:
        assert SEE in current_permissions.lock_actor(session, support.user_id).permissions
        grants.revoke_permission(session, admin, Role.SUPPORT, SEE, reason=WHY)
        assert SEE not in current_permissions.lock_actor(session, support.user_id).permissions
    with database.reading() as session:
        rows = session.rows(
            "SELECT action, subject, after->>'held', reason FROM audit_records"
            " WHERE actor_id = %s ORDER BY id",
            (admin.user_id,),
        )
    assert rows == [
        ("grant.given", "role:SUPPORT", "true", WHY),
        ("grant.taken", "role:SUPPORT", "false", WHY),
    ]


def test_again_changes_nothing(database: Database, admin: Actor) -> None:
    with database_unchanged(database), database.transaction() as session:
        grants.grant_permission(session, admin, Role.AUDITOR, SEE, reason=WHY)
        grants.revoke_permission(session, admin, Role.SUPPORT, SEE, reason=WHY)


def test_nobody_gives_or_takes_what_they_lack(
    database: Database, people: People, admin: Actor
) -> None:
    with database.transaction() as session:
        grants.grant_permission(session, admin, Role.COMPLIANCE, Permission.GRANTS_EDIT, reason=WHY)
    officer = people.staff(Role.COMPLIANCE)
    refused(database, PermissionNotHeld, officer, grants.grant_permission, Role.COMPLIANCE, SEE)
    refused(database, PermissionNotHeld, officer, grants.revoke_permission, Role.AUDITOR, SEE)


def test_a_permission_that_was_lost_a_moment_ago_does_not_count(
    database: Database, people: People, admin: Actor
) -> None:
    """The actor still says so, the database does not."""
    with database.transaction() as session:
        session.send("UPDATE users SET role = 'SUPPORT' WHERE id = %s", (admin.user_id,))
    refused(database, PermissionDenied, admin, grants.grant_permission, Role.SUPPORT, SEE)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_those_who_may(database: Database, people: People, role: Role) -> None:
    actor = people.customer() if role is Role.USER else people.staff(role)
    refused(database, PermissionDenied, actor, grants.grant_permission, Role.SUPPORT, SEE)


def test_customers_rights_are_not_edited(database: Database, admin: Actor) -> None:
    refused(database, GrantNotEditable, admin, grants.grant_permission, Role.USER, SEE)
    refused(
        database,
        GrantNotEditable,
        admin,
        grants.grant_permission,
        Role.ADMIN,
        Permission.ORDERS_PLACE,
    )
    refused(
        database,
        GrantNotEditable,
        admin,
        grants.revoke_permission,
        Role.SUPPORT,
        Permission.SESSIONS_REVOKE,
    )


def test_the_last_role_keeps_a_permission(database: Database, admin: Actor) -> None:
    refused(
        database,
        LastRoleWithPermission,
        admin,
        grants.revoke_permission,
        Role.ADMIN,
        Permission.GRANTS_EDIT,
    )
    refused(
        database,
        LastRoleWithPermission,
        admin,
        grants.revoke_permission,
        Role.ADMIN,
        Permission.BRANCHES_EDIT,
    )


def test_somebody_can_always_edit_grants(database: Database, admin: Actor) -> None:
    """A role that holds the permission and has nobody in it does not count."""
    with database.transaction() as session:
        grants.grant_permission(session, admin, Role.INVENTORY, Permission.GRANTS_EDIT, reason=WHY)
        session.send("UPDATE users SET status = 'suspended' WHERE role = 'INVENTORY'")
    refused(
        database,
        LastAdministrator,
        admin,
        grants.revoke_permission,
        Role.ADMIN,
        Permission.GRANTS_EDIT,
    )


def test_a_reason_is_needed(database: Database, admin: Actor) -> None:
    for reason in ("", "x" * 501, "a\x00bcdef"):
        with (
            database_unchanged(database),
            pytest.raises(Invalid),
            database.transaction() as session,
        ):
            grants.grant_permission(session, admin, Role.SUPPORT, SEE, reason=reason)
