"""A sensitive form sent with an old proof: kept, finished once after reauthentication, or not."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from app.access import Actor
from app.identity import tasks
from app.identity.accounts import invitations
from app.identity.accounts import queries as accounts_queries
from app.identity.sign_in import kept_forms
from app.identity.sign_in.rules import PROOF_LIFETIME
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.pipeline import Row
from tests.page_client import HTMX, check_page
from tests.people import PASSWORD
from tests.staff import StaffBrowser
from tests.unchanged_database import database_unchanged

STAFF_PAGE = "/admin/staff"
REFERER = {"Referer": f"http://localhost{STAFF_PAGE}"}
ACT = "Add a person to the staff and email them a link to accept the invitation."


@pytest.fixture
def unproven_browser(app: Flask, admin: Actor) -> Iterator[StaffBrowser]:
    """A browser of the administrator, eleven minutes after they signed in."""
    unproven_browser = StaffBrowser(app)
    unproven_browser.sign_in(admin.email, PASSWORD)
    with time_machine.travel(clock.now() + PROOF_LIFETIME + timedelta(minutes=1)):
        yield unproven_browser


def invitation_form(**changed: str) -> dict[str, str]:
    """Return the fields of an invitation; each has an email address of its own."""
    email = f"{ids.new().hex}@example.com"
    names = {"first_name": "Ada", "last_name": "King"}
    return {"email": email, **names, "role": "AUDITOR", "reason": "Joins the team."} | changed


def send(
    unproven_browser: StaffBrowser, fields: dict[str, str], path: str = STAFF_PAGE, **headers: str
) -> TestResponse:
    """Send a form of the staff page to a path."""
    data = {**unproven_browser.get_page(STAFF_PAGE).hidden_fields["invite"], **fields}
    return unproven_browser.client.post(path, data=data, headers=REFERER | headers)


def proof_fields(unproven_browser: StaffBrowser, location: str) -> dict[str, Any]:
    """Return the fields of the reauthentication page's form with the right password."""
    hidden = unproven_browser.get_page(location).all("input", type="hidden")
    return {field["name"]: field["value"] for field in hidden} | {"password": PASSWORD}


def prove(unproven_browser: StaffBrowser, location: str) -> tuple[TestResponse, dict[str, Any]]:
    """Reauthenticate at the location. Returns the response, and the form that was sent."""
    fields = proof_fields(unproven_browser, location)
    return unproven_browser.client.post("/auth/prove", data=fields), fields


def kept_row(database: Database, location: str) -> Row | None:
    """Return the stored form that the location names: when it was used, and its contents."""
    identifier = ids.decode(kept_forms.PREFIX, location.rpartition("kept_form=")[2])
    with database.reading() as session:
        statement = "SELECT used_at IS NOT NULL, form_sealed FROM kept_forms WHERE id = %s"
        return session.row(statement, (identifier,))


def count_people(database: Database, email: str) -> int:
    with database.reading() as session:
        return len(session.rows("SELECT FROM users WHERE email = %s", (email,)))


def test_form_is_finished_once_after_the_proof(
    unproven_browser: StaffBrowser, database: Database
) -> None:
    form = invitation_form()
    location = send(unproven_browser, form).location
    assert location.startswith(f"/auth/prove?next={STAFF_PAGE}&kept_form=frm_")
    row = kept_row(database, location)
    assert row is not None
    assert form["email"].encode() not in row[1]
    page = unproven_browser.get_page(location)
    assert f"Your form is kept. Confirm that it is you to finish: {ACT}" in page.visible_text
    assert [link["href"] for link in page.all("a") if link["href"] == STAFF_PAGE]
    response, fields = prove(unproven_browser, location)
    assert (response.status_code, response.location) == (307, STAFF_PAGE)
    assert count_people(database, form["email"]) == 0
    response = unproven_browser.client.post(STAFF_PAGE, data=fields)
    assert (response.status_code, response.location) == (303, STAFF_PAGE)
    assert count_people(database, form["email"]) == 1
    assert kept_row(database, location) == (True, None)
    with database_unchanged(database):
        assert unproven_browser.client.post(STAFF_PAGE, data=fields).location == location
    assert "Already sent" in unproven_browser.get_page(location).visible_text


def test_double_click_on_the_proof_finishes_the_form_once(
    unproven_browser: StaffBrowser, database: Database, app: Flask
) -> None:
    form = invitation_form()
    location = send(unproven_browser, form).location
    impatient = StaffBrowser(app)
    impatient.client.set_cookie("pbcex", unproven_browser.session_cookie())
    _, fields = prove(unproven_browser, location)
    # The second click still carries the secret from before the proof.
    assert impatient.client.post("/auth/prove", data=fields).location == location
    assert unproven_browser.client.post(STAFF_PAGE, data=fields).location == STAFF_PAGE
    assert unproven_browser.client.post("/auth/prove", data=fields).location == location
    assert count_people(database, form["email"]) == 1


def test_two_requests_at_once_finish_a_form_once(
    unproven_browser: StaffBrowser, database: Database, admin: Actor, app: Flask
) -> None:
    form = invitation_form()
    with database.transaction() as session:
        invitations.invite(session, admin, **form)
        invited = accounts_queries.get_person_by_email(session, form["email"]).id
    path = f"{STAFF_PAGE}/bulk"
    resend = {"act": "resend", "ids": ids.encode("usr", invited)}
    response, fields = prove(unproven_browser, send(unproven_browser, resend, path).location)
    assert response.location == path

    def finish(_number: int) -> str:
        other = StaffBrowser(app)
        other.client.set_cookie("pbcex", unproven_browser.session_cookie())
        return str(other.client.post(path, data=fields).location)

    with ThreadPoolExecutor(4) as threads:
        locations = sorted(threads.map(finish, range(4)))
    assert locations[0] == STAFF_PAGE
    assert all(location.startswith("/auth/prove?") for location in locations[1:])


def test_refused_form_is_shown_again_with_its_values(
    unproven_browser: StaffBrowser, database: Database
) -> None:
    form = invitation_form(first_name="", last_name="Lovelace")
    location = send(unproven_browser, form).location
    _, fields = prove(unproven_browser, location)
    response = unproven_browser.client.post(STAFF_PAGE, data=fields)
    assert response.status_code == 422
    page = check_page(response)
    assert page.all("input", id="invite-last_name")[0]["value"] == "Lovelace"
    assert page.all("input", id="invite-email")[0]["value"] == form["email"]
    assert page.all("p", id="invite-first_name-problem")
    # Nothing was done: the same request may be sent again, and the corrected form as well.
    assert unproven_browser.client.post(STAFF_PAGE, data=fields).status_code == 422
    assert send(unproven_browser, form | {"first_name": "Ada"}).status_code == 303
    assert count_people(database, form["email"]) == 1


def test_form_whose_act_failed_can_be_sent_again(unproven_browser: StaffBrowser) -> None:
    path = f"{STAFF_PAGE}/bulk"
    resend = {"act": "resend", "ids": ids.encode("usr", ids.new())}
    location = send(unproven_browser, resend, path).location
    _, fields = prove(unproven_browser, location)
    assert unproven_browser.client.post(path, data=fields).status_code == 409
    page = unproven_browser.get_page(location)
    assert "Your form is kept, and you have confirmed that it is you." in page.visible_text
    assert unproven_browser.submit_form(location, "send-kept-form").status_code in {303, 409}


def test_expired_form_is_not_sent(unproven_browser: StaffBrowser, database: Database) -> None:
    form = invitation_form()
    location = send(unproven_browser, form).location
    fields = proof_fields(unproven_browser, location)
    with time_machine.travel(clock.now() + kept_forms.LIFETIME + timedelta(seconds=1)):
        assert unproven_browser.client.post("/auth/prove", data=fields).location == location
        page = unproven_browser.get_page(location)
        assert "Not sent yet" in page.visible_text
        assert "Send the form again." in page.visible_text
        assert [link for link in page.all("a") if link["href"] == STAFF_PAGE]
        assert unproven_browser.client.post(STAFF_PAGE, data=fields).location == location
        with database.transaction() as session:
            tasks.delete_expired(session)
    assert kept_row(database, location) is None
    assert count_people(database, form["email"]) == 0


def test_oldest_form_is_replaced_when_too_many_wait(
    unproven_browser: StaffBrowser, database: Database
) -> None:
    locations = [
        send(unproven_browser, invitation_form()).location
        for _ in range(kept_forms.WAITING_MAX + 1)
    ]
    rows = [kept_row(database, location) for location in locations]
    assert [row is not None for row in rows] == [False] + [True] * kept_forms.WAITING_MAX
    assert "Not sent yet" in unproven_browser.get_page(locations[0]).visible_text
    assert "Your form is kept" in unproven_browser.get_page(locations[1]).visible_text


def test_form_belongs_to_the_session_that_sent_it_and_to_its_address(
    unproven_browser: StaffBrowser, database: Database, admin: Actor, app: Flask
) -> None:
    form = invitation_form()
    location = send(unproven_browser, form).location
    kept_form = {"kept_form": location.rpartition("=")[2], "next": STAFF_PAGE}
    other = StaffBrowser(app)
    other.sign_in(admin.email, PASSWORD)
    assert "Not sent yet" in other.get_page(location).visible_text
    assert send(other, kept_form).location == location
    prove(unproven_browser, location)
    path = f"{STAFF_PAGE}/bulk"
    assert send(unproven_browser, kept_form, path).location == location
    assert send(unproven_browser, {"kept_form": "frm_unknown"}).location.endswith("frm_unknown")
    assert count_people(database, form["email"]) == 0
    assert "Send your form" in unproven_browser.get_page(location).visible_text


def test_form_ends_with_its_session(
    unproven_browser: StaffBrowser, database: Database, admin: Actor
) -> None:
    location = send(unproven_browser, invitation_form()).location
    fields = proof_fields(unproven_browser, location)
    unproven_browser.client.post("/auth/logout", data={"csrf_token": fields["csrf_token"]})
    assert kept_row(database, location) is None
    # The tab that is still open leads to sign-in, and from there to the same page.
    assert unproven_browser.client.post("/auth/prove", data=fields).location == location
    sign_in_page = unproven_browser.client.get(location).location
    assert sign_in_page.startswith("/auth/login?next=/auth/prove")
    assert unproven_browser.sign_in(admin.email, PASSWORD, then=location).location == location
    assert "Not sent yet" in unproven_browser.get_page(location).visible_text
    assert unproven_browser.client.post("/auth/prove", data=fields).location == location


def test_htmx_form_is_kept_too(unproven_browser: StaffBrowser) -> None:
    current = {"HX-Current-URL": f"http://localhost{STAFF_PAGE}"}
    response = send(unproven_browser, invitation_form(), **HTMX, **current)
    assert response.status_code == 401
    location = response.headers["HX-Redirect"]
    assert location.startswith(f"/auth/prove?next={STAFF_PAGE}&kept_form=frm_")
    assert prove(unproven_browser, location)[0].location == STAFF_PAGE
