"""Suspensions and reactivations, and the access that they end."""

from uuid import UUID, uuid4

import pytest
from flask import Flask

from app.access import Actor, Role
from app.approvals import queries as approvals_queries
from app.approvals import service as approvals
from app.identity.accounts import account_status
from app.identity.accounts.people import get_account
from app.identity.errors import LastAdministrator, OwnAccountChange
from app.identity.models import User
from app.kit import ids
from app.kit.db import Database
from tests.page_client import Browser
from tests.people import PASSWORD, People
from tests.rows import change_rows
from tests.unchanged_database import database_unchanged

REASON = "because of a test"


def approve(database: Database, actor: Actor, approval_id: UUID) -> None:
    with database.transaction() as session:
        approval = approvals_queries.get_approval(session, approval_id)
        approvals.approve(session, actor, approval_id, seen_hash=approval.hash)


def test_own_account_cannot_be_suspended(database: Database, admin: Actor) -> None:
    with (
        database_unchanged(database),
        pytest.raises(OwnAccountChange),
        database.transaction() as session,
    ):
        account_status.request_suspension(session, admin, admin.user_id, reason=REASON)


@pytest.mark.usefixtures("no_other_administrators")
def test_last_administrator_cannot_be_suspended(database: Database, people: People) -> None:
    last, officer = people.staff(Role.ADMIN), people.staff(Role.COMPLIANCE)
    helper = people.staff(Role.COMPLIANCE)
    with database.transaction() as session:
        request_id = account_status.request_suspension(
            session, officer, last.user_id, reason=REASON
        )
    with database_unchanged(database), pytest.raises(LastAdministrator):
        approve(database, helper, request_id)
    # A suspended person does not count.
    suspended = people.staff(Role.ADMIN)
    with database.transaction() as session:
        change_rows(session, User, User.id == suspended.user_id, status="suspended")
    with database_unchanged(database), pytest.raises(LastAdministrator):
        approve(database, helper, request_id)


def test_suspension_ends_all_access_at_once(
    app: Flask, database: Database, people: People, admin: Actor, second_admin: Actor
) -> None:
    """Covers sign-in, browser sessions, access and refresh tokens; then lifts the suspension."""
    person = people.staff(Role.SUPPORT)
    browser, client = Browser(app), app.test_client()
    client.environ_base["REMOTE_ADDR"] = browser.client.environ_base["REMOTE_ADDR"]
    browser.sign_in(person.email, PASSWORD)
    credentials = {"email": person.email, "password": PASSWORD}
    tokens = client.post("/api/auth/login", json=credentials).json
    bearer = {"Authorization": f"Bearer {tokens['accessToken']}"}
    browser.get_page("/admin/people")
    assert client.get("/api/auth/me", headers=bearer).status_code == 200

    with database.transaction() as session:
        request_id = account_status.request_suspension(
            session, admin, person.user_id, reason=REASON
        )
    browser.get_page("/admin/people")
    approve(database, second_admin, request_id)

    assert browser.client.get("/admin/people").status_code == 303
    assert client.get("/api/auth/me", headers=bearer).status_code == 401
    refresh = {"refreshToken": tokens["refreshToken"]}
    assert client.post("/api/auth/refresh", json=refresh).status_code == 401
    response = client.post("/api/auth/login", json=credentials)
    assert (response.status_code, response.json["code"]) == (403, "account_suspended")
    with database.reading() as session:
        account = get_account(session, person.user_id)
        assert (account.status, account.suspended_reason) == ("suspended", REASON)
        reasons = session.rows(
            "SELECT DISTINCT revoked_reason FROM login_sessions WHERE user_id = %s",
            (person.user_id,),
        )
    assert reasons == [("suspended",)]

    with database.transaction() as session:
        request_id = account_status.request_reactivation(
            session, second_admin, person.user_id, reason=REASON
        )
    approve(database, admin, request_id)
    # Old sessions stay ended; the person can sign in again.
    assert client.get("/api/auth/me", headers=bearer).status_code == 401
    assert client.post("/api/auth/login", json=credentials).status_code == 200


def test_suspended_customer_cannot_move_money(
    app: Flask, database: Database, people: People, admin: Actor, second_admin: Actor
) -> None:
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = Browser(app).client.environ_base["REMOTE_ADDR"]
    registered = client.post(
        "/api/auth/register",
        json={
            "email": f"{uuid4().hex}@example.com",
            "password": PASSWORD,
            "firstName": "Ada",
            "lastName": "Lovelace",
        },
    ).json
    bearer = {"Authorization": f"Bearer {registered['accessToken']}", "Idempotency-Key": "k"}
    customer_id = ids.decode("usr", registered["user"]["id"])
    with database.transaction() as session:
        request_id = account_status.request_suspension(session, admin, customer_id, reason=REASON)
    approve(database, second_admin, request_id)
    order = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "1.00"}
    with database_unchanged(database):
        response = client.post("/api/trade/order", json=order, headers=bearer)
    assert (response.status_code, response.json["code"]) == (401, "token_invalid")


def test_customer_is_suspended_without_a_second_person(
    app: Flask, database: Database, people: People, admin: Actor
) -> None:
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = Browser(app).client.environ_base["REMOTE_ADDR"]
    credentials = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    registered = client.post(
        "/api/auth/register", json={**credentials, "firstName": "Ada", "lastName": "Lovelace"}
    ).json
    bearer = {"Authorization": f"Bearer {registered['accessToken']}"}
    customer_id = ids.decode("usr", registered["user"]["id"])
    with database.transaction() as session:
        account_status.suspend_customer(session, admin, customer_id, reason=REASON)
    assert client.get("/api/auth/me", headers=bearer).status_code == 401
    assert client.post("/api/auth/login", json=credentials).json["code"] == "account_suspended"
    with database.reading() as session:
        account = get_account(session, customer_id)
        recorded = session.rows(
            "SELECT actor_id, before, after, reason FROM audit_records"
            " WHERE action = 'person.suspended' AND subject = %s",
            (account.public_id,),
        )
    assert (account.status, account.suspended_reason) == ("suspended", REASON)
    assert recorded == [(admin.user_id, {"status": "active"}, {"status": "suspended"}, REASON)]
    # A suspended customer, staff and unknown people are left as they are.
    helper = people.staff(Role.SUPPORT).user_id
    with database_unchanged(database), database.transaction() as session:
        for person_id in (customer_id, helper, uuid4()):
            account_status.suspend_customer(session, admin, person_id, reason="another")
