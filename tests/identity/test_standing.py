"""Roles and status of people: who changes them, what ends with them, and who is always left."""

from uuid import UUID, uuid4

import pytest
from flask import Flask

from app.access import Actor, Permission, Role
from app.approvals import queries as approvals_queries
from app.approvals import service as approvals
from app.identity.accounts import account_status
from app.identity.accounts.people import get_account as standing_of
from app.identity.errors import AlreadySet, LastAdministrator, OwnAccountChange, PermissionNotHeld
from app.identity.roles import grants, role_changes
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import Invalid, NotFound, PermissionDenied
from tests.page_client import Browser
from tests.people import PASSWORD, People
from tests.unchanged_database import database_unchanged

WHY = "because of a test"


@pytest.fixture
def admin(people: People) -> Actor:
    return people.staff(Role.ADMIN)


@pytest.fixture
def second(people: People) -> Actor:
    return people.staff(Role.ADMIN)


@pytest.fixture
def alone(database: Database) -> None:
    """Nobody administers the house but whom the test makes."""
    with database.transaction() as session:
        session.send("UPDATE users SET role = 'SUPPORT' WHERE role = 'ADMIN'")


def role_of(database: Database, person: Actor) -> tuple[Role, UUID | None]:
    with database.reading() as session:
        found = standing_of(session, person.user_id)
    return found.role, found.branch_id


def change(
    database: Database, actor: Actor, person: Actor, role: Role, branch: UUID | None = None
) -> UUID | None:
    with database.transaction() as session:
        return role_changes.change_role(
            session, actor, person.user_id, role, branch_id=branch, reason=WHY
        )


def approve(database: Database, actor: Actor, approval_id: UUID) -> None:
    with database.transaction() as session:
        found = approvals_queries.get_approval(session, approval_id)
        assert approvals.approve(session, actor, approval_id, seen_hash=found.hash) is None


def test_a_role_is_changed_and_recorded(database: Database, people: People, admin: Actor) -> None:
    person, branch = people.customer(), people.branch()
    assert change(database, admin, person, Role.TELLER, branch) is None
    assert role_of(database, person) == (Role.TELLER, branch)
    assert change(database, admin, person, Role.SUPPORT) is None
    assert role_of(database, person) == (Role.SUPPORT, None)
    with database.reading() as session:
        rows = session.rows(
            "SELECT before, after, reason FROM audit_records WHERE subject = %s ORDER BY id",
            (ids.encode("usr", person.user_id),),
        )
    teller = {"role": "TELLER", "branch": ids.encode("brn", branch)}
    assert rows == [
        ({"role": "USER"}, teller, WHY),
        (teller, {"role": "SUPPORT"}, WHY),
    ]


def test_the_admin_role_needs_a_second_person(
    database: Database, people: People, admin: Actor, second: Actor
) -> None:
    person = people.staff(Role.SUPPORT)
    asked = change(database, admin, person, Role.ADMIN)
    assert asked is not None
    assert role_of(database, person)[0] is Role.SUPPORT
    approve(database, second, asked)
    assert role_of(database, person)[0] is Role.ADMIN


def test_a_teller_has_a_branch_and_nobody_else(
    database: Database, people: People, admin: Actor
) -> None:
    person, branch = people.customer(), people.branch()
    for role, where in ((Role.TELLER, None), (Role.SUPPORT, branch)):
        with database_unchanged(database), pytest.raises(Invalid, match="branch"):
            change(database, admin, person, role, where)


def test_nobody_changes_their_own(database: Database, admin: Actor, second: Actor) -> None:
    with database_unchanged(database), pytest.raises(OwnAccountChange):
        change(database, admin, admin, Role.SUPPORT)
    with (
        database_unchanged(database),
        pytest.raises(OwnAccountChange),
        database.transaction() as session,
    ):
        account_status.request_suspension(session, admin, admin.user_id, reason=WHY)


def test_nobody_assigns_what_they_lack(
    database: Database, people: People, admin: Actor, second: Actor
) -> None:
    with database.transaction() as session:
        grants.grant_permission(
            session, admin, Role.COMPLIANCE, Permission.ROLES_ASSIGN, reason=WHY
        )
    try:
        officer, person = people.staff(Role.COMPLIANCE), people.customer()
        for role in (Role.ADMIN, Role.AUDITOR):
            with database_unchanged(database), pytest.raises(PermissionNotHeld):
                change(database, officer, person, role)
        # Nor do they take away what they could not give.
        with database_unchanged(database), pytest.raises(PermissionNotHeld):
            change(database, officer, second, Role.SUPPORT)
        assert change(database, officer, person, Role.SUPPORT) is None
    finally:
        with database.transaction() as session:
            grants.revoke_permission(
                session, admin, Role.COMPLIANCE, Permission.ROLES_ASSIGN, reason=WHY
            )


def test_the_same_again_is_refused(database: Database, people: People, admin: Actor) -> None:
    person = people.staff(Role.SUPPORT)
    with database_unchanged(database), pytest.raises(AlreadySet):
        change(database, admin, person, Role.SUPPORT)


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.COMPLIANCE, Role.AUDITOR, Role.USER])
def test_only_those_who_may(database: Database, people: People, role: Role) -> None:
    actor = people.customer() if role is Role.USER else people.staff(role)
    person = people.customer()
    with database_unchanged(database), pytest.raises(PermissionDenied):
        change(database, actor, person, Role.SUPPORT)


def test_an_unknown_person_is_not_there(database: Database, admin: Actor) -> None:
    with database_unchanged(database), pytest.raises(NotFound), database.transaction() as session:
        role_changes.change_role(session, admin, uuid4(), Role.SUPPORT, reason=WHY)


@pytest.mark.usefixtures("alone")
def test_the_last_administrator_stays(database: Database, people: People) -> None:
    last, officer = people.staff(Role.ADMIN), people.staff(Role.COMPLIANCE)
    helper = people.staff(Role.COMPLIANCE)
    with database.transaction() as session:
        asked = account_status.request_suspension(session, officer, last.user_id, reason=WHY)
    with database_unchanged(database), pytest.raises(LastAdministrator):
        approve(database, helper, asked)
    # Somebody suspended does not count.
    gone = people.staff(Role.ADMIN)
    with database.transaction() as session:
        session.send("UPDATE users SET status = 'suspended' WHERE id = %s", (gone.user_id,))
    with database_unchanged(database), pytest.raises(LastAdministrator):
        approve(database, helper, asked)


@pytest.mark.usefixtures("alone")
def test_the_first_administrators_are_appointed_on_the_host(
    app: Flask, database: Database, people: People
) -> None:
    persons = [people.staff(Role.SUPPORT) for _ in range(3)]
    run = app.test_cli_runner().invoke
    for person in persons[:2]:
        args = ["people", "appoint-admin", person.email, "--reason", WHY]
        assert run(args=args).output == f"{person.email} is now an administrator.\n"
        assert role_of(database, person)[0] is Role.ADMIN
    with database_unchanged(database):
        answer = run(args=["people", "appoint-admin", persons[2].email, "--reason", WHY])
        assert answer.exit_code == 1
        assert "There are two administrators already" in answer.output
        answer = run(args=["people", "appoint-admin", "nobody@example.com", "--reason", WHY])
        assert answer.exit_code == 1
        assert answer.output == "Error: No account has this email address.\n"


def test_a_suspended_person_is_out_everywhere_at_once(
    app: Flask, database: Database, people: People, admin: Actor, second: Actor
) -> None:
    """Sign-in, sessions in browsers, access and refresh tokens, and money; then back in."""
    person = people.staff(Role.SUPPORT)
    browser, program = Browser(app), app.test_client()
    program.environ_base["REMOTE_ADDR"] = browser.client.environ_base["REMOTE_ADDR"]
    browser.sign_in(person.email, PASSWORD)
    credentials = {"email": person.email, "password": PASSWORD}
    tokens = program.post("/api/auth/login", json=credentials).json
    bearer = {"Authorization": f"Bearer {tokens['accessToken']}"}
    browser.get("/admin/people")
    assert program.get("/api/auth/me", headers=bearer).status_code == 200

    with database.transaction() as session:
        asked = account_status.request_suspension(session, admin, person.user_id, reason=WHY)
    browser.get("/admin/people")
    approve(database, second, asked)

    assert browser.client.get("/admin/people").status_code == 303
    assert program.get("/api/auth/me", headers=bearer).status_code == 401
    refresh = {"refreshToken": tokens["refreshToken"]}
    assert program.post("/api/auth/refresh", json=refresh).status_code == 401
    answer = program.post("/api/auth/login", json=credentials)
    assert (answer.status_code, answer.json["code"]) == (403, "account_suspended")
    with database.reading() as session:
        found = standing_of(session, person.user_id)
        assert (found.status, found.suspended_reason) == ("suspended", WHY)
        reasons = session.rows(
            "SELECT DISTINCT revoked_reason FROM login_sessions WHERE user_id = %s",
            (person.user_id,),
        )
    assert reasons == [("suspended",)]

    with database.transaction() as session:
        asked = account_status.request_reactivation(session, second, person.user_id, reason=WHY)
    approve(database, admin, asked)
    # What was open before stays shut; the password opens anew.
    assert program.get("/api/auth/me", headers=bearer).status_code == 401
    assert program.post("/api/auth/login", json=credentials).status_code == 200


def test_a_suspended_customer_moves_no_money(
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
        asked = account_status.request_suspension(session, admin, who, reason=WHY)
    approve(database, second, asked)
    order = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "1.00"}
    with database_unchanged(database):
        answer = program.post("/api/trade/order", json=order, headers=bearer)
    assert (answer.status_code, answer.json["code"]) == (401, "token_invalid")


def test_a_customer_is_frozen_without_a_second_person(
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
        account_status.suspend_customer(session, admin, who, reason=WHY)
    assert program.get("/api/auth/me", headers=bearer).status_code == 401
    assert program.post("/api/auth/login", json=credentials).json["code"] == "account_suspended"
    with database.reading() as session:
        found = standing_of(session, who)
        recorded = session.rows(
            "SELECT actor_id, before, after, reason FROM audit_records"
            " WHERE action = 'person.suspended' AND subject = %s",
            (found.public_id,),
        )
    assert (found.status, found.suspended_reason) == ("suspended", WHY)
    assert recorded == [(admin.user_id, {"status": "active"}, {"status": "suspended"}, WHY)]
    # Once more, or of the staff, or of nobody: nothing.
    helper = people.staff(Role.SUPPORT).user_id
    with database_unchanged(database), database.transaction() as session:
        for person_id in (who, helper, uuid4()):
            account_status.suspend_customer(session, admin, person_id, reason="another")


def test_another_role_is_another_sign_in(
    app: Flask, database: Database, people: People, admin: Actor
) -> None:
    person = people.staff(Role.AUDITOR)
    browser = Browser(app)
    browser.sign_in(person.email, PASSWORD)
    browser.get("/admin/roles")
    change(database, admin, person, Role.SUPPORT)
    assert browser.client.get("/admin/roles").status_code == 303
    browser.sign_in(person.email, PASSWORD)
    browser.get("/admin/roles", status=403)
    browser.get("/admin/people")


def test_a_grant_that_is_taken_is_gone_with_the_next_request(
    app: Flask, database: Database, people: People, admin: Actor
) -> None:
    person = people.staff(Role.INVENTORY)
    browser = Browser(app)
    browser.sign_in(person.email, PASSWORD)
    browser.get("/admin/people", status=403)
    with database.transaction() as session:
        grants.grant_permission(session, admin, Role.INVENTORY, Permission.PEOPLE_READ, reason=WHY)
    browser.get("/admin/people")
    with database.transaction() as session:
        grants.revoke_permission(session, admin, Role.INVENTORY, Permission.PEOPLE_READ, reason=WHY)
    browser.get("/admin/people", status=403)
