"""The pages of approval requests, in a browser without script."""

from flask import Flask

from app.access import Actor, Role
from app.kit import ids
from app.kit.db import Database
from tests.blueprints.admin.conftest import sign_in
from tests.page_client import Browser, check_page
from tests.people import People

REASON = "because of a test"


def request_suspension(browser: Browser, person: Actor) -> str:
    """Request a suspension and return the path of the request."""
    path = f"/admin/people/{ids.encode('usr', person.user_id)}"
    return browser.submit_form(path, "suspend", reason=REASON).location


def test_approving_an_own_request_without_the_form_is_refused_and_recorded(
    browser: Browser, admin: Actor, people: People, database: Database
) -> None:
    person = people.customer()
    request = request_suspension(browser, person)
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
    first = request_suspension(browser, person)
    short = browser.submit_form(first, "edit", reason="x")
    assert short.status_code == 422
    second = browser.submit_form(first, "edit", reason="a better reason").headers["Location"]
    assert second != first
    assert "Replaced" in browser.get_page(first).visible_text
    assert browser.submit_form(second, "withdraw").status_code == 303
    assert "Cancelled" in browser.get_page(second).visible_text
    third = request_suspension(browser, person)
    other = sign_in(app, people.staff(Role.COMPLIANCE))
    assert other.submit_form(third, "reject", reason="no").status_code == 422
    assert other.submit_form(third, "reject", reason="not enough").status_code == 303
    assert "not enough" in browser.get_page(third).visible_text
