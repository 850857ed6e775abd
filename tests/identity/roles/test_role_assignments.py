"""Changes of roles, and the sessions that they end."""

from uuid import UUID, uuid4

import pytest
from flask import Flask

from app.access import Actor, Permission, Role
from app.identity.accounts.people import get_account
from app.identity.errors import AlreadySet, OwnAccountChange, PermissionNotHeld
from app.identity.roles import role_assignments, role_permissions
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import Invalid, NotFound, PermissionDenied
from tests.page_client import Browser
from tests.people import PASSWORD, People
from tests.second_person import add_grant, approve, remove_grant
from tests.unchanged_database import database_unchanged

REASON = "because of a test"


def role_of(database: Database, person: Actor) -> tuple[Role, UUID | None]:
    with database.reading() as session:
        account = get_account(session, person.user_id)
    return account.role, account.branch_id


def change_role(
    database: Database, actor: Actor, person: Actor, role: Role, branch: UUID | None = None
) -> UUID | None:
    with database.transaction() as session:
        return role_assignments.change_role(
            session, actor, person.user_id, role, branch_id=branch, reason=REASON
        )


def test_role_change_applies_and_is_recorded(
    database: Database, people: People, admin: Actor
) -> None:
    person, branch = people.customer(), people.branch()
    assert change_role(database, admin, person, Role.TELLER, branch) is None
    assert role_of(database, person) == (Role.TELLER, branch)
    assert change_role(database, admin, person, Role.AUDITOR) is None
    assert role_of(database, person) == (Role.AUDITOR, None)
    with database.reading() as session:
        rows = session.rows(
            "SELECT before, after, reason FROM audit_records WHERE subject = %s ORDER BY id",
            (ids.encode("usr", person.user_id),),
        )
    teller = {"role": "TELLER", "branch": ids.encode("brn", branch)}
    assert rows == [
        ({"role": "USER"}, teller, REASON),
        (teller, {"role": "AUDITOR"}, REASON),
    ]


def test_admin_role_needs_a_second_person(
    database: Database, people: People, admin: Actor, second_admin: Actor
) -> None:
    person = people.staff(Role.SUPPORT)
    request_id = change_role(database, admin, person, Role.ADMIN)
    assert request_id is not None
    assert role_of(database, person)[0] is Role.SUPPORT
    approve(database, second_admin, request_id)
    assert role_of(database, person)[0] is Role.ADMIN


def test_role_for_acts_of_two_people_needs_a_second_person(
    database: Database, people: People, admin: Actor, second_admin: Actor
) -> None:
    person = people.staff(Role.AUDITOR)
    request_id = change_role(database, admin, person, Role.SUPPORT)
    assert role_of(database, person)[0] is Role.AUDITOR
    approve(database, second_admin, request_id)
    assert role_of(database, person)[0] is Role.SUPPORT
    # What the new role takes away needs no one else.
    assert change_role(database, admin, person, Role.AUDITOR) is None


def test_only_a_teller_has_a_branch(database: Database, people: People, admin: Actor) -> None:
    person, branch = people.customer(), people.branch()
    for role, branch_id in ((Role.TELLER, None), (Role.SUPPORT, branch)):
        with database_unchanged(database), pytest.raises(Invalid, match="branch"):
            change_role(database, admin, person, role, branch_id)


def test_own_role_cannot_be_changed(database: Database, admin: Actor) -> None:
    with database_unchanged(database), pytest.raises(OwnAccountChange):
        change_role(database, admin, admin, Role.SUPPORT)


def test_role_with_permissions_not_held_cannot_be_assigned(
    database: Database, people: People, second_admin: Actor
) -> None:
    add_grant(database, Role.COMPLIANCE, Permission.ROLES_ASSIGN)
    try:
        officer, person = people.staff(Role.COMPLIANCE), people.customer()
        for role in (Role.ADMIN, Role.AUDITOR):
            with database_unchanged(database), pytest.raises(PermissionNotHeld):
                change_role(database, officer, person, role)
        # Nor can they revoke a role that they could not assign.
        with database_unchanged(database), pytest.raises(PermissionNotHeld):
            change_role(database, officer, second_admin, Role.SUPPORT)
        # One whose permissions they hold waits for a second person.
        assert change_role(database, officer, person, Role.COMPLIANCE) is not None
    finally:
        remove_grant(database, Role.COMPLIANCE, Permission.ROLES_ASSIGN)


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.COMPLIANCE, Role.AUDITOR, Role.USER])
def test_roles_without_permission_are_refused(
    database: Database, people: People, role: Role
) -> None:
    actor = people.customer() if role is Role.USER else people.staff(role)
    person = people.customer()
    with database_unchanged(database), pytest.raises(PermissionDenied):
        change_role(database, actor, person, Role.SUPPORT)


def test_unknown_person_is_not_account(database: Database, admin: Actor) -> None:
    with database_unchanged(database), pytest.raises(NotFound), database.transaction() as session:
        role_assignments.change_role(session, admin, uuid4(), Role.SUPPORT, reason=REASON)


@pytest.mark.usefixtures("no_other_administrators")
def test_command_line_appoints_the_first_two_administrators(
    app: Flask, database: Database, people: People
) -> None:
    persons = [people.staff(Role.SUPPORT) for _ in range(3)]
    run = app.test_cli_runner().invoke
    for person in persons[:2]:
        args = ["people", "appoint-admin", person.email, "--reason", REASON]
        assert run(args=args).output == f"{person.email} is now an administrator.\n"
        assert role_of(database, person)[0] is Role.ADMIN
    with database_unchanged(database):
        result = run(args=["people", "appoint-admin", persons[2].email, "--reason", REASON])
        assert result.exit_code == 1
        assert "There are two administrators already" in result.output
        result = run(args=["people", "appoint-admin", "unknown@example.com", "--reason", REASON])
        assert result.exit_code == 1
        assert result.output == "Error: No account has this email address.\n"


def test_role_change_ends_existing_sessions(
    app: Flask, database: Database, people: People, admin: Actor, second_admin: Actor
) -> None:
    person = people.staff(Role.AUDITOR)
    browser = Browser(app)
    browser.sign_in(person.email, PASSWORD)
    browser.get_page("/admin/roles")
    approve(database, second_admin, change_role(database, admin, person, Role.INVENTORY))
    assert browser.client.get("/admin/roles").status_code == 303
    browser.sign_in(person.email, PASSWORD)
    browser.get_page("/admin/roles", status=403)
    browser.get_page("/auth/account")


def test_revoked_grant_is_gone_with_the_next_request(
    app: Flask, database: Database, people: People, admin: Actor
) -> None:
    person = people.staff(Role.INVENTORY)
    browser = Browser(app)
    browser.sign_in(person.email, PASSWORD)
    browser.get_page("/admin/people", status=403)
    with database.transaction() as session:
        role_permissions.grant_permission(
            session, admin, Role.INVENTORY, Permission.PEOPLE_READ, reason=REASON
        )
    browser.get_page("/admin/people")
    with database.transaction() as session:
        role_permissions.revoke_permission(
            session, admin, Role.INVENTORY, Permission.PEOPLE_READ, reason=REASON
        )
    browser.get_page("/admin/people", status=403)


def test_unchanged_role_is_refused(database: Database, people: People, admin: Actor) -> None:
    person = people.staff(Role.SUPPORT)
    with database_unchanged(database), pytest.raises(AlreadySet):
        change_role(database, admin, person, Role.SUPPORT)
