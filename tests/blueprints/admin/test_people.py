"""The pages of people: the list, and the acts on one person, in a browser without script."""

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app.access import Actor, Role
from app.access.consents import POLICIES, PolicyName
from app.identity.accounts.people import get_account
from app.identity.roles import role_assignments
from app.kit import clock, ids
from app.kit.db import Database
from app.privacy import consents, erasure, exports
from tests.mailbox import run_pending_jobs, use_mailbox
from tests.page_client import Browser, check_page
from tests.people import People
from tests.staff import sign_in
from tests.unchanged_database import database_unchanged

TERMS = POLICIES[PolicyName.TERMS].version
REASON = "because of a test"
REFERENCE = "letter 17 of 2026-11-20"
NO_MATCH = "Nothing fits the filters"


def path_of(person: Actor) -> str:
    return f"/admin/people/{ids.encode('usr', person.user_id)}"


def collapse_blanks(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_people_are_found_by_email_name_and_id(browser: Browser, people: People) -> None:
    person, other = people.customer(), people.customer()
    # Emails of people made in one millisecond have their first half in common.
    for text in (person.email[:32], person.email.upper(), ids.encode("usr", person.user_id)):
        page = browser.get_page(f"/admin/people?q={text}")
        assert person.email in page.visible_text
        assert other.email not in page.visible_text
    assert person.email in browser.get_page("/admin/people?q=ada%20LOVELACE").visible_text
    assert NO_MATCH in browser.get_page("/admin/people?q=no-such-name").visible_text
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
        found = get_account(session, person.user_id)
    assert (found.role, found.branch_id) == (Role.TELLER, branch)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"role": "TELLER", "reason": REASON}, "Choose the branch where the teller works."),
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


def test_all_problems_of_a_role_are_shown_at_once(browser: Browser, people: People) -> None:
    fields = {"role": "TELLER", "reason": "x"}
    page = check_page(browser.submit_form(path_of(people.customer()), "role", **fields))
    for name in ("branch", "reason"):
        assert page.all("a", href=f"#role-{name}")
    assert page.all("input", id="role-reason", value="x")


def test_role_that_changed_while_the_form_was_open_is_shown_and_kept(
    app: Flask, browser: Browser, people: People, database: Database
) -> None:
    person = people.staff(Role.SUPPORT)
    opened = browser.get_page(path_of(person))
    assert opened.all("option", value="SUPPORT", selected="")
    other = sign_in(app, people.staff(Role.ADMIN))
    other.submit_form(path_of(person), "role", role="AUDITOR", reason=REASON)
    assert "Role changed." in other.get_page(path_of(person)).visible_text
    fields = opened.hidden_fields["role"] | {"role": "INVENTORY", "reason": REASON}
    with database_unchanged(database):
        response = browser.client.post(f"{path_of(person)}/role", data=fields)
    assert response.status_code == 409
    said = collapse_blanks(check_page(response).visible_text)
    assert "changed this since you opened it" in said
    assert "When you opened it: Support. Now: Auditor." in said


def test_unchanged_role_is_refused_at_the_form_and_recorded(
    browser: Browser, admin: Actor, people: People, database: Database
) -> None:
    person = people.staff(Role.SUPPORT)
    response = browser.submit_form(path_of(person), "role", role="SUPPORT", reason=REASON)
    assert response.status_code == 409
    problem = "The person already has this role, branch or status."
    assert problem in check_page(response).visible_text
    with database.reading() as session:
        rows = session.rows(
            "SELECT action, outcome, subject FROM audit_records"
            " WHERE actor_id = %s AND outcome = 'denied'",
            (admin.user_id,),
        )
    assert rows == [("request.refused", "denied", ids.encode("usr", person.user_id))]


def test_own_page_has_no_forms_for_role_and_suspension(browser: Browser, admin: Actor) -> None:
    page = browser.get_page(path_of(admin))
    assert "This is you" in page.visible_text
    assert not page.all("form", id="role")
    assert not page.all("form", id="suspend")


def test_support_sees_people_without_forms(app: Flask, people: People) -> None:
    page = sign_in(app, people.staff(Role.SUPPORT)).get_page(path_of(people.customer()))
    assert {form["id"] for form in page.all("form")} == {"theme-switch", "sign-out", "search-form"}


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
        assert get_account(session, person.user_id).role is Role.SUPPORT


# The privacy part of a person's page, and the request to erase them


def test_consents_and_data_exports_are_shown(
    browser: Browser, people: People, database: Database
) -> None:
    person = people.customer()
    said = collapse_blanks(browser.get_page(path_of(person)).visible_text)
    assert f"Not accepted yet Terms of service, version {TERMS}" in said
    assert "No data exports requested" in said
    with database.transaction() as session:
        consents.record_decision(
            session, person, policy=PolicyName.TERMS, version=TERMS, given=True
        )
        exports.request_export(session, person)
    said = collapse_blanks(browser.get_page(path_of(person)).visible_text)
    assert f"Accepted Terms of service, version {TERMS}: version {TERMS} accepted" in said
    assert "Being prepared requested" in said
    with use_mailbox():
        run_pending_jobs(database, "privacy.build_archive", "messages.send_mail")
    page = browser.get_page(path_of(person))
    assert "Ready requested" in collapse_blanks(page.visible_text)
    assert not [link for link in page.all("a") if "archive" in link["href"]], "only theirs"
    browser.get_fragment(path_of(person), "person")


def test_erasure_blockers_are_listed_in_place_of_the_form(browser: Browser, people: People) -> None:
    page = browser.get_page(path_of(people.customer(USD="12.50")))
    assert "The balance is 12.50 USD. It must be 0." in collapse_blanks(page.visible_text)
    assert not page.all("form", id="erase")


def test_erasure_takes_two_people_and_leaves_no_name(
    app: Flask, browser: Browser, people: People, database: Database
) -> None:
    person, officer = people.customer(), people.staff(Role.COMPLIANCE)
    response = browser.submit_form(path_of(person), "erase", reason=REFERENCE)
    assert response.status_code == 303
    request = response.headers["Location"]
    assert "You made this request" in browser.get_page(request).visible_text
    other = sign_in(app, officer)
    shown = other.get_page(request)
    for text in (REFERENCE, person.email, "Prevents the erasure"):
        assert text in shown.visible_text
    assert other.submit_form(request, "approve").status_code == 303
    with database.reading() as session:
        found = get_account(session, person.user_id)
    assert (found.status, found.name) == ("erased", "Erased person")

    page = browser.get_page(path_of(person))
    said = collapse_blanks(page.visible_text)
    assert "Erased" in said
    assert "on a written request" in said
    assert f"{clock.now().year + 5}" in said
    assert "31 CFR 1010.430(d)" in said
    assert not any(page.all("form", id=each) for each in ("erase", "role", "suspend"))
    for word in (person.email, "Ada", "Lovelace"):
        assert word not in said
        assert word not in other.get_page(request).visible_text
    listed = browser.get_page(f"/admin/people?status=erased&q={ids.encode('usr', person.user_id)}")
    assert "Erased person" in listed.visible_text
    assert (
        "Nothing fits the filters"
        in browser.get_page(f"/admin/people?q={person.email}").visible_text
    )


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("", "Enter a reason"),
        ("x", "Enter a reason"),
        ("ada@example.com wrote to us", "Name people by their ID"),
        ("she rang +12025550123", "Name people by their ID"),
    ],
)
def test_invalid_reference_is_a_problem_of_the_form_and_changes_nothing(
    browser: Browser, people: People, database: Database, reason: str, message: str
) -> None:
    person = people.customer()
    browser.get_page(path_of(person))
    with database_unchanged(database):
        response = browser.submit_form(path_of(person), "erase", reason=reason)
    assert response.status_code == 422
    assert message in check_page(response).visible_text


def test_erasure_blocker_found_on_submit_is_a_problem_of_the_form(
    browser: Browser, people: People, database: Database
) -> None:
    person, rich = people.customer(), people.customer(USD="1.00")
    fields = browser.get_page(path_of(person)).hidden_fields["erase"] | {"reason": REFERENCE}
    with database_unchanged(database):
        response = browser.client.post(f"{path_of(rich)}/erase", data=fields)
    assert response.status_code == 409
    assert "The balance is 1.00 USD." in collapse_blanks(check_page(response).visible_text)


def test_staff_cannot_be_erased(browser: Browser, people: People) -> None:
    for member in (people.staff(Role.SUPPORT), people.staff(Role.ADMIN)):
        assert not browser.get_page(path_of(member)).all("form", id="erase")


def test_erasure_needs_the_permission_and_a_recent_proof(
    app: Flask, browser: Browser, people: People, database: Database
) -> None:
    person = people.customer()
    reader = sign_in(app, people.staff(Role.SUPPORT))
    page = reader.get_page(path_of(person))
    assert not page.all("form", id="erase")
    data = {"csrf_token": reader.csrf_token(), "reason": REFERENCE}
    with database_unchanged(database):
        assert reader.client.post(f"{path_of(person)}/erase", data=data).status_code == 403
    token = browser.csrf_token()
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=True):
        response = browser.client.post(
            f"{path_of(person)}/erase", data={"csrf_token": token, "reason": REFERENCE}
        )
        assert response.status_code == 303
        assert "/auth/prove" in response.headers["Location"]
        with database.reading() as session:
            assert erasure.find_erasure(session, person.user_id) is None
