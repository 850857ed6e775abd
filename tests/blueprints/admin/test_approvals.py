"""The pages of approval requests: read one, decide it, edit or cancel one's own."""

import re
from datetime import timedelta

import pytest
from flask import Flask

from app.access import Actor, Role
from app.approvals import queries as approvals_queries
from app.blueprints import form_tokens
from app.identity.accounts.people import get_account
from app.identity.roles import independence
from app.identity.roles.rules import SponsorshipKind
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.formatting import format_date
from tests.page_client import Browser, check_page
from tests.people import People
from tests.staff import sign_in
from tests.unchanged_database import database_unchanged

PATH = "/admin/approvals"
REASON = "because of a test"


def person_path(person: Actor) -> str:
    return f"/admin/people/{ids.encode('usr', person.user_id)}"


def reference_path(person: Actor) -> str:
    """Return where the id of a person leads."""
    return f"/support/customers/{ids.encode('usr', person.user_id)}"


@pytest.fixture
def checker(app: Flask, people: People) -> Browser:
    """Return a browser in which a person is signed in who may decide requests."""
    return sign_in(app, people.staff(Role.COMPLIANCE))


def request_suspension(browser: Browser, person: Actor) -> str:
    """Request a suspension and return the path of the request."""
    response = browser.submit_form(person_path(person), "suspend", reason=REASON)
    assert response.status_code == 303
    return response.headers["Location"]


def status_of(database: Database, person: Actor) -> str:
    with database.reading() as session:
        return get_account(session, person.user_id).status


def test_suspension_and_lifting_it_take_two_people(
    browser: Browser, checker: Browser, person: Actor, database: Database
) -> None:
    request = request_suspension(browser, person)
    page = browser.get_page(request)
    assert "You made this request" in page.visible_text
    assert not page.all("form", id="approve")
    again = browser.submit_form(person_path(person), "suspend", reason=REASON)
    assert again.status_code == 409
    assert "already pending" in check_page(again).visible_text

    assert REASON in checker.get_page(PATH).visible_text
    shown = re.sub(r"\s+", " ", checker.get_page(request).visible_text)
    assert "Approve and suspend Ada Lovelace?" in shown
    assert "Active → Suspended" in shown
    outdated = checker.submit_form(request, "approve", request_hash="00" * 32)
    assert outdated.status_code == 409
    assert "not the one that you saw" in check_page(outdated).visible_text
    approved = checker.submit_form(request, "approve")
    assert (approved.status_code, approved.location) == (303, request)
    assert "Approved and carried out." in checker.get_page(request).visible_text
    assert status_of(database, person) == "suspended"
    assert REASON in checker.get_page(person_path(person)).visible_text
    assert "Approved" in checker.get_page(f"{PATH}?folder=ended").visible_text

    back = browser.submit_form(person_path(person), "reactivate", reason=REASON)
    assert checker.submit_form(back.headers["Location"], "approve").status_code == 303
    assert status_of(database, person) == "active"


def test_page_says_why_someone_may_not_decide_and_who_may(
    browser: Browser, app: Flask, person: Actor, people: People, database: Database
) -> None:
    """The one who made the checker an administrator requests something of them."""
    dependent, independent = people.staff(Role.ADMIN), people.staff(Role.ADMIN)
    request = request_suspension(browser, person)
    with database.transaction() as session:
        maker_id = approvals_queries.get_approval(
            session, ids.decode("apr", request.rpartition("/")[2])
        ).maker_id
        independence.record_sponsorship(
            session, dependent.user_id, maker_id, SponsorshipKind.ROLE_CHANGED
        )
    shown = sign_in(app, dependent).get_page(request)
    assert "The maker of this request gave you your role." in shown.visible_text
    until = format_date(clock.now() + timedelta(days=30))
    assert f"You may decide requests of this person from {until} on." in shown.visible_text
    links = {link["href"] for link in shown.all("a")}
    assert reference_path(independent) in links
    assert reference_path(dependent) not in links
    assert not shown.all("form", id="approve")


def test_request_leads_to_what_it_is_about_and_is_found_by_its_own_id(
    browser: Browser, checker: Browser, person: Actor
) -> None:
    request = request_suspension(browser, person)
    public_id = request.rpartition("/")[2]
    page = checker.get_page(request)
    assert {"href": reference_path(person)} in page.all("a")
    assert {"href": reference_path(person)} in checker.get_page(PATH).all("a")
    assert public_id in page.visible_text
    found = checker.client.get(f"/go?q={public_id}")
    assert (found.status_code, found.location) == (303, request)


def test_fragments_are_parts_of_their_pages(browser: Browser) -> None:
    browser.get_fragment("/admin/approvals", "approvals")
    browser.get_fragment("/admin/approvals?folder=ended", "approvals")


def test_approving_an_own_request_without_the_form_is_refused_and_recorded(
    browser: Browser, admin: Actor, person: Actor, database: Database
) -> None:
    request = request_suspension(browser, person)
    fields = {"csrf_token": browser.csrf_token(), "form_token": form_tokens.new_token()}
    response = browser.client.post(f"{request}/approve", data=fields)
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
    browser: Browser, checker: Browser, person: Actor
) -> None:
    first = request_suspension(browser, person)
    assert browser.submit_form(first, "edit", reason="x").status_code == 422
    second = browser.submit_form(first, "edit", reason="a better reason").headers["Location"]
    assert second != first
    assert "Replaced" in browser.get_page(first).visible_text
    assert browser.submit_form(second, "withdraw").status_code == 303
    assert "Request cancelled." in browser.get_page(second).visible_text
    third = request_suspension(browser, person)
    for reason in ("", "no"):
        refused = checker.submit_form(third, "reject", reason=reason)
        assert refused.status_code == 422
        assert "Enter a reason (5 to 500 characters)." in check_page(refused).visible_text
    assert checker.submit_form(third, "reject", reason="not enough").status_code == 303
    assert "not enough" in browser.get_page(third).visible_text


def test_request_that_ended_meanwhile_says_so_and_changes_nothing(
    browser: Browser, checker: Browser, person: Actor, database: Database
) -> None:
    request = request_suspension(browser, person)
    fields = checker.get_page(request).hidden_fields["approve"]
    browser.submit_form(request, "withdraw")
    with database_unchanged(database, apart_from={"login_sessions", "audit_records"}):
        response = checker.client.post(f"{request}/approve", data=fields)
    assert response.status_code == 409
    page = check_page(response)
    assert "This request has already ended." in page.visible_text
    assert page.all("form", id="approve") == []
