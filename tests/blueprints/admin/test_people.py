"""The pages of people and of approval requests, in a browser without script."""

import pytest
from flask import Flask

from app.access import Actor, Role
from app.identity.accounts.people import get_account as standing_of
from app.identity.roles import role_assignments
from app.kit import ids
from app.kit.db import Database
from tests.blueprints.admin.conftest import sign_in
from tests.page_client import Browser, check_page
from tests.people import People
from tests.unchanged_database import database_unchanged

REASON = "because of a test"


def path_of(person: Actor) -> str:
    return f"/admin/people/{ids.encode('usr', person.user_id)}"


NO_MATCH = "Nothing fits the filters"


def test_people_are_found_by_email_name_and_id(browser: Browser, people: People) -> None:
    person, other = people.customer(), people.customer()
    # Emails of people made in one millisecond have their first half in common.
    for text in (person.email[:32], person.email.upper(), ids.encode("usr", person.user_id)):
        page = browser.get_page(f"/admin/people?q={text}")
        assert person.email in page.visible_text
        assert other.email not in page.visible_text
    assert person.email in browser.get_page("/admin/people?q=ada%20LOVELACE").visible_text
    assert NO_MATCH in browser.get_page("/admin/people?q=nobody-of-that-name").visible_text
    assert NO_MATCH in browser.get_page(f"/admin/people?q={person.email}&role=ADMIN").visible_text
    assert (
        NO_MATCH
        in browser.get_page(f"/admin/people?q={person.email}&status=suspended").visible_text
    )


def test_wildcards_are_searched_literally(browser: Browser, people: People) -> None:
    people.customer()
    for text in ("%25", "_____________________@", "%5C"):
        assert NO_MATCH in browser.get_page(f"/admin/people?q={text}").visible_text


def test_people_are_listed_in_pages(browser: Browser, people: People) -> None:
    for _ in range(26):
        people.customer()
    page = browser.get_page("/admin/people?role=USER")
    [older] = [a["href"] for a in page.all("a", rel="next")]
    assert len(page.all("th", scope="row")) == 25
    assert browser.get_page(older).all("th", scope="row")
    browser.get_page("/admin/people?cursor=nonsense", status=404)


def test_fragments_are_parts_of_their_pages(browser: Browser, people: People) -> None:
    browser.get_fragment("/admin/people?role=ADMIN", "list")
    browser.get_fragment(path_of(people.customer()), "person")
    browser.get_fragment("/admin/roles", "roles")
    browser.get_fragment("/admin/roles/TELLER", "role")
    browser.get_fragment("/admin/approvals", "approvals")
    browser.get_fragment("/admin/approvals?folder=ended", "approvals")
    browser.get_fragment("/admin/branches", "branches")


def test_role_and_branch_are_changed(browser: Browser, people: People, database: Database) -> None:
    person, branch = people.customer(), people.branch()
    response = browser.submit_form(
        path_of(person),
        "role",
        role="TELLER",
        branch=ids.encode("brn", branch),
        reason=REASON,
    )
    assert (response.status_code, response.headers["Location"]) == (303, path_of(person))
    with database.reading() as session:
        found = standing_of(session, person.user_id)
    assert (found.role, found.branch_id) == (Role.TELLER, branch)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"role": "TELLER", "reason": REASON}, "Choose a branch for a teller"),
        (
            {"role": "TELLER", "branch": "brn_x", "reason": REASON},
            "Choose a branch from the list.",
        ),
        ({"role": "KING", "reason": REASON}, "Choose a role from the list."),
        ({"role": "SUPPORT"}, "Enter a reason (5 to 500 characters)."),
    ],
)
def test_invalid_field_is_a_problem_of_the_form_and_changes_nothing(
    browser: Browser,
    people: People,
    database: Database,
    fields: dict[str, str],
    problem: str,
) -> None:
    person = people.customer()
    browser.get_page(path_of(person))
    with database_unchanged(database):
        response = browser.submit_form(path_of(person), "role", **fields)
    assert response.status_code == 422
    assert problem in check_page(response).visible_text


def test_unchanged_role_is_refused_at_the_form_and_recorded(
    browser: Browser, admin: Actor, people: People, database: Database
) -> None:
    person = people.staff(Role.SUPPORT)
    response = browser.submit_form(path_of(person), "role", role="SUPPORT", reason=REASON)
    assert response.status_code == 409
    assert "Already set" in check_page(response).visible_text
    with database.reading() as session:
        rows = session.rows(
            "SELECT action, outcome, subject FROM audit_records"
            " WHERE actor_id = %s AND outcome = 'denied'",
            (admin.user_id,),
        )
    assert rows == [("request.refused", "denied", ids.encode("usr", person.user_id))]


def test_suspension_and_lifting_it_take_two_people(
    app: Flask, browser: Browser, people: People, database: Database
) -> None:
    person, officer = people.customer(), people.staff(Role.COMPLIANCE)
    response = browser.submit_form(path_of(person), "suspend", reason=REASON)
    assert response.status_code == 303
    request = response.headers["Location"]
    page = browser.get_page(request)
    assert "You made this request" in page.visible_text
    assert not page.all("form", id="approve")
    again = browser.submit_form(path_of(person), "suspend", reason=REASON)
    assert again.status_code == 409
    assert "already pending" in check_page(again).visible_text

    other = sign_in(app, officer)
    assert REASON in other.get_page("/admin/approvals").visible_text
    shown = other.get_page(request)
    [seen] = [field["value"] for field in shown.all("input", name="seen")]
    outdated = other.submit_form(request, "approve", seen="00" * 32)
    assert outdated.status_code == 409
    assert "not the one that you saw" in check_page(outdated).visible_text
    assert other.submit_form(request, "approve", seen=seen).status_code == 303
    with database.reading() as session:
        assert standing_of(session, person.user_id).status == "suspended"
    assert "Approved" in other.get_page(request).visible_text
    assert REASON in other.get_page(path_of(person)).visible_text
    assert "Approved" in other.get_page("/admin/approvals?folder=ended").visible_text

    back = browser.submit_form(path_of(person), "reactivate", reason=REASON)
    request = back.headers["Location"]
    [seen] = [field["value"] for field in other.get_page(request).all("input", name="seen")]
    assert other.submit_form(request, "approve", seen=seen).status_code == 303
    with database.reading() as session:
        assert standing_of(session, person.user_id).status == "active"


def test_approving_an_own_request_without_the_form_is_refused_and_recorded(
    browser: Browser, admin: Actor, people: People, database: Database
) -> None:
    person = people.customer()
    request = browser.submit_form(path_of(person), "suspend", reason=REASON).headers["Location"]
    [seen] = [tag["value"] for tag in browser.get_page(request).all("input", name="csrf_token")][:1]
    response = browser.client.post(f"{request}/approve", data={"csrf_token": seen, "seen": ""})
    assert response.status_code == 403
    assert "Another person must decide" in check_page(response).visible_text
    with database.reading() as session:
        refused = session.rows(
            "SELECT after->>'refusal' FROM audit_records"
            " WHERE actor_id = %s AND outcome = 'denied'",
            (admin.user_id,),
        )
    assert refused == [("self_approval",)]


def test_request_is_edited_cancelled_and_rejected(
    app: Flask, browser: Browser, people: People
) -> None:
    person = people.customer()
    first = browser.submit_form(path_of(person), "suspend", reason=REASON).headers["Location"]
    short = browser.submit_form(first, "edit", reason="x")
    assert short.status_code == 422
    second = browser.submit_form(first, "edit", reason="a better reason").headers["Location"]
    assert second != first
    assert "Replaced" in browser.get_page(first).visible_text
    assert browser.submit_form(second, "withdraw").status_code == 303
    assert "Cancelled" in browser.get_page(second).visible_text
    third = browser.submit_form(path_of(person), "suspend", reason=REASON).headers["Location"]
    other = sign_in(app, people.staff(Role.COMPLIANCE))
    assert other.submit_form(third, "reject", reason="no").status_code == 422
    assert other.submit_form(third, "reject", reason="not enough").status_code == 303
    assert "not enough" in browser.get_page(third).visible_text


def test_own_page_has_no_forms_for_role_and_suspension(browser: Browser, admin: Actor) -> None:
    page = browser.get_page(path_of(admin))
    assert "This is you" in page.visible_text
    assert not page.all("form", id="role")
    assert not page.all("form", id="suspend")


def test_support_sees_people_without_forms(app: Flask, people: People) -> None:
    page = sign_in(app, people.staff(Role.SUPPORT)).get_page(path_of(people.customer()))
    assert {form["id"] for form in page.all("form")} == {"theme-switch", "sign-out", "go-to"}


def test_making_an_administrator_needs_an_approval_request(
    browser: Browser, people: People, database: Database
) -> None:
    person = people.staff(Role.SUPPORT)
    response = browser.submit_form(path_of(person), "role", role="ADMIN", reason=REASON)
    assert response.headers["Location"].startswith("/admin/approvals/apr_")
    assert role_assignments.GRANT_ADMIN == "person.make_admin"
    page = browser.get_page(path_of(person))
    assert "Make an administrator" in page.visible_text
    with database.reading() as session:
        assert standing_of(session, person.user_id).role is Role.SUPPORT
