"""Changes of roles and account status, and the sessions that they end."""

from uuid import UUID, uuid4

import pytest
from flask import Flask

from app.access import Actor, Permission, Role
from app.approvals import queries as approvals_queries
from app.approvals import service as approvals
from app.identity.accounts import account_status
from app.identity.accounts.people import get_account
from app.identity.errors import AlreadySet, LastAdministrator, OwnAccountChange, PermissionNotHeld
from app.identity.roles import grants, role_changes
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import Invalid, NotFound, PermissionDenied
from tests.page_client import Browser
from tests.people import PASSWORD, People
from tests.unchanged_database import database_unchanged

REASON = "because of a test"


@pytest.fixture
def admin(people: People) -> Actor:
    return people.staff(Role.ADMIN)


@pytest.fixture
def second(people: People) -> Actor:
    return people.staff(Role.ADMIN)


@pytest.fixture
def no_other_administrators(database: Database) -> None:
    """Demote every administrator but those that the test creates."""
    with database.transaction() as session:
        session.send("UPDATE users SET role = 'SUPPORT' WHERE role = 'ADMIN'")


def role_of(database: Database, person: Actor) -> tuple[Role, UUID | None]:
    with database.reading() as session:
        found = get_account(session, person.user_id)
    return found.role, found.branch_id


def change_role(
    database: Database, actor: Actor, person: Actor, role: Role, branch: UUID | None = None
) -> UUID | None:
    with database.transaction() as session:
        return role_changes.change_role(
            session, actor, person.user_id, role, branch_id=branch, reason=REASON
        )


def approve(database: Database, actor: Actor, approval_id: UUID) -> None:
    with database.transaction() as session:
        found = approvals_queries.get_approval(session, approval_id)
        assert approvals.approve(session, actor, approval_id, seen_hash=found.hash) is None


def test_role_change_applies_and_is_recorded(
    database: Database, people: People, admin: Actor
) -> None:
    person, branch = people.customer(), people.branch()
    assert change_role(database, admin, person, Role.TELLER, branch) is None
    assert role_of(database, person) == (Role.TELLER, branch)
    assert change_role(database, admin, person, Role.SUPPORT) is None
    assert role_of(database, person) == (Role.SUPPORT, None)
    with database.reading() as session:
        rows = session.rows(
            "SELECT before, after, reason FROM audit_records WHERE subject = %s ORDER BY id",
            (ids.encode("usr", person.user_id),),
        )
    teller = {"role": "TELLER", "branch": ids.encode("brn", branch)}
    assert rows == [
        ({"role": "USER"}, teller, REASON),
        (teller, {"role": "SUPPORT"}, REASON),
    ]


def test_admin_role_needs_a_second_person(
    database: Database, people: People, admin: Actor, second: Actor
) -> None:
    person = people.staff(Role.SUPPORT)
    asked = change_role(database, admin, person, Role.ADMIN)
    assert asked is not None
    assert role_of(database, person)[0] is Role.SUPPORT
    approve(database, second, asked)
    assert role_of(database, person)[0] is Role.ADMIN


def test_only_a_teller_has_a_branch(database: Database, people: People, admin: Actor) -> None:
    person, branch = people.customer(), people.branch()
    for role, where in ((Role.TELLER, None), (Role.SUPPORT, branch)):
        with database_unchanged(database), pytest.raises(Invalid, match="branch"):
            change_role(database, admin, person, role, where)


def test_own_role_and_status_cannot_be_changed(
    database: Database, admin: Actor, second: Actor
) -> None:
    with database_unchanged(database), pytest.raises(OwnAccountChange):
        change_role(database, admin, admin, Role.SUPPORT)
    with (
        database_unchanged(database),
        pytest.raises(OwnAccountChange),
        database.transaction() as session,
    ):
        account_status.request_suspension(session, admin, admin.user_id, reason=REASON)


def test_role_with_permissions_not_held_cannot_be_assigned(
    database: Database, people: People, admin: Actor, second: Actor
) -> None:
    with database.transaction() as session:
        grants.grant_permission(
            session, admin, Role.COMPLIANCE, Permission.ROLES_ASSIGN, reason=REASON
        )
    try:
        officer, person = people.staff(Role.COMPLIANCE), people.customer()
        for role in (Role.ADMIN, Role.AUDITOR):
            with database_unchanged(database), pytest.raises(PermissionNotHeld):
                change_role(database, officer, person, role)
        # Nor do they take away what they could not give.
        with database_unchanged(database), pytest.raises(PermissionNotHeld):
            change_role(database, officer, second, Role.SUPPORT)
        assert change_role(database, officer, person, Role.SUPPORT) is None
    finally:
        with database.transaction() as session:
            grants.revoke_permission(
                session, admin, Role.COMPLIANCE, Permission.ROLES_ASSIGN, reason=REASON
            )


def test_unchanged_role_or_status_is_refused(
    database: Database, people: People, admin: Actor
) -> None:
    person = people.staff(Role.SUPPORT)
    with database_unchanged(database), pytest.raises(AlreadySet):
        change_role(database, admin, person, Role.SUPPORT)


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.COMPLIANCE, Role.AUDITOR, Role.USER])
def test_roles_without_permission_are_refused(
    database: Database, people: People, role: Role
) -> None:
    actor = people.customer() if role is Role.USER else people.staff(role)
    person = people.customer()
    with database_unchanged(database), pytest.raises(PermissionDenied):
        change_role(database, actor, person, Role.SUPPORT)


def test_unknown_person_is_not_found(database: Database, admin: Actor) -> None:
    with database_unchanged(database), pytest.raises(NotFound), database.transaction() as session:
        role_changes.change_role(session, admin, uuid4(), Role.SUPPORT, reason=REASON)


@pytest.mark.usefixtures("no_other_administrators")
def test_last_administrator_cannot_be_removed(database: Database, people: People) -> None:
    last, officer = people.staff(Role.ADMIN), people.staff(Role.COMPLIANCE)
    helper = people.staff(Role.COMPLIANCE)
    with database.transaction() as session:
        asked = account_status.request_suspension(session, officer, last.user_id, reason=REASON)
    with database_unchanged(database), pytest.raises(LastAdministrator):
        approve(database, helper, asked)
    # A suspended person does not count.
    gone = people.staff(Role.ADMIN)
    with database.transaction() as session:
        session.send("UPDATE users SET status = 'suspended' WHERE id = %s", (gone.user_id,))
    with database_unchanged(database), pytest.raises(LastAdministrator):
        approve(database, helper, asked)


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
        answer = run(args=["people", "appoint-admin", persons[2].email, "--reason", REASON])
        assert answer.exit_code == 1
        assert "There are two administrators already" in answer.output
        answer = run(args=["people", "appoint-admin", "nobody@example.com", "--reason", REASON])
        assert answer.exit_code == 1
        assert answer.output == "Error: No account has this email address.\n"


def test_suspension_ends_all_access_at_once(
    app: Flask, database: Database, people: People, admin: Actor, second: Actor
) -> None:
    """Covers sign-in, browser sessions, access and refresh tokens; then lifts the suspension."""
    person = people.staff(Role.SUPPORT)
    browser, program = Browser(app), app.test_client()
    program.environ_base["REMOTE_ADDR"] = browser.client.environ_base["REMOTE_ADDR"]
    browser.sign_in(person.email, PASSWORD)
    credentials = {"email": person.email, "password": PASSWORD}
    tokens = program.post("/api/auth/login", json=credentials).json
    bearer = {"Authorization": f"Bearer {tokens['accessToken']}"}
    browser.get_page("/admin/people")
    assert program.get("/api/auth/me", headers=bearer).status_code == 200

    with database.transaction() as session:
        asked = account_status.request_suspension(session, admin, person.user_id, reason=REASON)
    browser.get_page("/admin/people")
    approve(database, second, asked)

    assert browser.client.get("/admin/people").status_code == 303
    assert program.get("/api/auth/me", headers=bearer).status_code == 401
    refresh = {"refreshToken": tokens["refreshToken"]}
    assert program.post("/api/auth/refresh", json=refresh).status_code == 401
    answer = program.post("/api/auth/login", json=credentials)
    assert (answer.status_code, answer.json["code"]) == (403, "account_suspended")
    with database.reading() as session:
        found = get_account(session, person.user_id)
        assert (found.status, found.suspended_reason) == ("suspended", REASON)
        reasons = session.rows(
            "SELECT DISTINCT revoked_reason FROM login_sessions WHERE user_id = %s",
            (person.user_id,),
        )
    assert reasons == [("suspended",)]

    with database.transaction() as session:
        asked = account_status.request_reactivation(session, second, person.user_id, reason=REASON)
    approve(database, admin, asked)
    # What was open before stays shut; the password opens anew.
    assert program.get("/api/auth/me", headers=bearer).status_code == 401
    assert program.post("/api/auth/login", json=credentials).status_code == 200


def test_suspended_customer_cannot_move_money(
    app: Flask, database: Database, people: People, admin: Actor, second: Actor
) -> None:
    program = app.test_client()
    program.environ_base["REMOTE_ADDR"] = Browser(app).client.environ_base["REMOTE_ADDR"]
    registered = program.post(
        "/api/auth/register",
        json={
            "email": f"{uuid4().hex}@example.com",
            "password": PASSWORD,
            "firstName": "Ada",
            "lastName": "Lovelace",
        },
    ).json
    bearer = {"Authorization": f"Bearer {registered['accessToken']}", "Idempotency-Key": "k"}
    who = ids.decode("usr", registered["user"]["id"])
    with database.transaction() as session:
        asked = account_status.request_suspension(session, admin, who, reason=REASON)
    approve(database, second, asked)
    order = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "1.00"}
    with database_unchanged(database):
        answer = program.post("/api/trade/order", json=order, headers=bearer)
    assert (answer.status_code, answer.json["code"]) == (401, "token_invalid")


def test_customer_is_suspended_without_a_second_person(
    app: Flask, database: Database, people: People, admin: Actor
) -> None:
    program = app.test_client()
    program.environ_base["REMOTE_ADDR"] = Browser(app).client.environ_base["REMOTE_ADDR"]
    credentials = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    registered = program.post(
        "/api/auth/register", json={**credentials, "firstName": "Ada", "lastName": "Lovelace"}
    ).json
    bearer = {"Authorization": f"Bearer {registered['accessToken']}"}
    who = ids.decode("usr", registered["user"]["id"])
    with database.transaction() as session:
        account_status.suspend_customer(session, admin, who, reason=REASON)
    assert program.get("/api/auth/me", headers=bearer).status_code == 401
    assert program.post("/api/auth/login", json=credentials).json["code"] == "account_suspended"
    with database.reading() as session:
        found = get_account(session, who)
        recorded = session.rows(
            "SELECT actor_id, before, after, reason FROM audit_records"
            " WHERE action = 'person.suspended' AND subject = %s",
            (found.public_id,),
        )
    assert (found.status, found.suspended_reason) == ("suspended", REASON)
    assert recorded == [(admin.user_id, {"status": "active"}, {"status": "suspended"}, REASON)]
    # Once more, or of the staff, or of nobody: nothing.
    helper = people.staff(Role.SUPPORT).user_id
    with database_unchanged(database), database.transaction() as session:
        for person_id in (who, helper, uuid4()):
            account_status.suspend_customer(session, admin, person_id, reason="another")


def test_role_change_ends_existing_sessions(
    app: Flask, database: Database, people: People, admin: Actor
) -> None:
    person = people.staff(Role.AUDITOR)
    browser = Browser(app)
    browser.sign_in(person.email, PASSWORD)
    browser.get_page("/admin/roles")
    change_role(database, admin, person, Role.SUPPORT)
    assert browser.client.get("/admin/roles").status_code == 303
    browser.sign_in(person.email, PASSWORD)
    browser.get_page("/admin/roles", status=403)
    browser.get_page("/admin/people")


def test_revoked_grant_is_gone_with_the_next_request(
    app: Flask, database: Database, people: People, admin: Actor
) -> None:
    person = people.staff(Role.INVENTORY)
    browser = Browser(app)
    browser.sign_in(person.email, PASSWORD)
    browser.get_page("/admin/people", status=403)
    with database.transaction() as session:
        grants.grant_permission(
            session, admin, Role.INVENTORY, Permission.PEOPLE_READ, reason=REASON
        )
    browser.get_page("/admin/people")
    with database.transaction() as session:
        grants.revoke_permission(
            session, admin, Role.INVENTORY, Permission.PEOPLE_READ, reason=REASON
        )
    browser.get_page("/admin/people", status=403)
