"""Grants: effective at the next request, edited within limits, recorded."""

from collections.abc import Callable, Iterator

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
from app.identity.models import User
from app.identity.roles import current_permissions, role_permissions
from app.identity.roles.models import RoleGrant
from app.kit.db import Database
from app.kit.errors import Invalid, PermissionDenied, Refusal
from tests.people import People
from tests.rows import change_rows, delete_rows
from tests.second_person import add_grant, approve
from tests.unchanged_database import database_unchanged

REASON = "because of a test"
SEE, READ = Permission.EXPOSURE_READ, Permission.CUSTODY_READ


@pytest.fixture(autouse=True)
def _restore_grants(database: Database) -> Iterator[None]:
    """Restore the default grants for other tests."""
    yield
    with database.transaction() as session:
        delete_rows(session, RoleGrant)
        for role, permissions in DEFAULT_PERMISSIONS.items():
            session.send(
                "INSERT INTO role_grants SELECT %s, unnest(%s::text[])", (role, sorted(permissions))
            )


def granted_permissions(database: Database, role: Role) -> frozenset[Permission]:
    with database.reading() as session:
        return role_permissions.list_grants(session)[role]


def assert_refused(
    database: Database, refusal: type[Refusal], actor: Actor, *arguments: object
) -> None:
    act, role, permission = arguments
    with (
        database_unchanged(database),
        pytest.raises(refusal),
        database.transaction() as session,
    ):
        act(session, actor, role, permission, reason=REASON)


def test_new_database_has_the_default_grants(database: Database) -> None:
    """A change of DEFAULT_PERMISSIONS needs a migration that calls set_default_holders (0028)."""
    for role in Role:
        assert granted_permissions(database, role) == DEFAULT_PERMISSIONS[role]


@pytest.fixture
def set_default_holders(app: Flask) -> Callable[[str, list[Role]], None]:
    """Return what a migration calls, as the owner of the database."""
    url = app.extensions["settings"].database_owner_url.replace("+psycopg", "")

    def set_holders(permission: str, holders: list[Role]) -> None:
        with psycopg.connect(url) as owner:
            owner.execute("SELECT set_default_holders(%s, %s)", (permission, holders))

    return set_holders


def holders_of(database: Database, permission: str) -> set[str]:
    with database.reading() as session:
        rows = session.rows("SELECT role FROM role_grants WHERE permission = %s", (permission,))
    return {role for (role,) in rows}


def test_migration_carries_changed_default_holders(
    database: Database, set_default_holders: Callable[[str, list[Role]], None]
) -> None:
    for holders in ([Role.SUPPORT, Role.ADMIN], [Role.ADMIN, Role.AUDITOR], []):
        set_default_holders("all:probes:read", holders)
        assert holders_of(database, "all:probes:read") == set(holders)


def test_migration_keeps_grants_that_an_administrator_edited(
    database: Database,
    admin: Actor,
    set_default_holders: Callable[[str, list[Role]], None],
) -> None:
    with database.transaction() as session:
        role_permissions.grant_permission(session, admin, Role.SUPPORT, READ, reason=REASON)
        role_permissions.revoke_permission(session, admin, Role.AUDITOR, READ, reason=REASON)
    with database.transaction() as session:
        # An edit that was undone leaves the last word to the administrator too.
        role_permissions.revoke_permission(session, admin, Role.COMPLIANCE, READ, reason=REASON)
        role_permissions.grant_permission(session, admin, Role.COMPLIANCE, READ, reason=REASON)
    set_default_holders(READ, [Role.AUDITOR, Role.INVENTORY])
    assert holders_of(database, READ) == {Role.SUPPORT, Role.COMPLIANCE, Role.INVENTORY}


def test_granted_and_revoked_permissions_apply_at_once_and_are_recorded(
    database: Database, people: People, admin: Actor
) -> None:
    support = people.staff(Role.SUPPORT)
    with database.transaction() as session:
        role_permissions.grant_permission(session, admin, Role.SUPPORT, SEE, reason=REASON)
    with database.transaction() as session:
        assert SEE in current_permissions.lock_actor(session, support.user_id).permissions
        role_permissions.revoke_permission(session, admin, Role.SUPPORT, SEE, reason=REASON)
        assert SEE not in current_permissions.lock_actor(session, support.user_id).permissions
    with database.reading() as session:
        rows = session.rows(
            "SELECT action, subject, after->>'held', reason FROM audit_records"
            " WHERE actor_id = %s ORDER BY id",
            (admin.user_id,),
        )
    assert rows == [
        ("grant.given", "role:SUPPORT", "true", REASON),
        ("grant.taken", "role:SUPPORT", "false", REASON),
    ]


def test_permission_for_acts_of_two_people_is_granted_by_two(
    database: Database, admin: Actor, second_admin: Actor
) -> None:
    release = Permission.PAYMENTS_RELEASE
    with database.transaction() as session:
        approval_id = role_permissions.grant_permission(
            session, admin, Role.SUPPORT, release, reason=REASON
        )
    assert release not in granted_permissions(database, Role.SUPPORT)
    approve(database, second_admin, approval_id)
    assert release in granted_permissions(database, Role.SUPPORT)
    with database_unchanged(database), database.transaction() as session:
        again = role_permissions.grant_permission(
            session, admin, Role.SUPPORT, release, reason=REASON
        )
    assert again is None


def test_repeated_grant_and_revocation_change_nothing(database: Database, admin: Actor) -> None:
    with database_unchanged(database), database.transaction() as session:
        role_permissions.grant_permission(session, admin, Role.AUDITOR, SEE, reason=REASON)
        role_permissions.revoke_permission(session, admin, Role.SUPPORT, SEE, reason=REASON)


def test_editor_without_the_permission_is_refused(database: Database, people: People) -> None:
    add_grant(database, Role.COMPLIANCE, Permission.GRANTS_EDIT)
    officer = people.staff(Role.COMPLIANCE)
    assert_refused(
        database,
        PermissionNotHeld,
        officer,
        role_permissions.grant_permission,
        Role.COMPLIANCE,
        SEE,
    )
    assert_refused(
        database, PermissionNotHeld, officer, role_permissions.revoke_permission, Role.AUDITOR, SEE
    )


def test_permission_revoked_meanwhile_is_not_usable(
    database: Database, people: People, admin: Actor
) -> None:
    """The actor object still has the permission; the database does not."""
    with database.transaction() as session:
        change_rows(session, User, User.id == admin.user_id, role="SUPPORT")
    assert_refused(
        database, PermissionDenied, admin, role_permissions.grant_permission, Role.SUPPORT, SEE
    )


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_roles_without_grants_edit_are_refused(
    database: Database, people: People, role: Role
) -> None:
    actor = people.customer() if role is Role.USER else people.staff(role)
    assert_refused(
        database, PermissionDenied, actor, role_permissions.grant_permission, Role.SUPPORT, SEE
    )


def test_customer_permissions_are_not_editable(database: Database, admin: Actor) -> None:
    assert_refused(
        database, GrantNotEditable, admin, role_permissions.grant_permission, Role.USER, SEE
    )
    assert_refused(
        database,
        GrantNotEditable,
        admin,
        role_permissions.grant_permission,
        Role.ADMIN,
        Permission.ORDERS_PLACE,
    )
    assert_refused(
        database,
        GrantNotEditable,
        admin,
        role_permissions.revoke_permission,
        Role.SUPPORT,
        Permission.SESSIONS_REVOKE,
    )


def test_last_role_with_a_permission_keeps_it(database: Database, admin: Actor) -> None:
    assert_refused(
        database,
        LastRoleWithPermission,
        admin,
        role_permissions.revoke_permission,
        Role.ADMIN,
        Permission.GRANTS_EDIT,
    )
    assert_refused(
        database,
        LastRoleWithPermission,
        admin,
        role_permissions.revoke_permission,
        Role.ADMIN,
        Permission.BRANCHES_EDIT,
    )


def test_last_active_editor_of_grants_stays(database: Database, admin: Actor) -> None:
    """A role that holds the permission but has no active person does not count."""
    add_grant(database, Role.INVENTORY, Permission.GRANTS_EDIT)
    with database.transaction() as session:
        change_rows(session, User, User.role == "INVENTORY", status="suspended")
    assert_refused(
        database,
        LastAdministrator,
        admin,
        role_permissions.revoke_permission,
        Role.ADMIN,
        Permission.GRANTS_EDIT,
    )


def test_grant_without_reason_is_refused(database: Database, admin: Actor) -> None:
    for reason in ("", "x" * 501, "a\x00bcdef"):
        with (
            database_unchanged(database),
            pytest.raises(Invalid),
            database.transaction() as session,
        ):
            role_permissions.grant_permission(session, admin, Role.SUPPORT, SEE, reason=reason)
