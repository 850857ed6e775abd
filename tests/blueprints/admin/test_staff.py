"""The invitations of staff: the list, the form to invite, and accepting the link."""

from uuid import UUID

import pytest
import time_machine
from flask import Flask

from app.access import Actor, Role
from app.audit.actions import AuditAction
from app.audit.models import AuditRecord
from app.identity.accounts import invitations, people
from app.identity.credentials import one_time_tokens
from app.identity.credentials.one_time_tokens import LinkPurpose
from app.identity.models import LoginSession
from app.kit import clock, ids, list_query
from app.kit.db import Database
from tests.page_client import check_page
from tests.people import PASSWORD, People
from tests.rows import read_values
from tests.staff import Member, StaffBrowser, create_authenticator, create_member_with_app
from tests.unchanged_database import database_unchanged


def invitation(email: str) -> dict[str, str]:
    """Return the fields of an invitation but for the role."""
    return {"email": email, "first_name": "Ada", "last_name": "King", "reason": "Joins the team."}


def invite(strict_browser: StaffBrowser, role: str = "AUDITOR") -> str:
    email = f"{ids.new().hex}@example.com"
    response = strict_browser.submit_form("/admin/staff", "invite", role=role, **invitation(email))
    assert response.location == "/admin/staff", response.status_code
    return email


def invitation_token(database: Database, email: str) -> str:
    """Return the token in the link of the latest invitation email, built as its job builds
    it."""
    with database.reading() as session:
        row = session.row(
            "SELECT t.id FROM one_time_tokens t JOIN users u ON u.id = t.user_id"
            " WHERE u.email = %s AND t.purpose = 'invitation' ORDER BY t.id DESC LIMIT 1",
            (email,),
        )
        assert row is not None
        token = one_time_tokens.rebuild_token(session, row[0])
    assert token is not None
    return token


def test_invited_teller_needs_a_branch_and_lands_on_their_home(
    strict_browser: StaffBrowser, member: Member, database: Database, strict_app: Flask
) -> None:
    strict_browser.sign_in_by_app(member)
    email = f"{ids.new().hex}@example.com"
    fields = {**invitation(email), "role": "TELLER"}
    for branch in ({}, {"branch": ids.encode("brn", ids.new())}):
        response = strict_browser.submit_form("/admin/staff", "invite", **fields, **branch)
        assert response.status_code == 422
        assert check_page(response).all("a", href="#invite-branch")
    branch_id = People(database).branch()
    fields["branch"] = ids.encode("brn", branch_id)
    assert strict_browser.submit_form("/admin/staff", "invite", **fields).status_code == 303
    with database.reading() as session:
        pending = list_query.fetch_all(session, invitations.PENDING_INVITATIONS, {}, "-invited")
        invited = [i for i in pending if i.email == email]
    assert [i.branch_id for i in invited] == [branch_id]
    token, guest = invitation_token(database, email), StaffBrowser(strict_app)
    path = f"/auth/invitation?token={token}"
    guest.submit_form(path, "invitation", token=token, password=PASSWORD)
    guest.get_page("/auth/enrol")
    key = create_authenticator(strict_app)
    options = guest.request_options("/auth/enrol/passkey/question", "/auth/enrol")
    response = guest.post_form(
        "/auth/enrol/passkey", "/auth/enrol", credential=key.create(options), name="Key"
    )
    assert response.location == "/teller/"
    assert "A branch of tests" in guest.get_page("/teller/").visible_text


def test_invited_person_chooses_a_password_and_sets_up_a_second_factor(
    strict_browser: StaffBrowser, member: Member, database: Database, strict_app: Flask
) -> None:
    strict_browser.sign_in_by_app(member)
    email = invite(strict_browser)
    assert email in strict_browser.get_page("/admin/staff").visible_text
    token = invitation_token(database, email)
    guest = StaffBrowser(strict_app)
    assert guest.sign_in(email, "invited, and no password chosen yet").status_code == 422
    path = f"/auth/invitation?token={token}"
    weak = guest.submit_form(path, "invitation", token=token, password="password12")
    assert weak.status_code == 422
    check_page(weak)
    response = guest.submit_form(path, "invitation", token=token, password=PASSWORD)
    assert (response.status_code, response.location) == (303, "/auth/second-factor")
    assert guest.client.get("/auth/second-factor").location == "/auth/enrol"
    assert guest.client.get("/auth/account").location.startswith("/auth/login")
    key = create_authenticator(strict_app)
    options = guest.request_options("/auth/enrol/passkey/question", "/auth/enrol")
    fields = {"credential": key.create(options), "name": "Key"}
    guest.post_form("/auth/enrol/passkey", "/auth/enrol", **fields)
    assert email in guest.get_page("/auth/account").visible_text
    assert email not in strict_browser.get_page("/admin/staff").visible_text
    late = StaffBrowser(strict_app)
    assert late.post_form("/auth/invitation", token=token, password=PASSWORD).status_code == 422
    # Also before a password is chosen in vain.
    page = late.get_page(path)
    assert "not valid any more" in page.visible_text
    assert page.all("input", type="password") == []


def test_invitation_to_a_role_for_acts_of_two_people_waits_for_an_independent_person(
    strict_browser: StaffBrowser, member: Member, database: Database, strict_app: Flask
) -> None:
    other = create_member_with_app(database)
    strict_browser.sign_in_by_app(member)
    shown = strict_browser.get_page("/admin/staff")
    assert "Roles that need a second person: Support, Inventory, Compliance." in shown.visible_text
    assert "Who may decide:" in shown.visible_text
    email = f"{ids.new().hex}@example.com"
    fields = {**invitation(email), "role": "COMPLIANCE"}
    location = strict_browser.submit_form("/admin/staff", "invite", **fields).location
    assert "Another person must decide it." in strict_browser.get_page(location).visible_text
    again = strict_browser.submit_form("/admin/staff", "invite", **fields)
    assert (again.status_code, "already pending" in check_page(again).visible_text) == (409, True)
    with database.reading() as session:
        assert people.find_by_email(session, email) == []
    checker = StaffBrowser(strict_app)
    checker.sign_in_by_app(other)
    page = checker.get_page(location)
    assert email in page.visible_text
    assert "release large ones with a second person's approval" in page.visible_text
    assert checker.submit_form(location, "approve").status_code == 303
    assert invitation_token(database, email)


def test_new_invitation_replaces_the_earlier_one_and_expires(
    strict_browser: StaffBrowser, member: Member, database: Database, strict_app: Flask
) -> None:
    strict_browser.sign_in_by_app(member)
    email = invite(strict_browser)
    first = invitation_token(database, email)
    page = strict_browser.get_page("/admin/staff")
    with database.reading() as session:
        [(user_id,)] = session.rows("SELECT id FROM users WHERE email = %s", (email,))
    assert page.visible_text.count(email) == 1
    person_id = ids.encode("usr", user_id)
    resent = strict_browser.submit_form("/admin/staff", "bulk", act="resend", ids=person_id)
    assert (resent.status_code, resent.location) == (303, "/admin/staff?sort=-invited")
    second, guest = invitation_token(database, email), StaffBrowser(strict_app)
    path = "/auth/invitation"
    response = guest.post_form(path, token=first, password=PASSWORD)
    assert response.status_code == 422
    with time_machine.travel(clock.now() + one_time_tokens.LIFETIME[LinkPurpose.INVITATION]):
        response = guest.post_form(path, token=second, password=PASSWORD)
        assert response.status_code == 422


@pytest.mark.parametrize(
    ("role", "status"), [("ADMIN", 403), ("USER", 403), ("", 422), ("admin", 422)]
)
def test_invitation_to_a_role_that_cannot_be_invited_is_refused(
    strict_browser: StaffBrowser,
    member: Member,
    database: Database,
    role: str,
    status: int,
) -> None:
    strict_browser.sign_in_by_app(member)
    hidden = strict_browser.get_page("/admin/staff").hidden_fields["invite"]
    fields = {**hidden, **invitation("ada@example.com"), "role": role}
    with database_unchanged(database):
        response = strict_browser.client.post("/admin/staff", data=fields)
    assert response.status_code == status


def test_invitation_to_an_email_address_in_use_is_refused(
    strict_browser: StaffBrowser, member: Member, database: Database
) -> None:
    strict_browser.sign_in_by_app(member)
    fields = {**invitation(member.email), "role": "AUDITOR"}
    strict_browser.get_page("/admin/staff")
    with database_unchanged(database):
        response = strict_browser.submit_form("/admin/staff", "invite", **fields)
    assert response.status_code == 409
    [email_input] = check_page(response).all("input", id="invite-email")
    assert email_input["value"] == member.email
    assert email_input["aria-invalid"] == "true"


def test_invitations_page_is_refused_without_the_permission(
    strict_app: Flask, database: Database
) -> None:
    strict_browser = StaffBrowser(strict_app)
    strict_browser.sign_in_by_app(create_member_with_app(database, Role.AUDITOR))
    assert strict_browser.client.get("/admin/staff").status_code == 403


def test_invitation_names_its_account_and_ends_the_session_of_another_person(
    strict_browser: StaffBrowser, member: Member, database: Database
) -> None:
    """An administrator opens the link in the browser where they are signed in."""
    strict_browser.sign_in_by_app(member)
    email = invite(strict_browser)
    stolen = strict_browser.session_cookie()
    [session_id] = open_sessions(database, member.actor)
    token = invitation_token(database, email)
    path = f"/auth/invitation?token={token}"
    page = strict_browser.get_page(path)
    for text in (f"For the account of {email}", f"({member.email}) is signed in to this browser"):
        assert text in page.visible_text
    weak = strict_browser.submit_form(path, "invitation", token=token, password="password12")
    assert email in check_page(weak).visible_text
    assert open_sessions(database, member.actor) == [session_id]
    response = strict_browser.submit_form(path, "invitation", token=token, password=PASSWORD)
    assert response.location == "/auth/second-factor"
    assert open_sessions(database, member.actor) == []
    strict_browser.client.set_cookie("pbcex", stolen)
    assert strict_browser.client.get("/admin/people").location.startswith("/auth/login")
    subject = ids.encode("ses", session_id)
    with database.reading() as session:
        [after] = read_values(
            session,
            AuditRecord.after,
            AuditRecord.subject == subject,
            AuditRecord.action == AuditAction.SESSION_CLOSED,
        )
    assert after == {"owner": ids.encode("usr", member.actor.user_id)}


def open_sessions(database: Database, actor: Actor) -> list[UUID]:
    with database.reading() as session:
        return read_values(
            session,
            LoginSession.id,
            LoginSession.user_id == actor.user_id,
            LoginSession.revoked_at.is_(None),
        )
