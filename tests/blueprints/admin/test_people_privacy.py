"""The privacy part of a person's page, and the request to erase them."""

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app.access import Actor, Role
from app.identity.accounts.people import get_account as standing_of
from app.kit import clock, ids
from app.kit.db import Database
from app.privacy import consents, erasure, exports
from app.privacy.rules import PolicyName
from tests.blueprints.admin.conftest import sign_in
from tests.mailbox import run_pending_jobs, use_mailbox
from tests.page_client import Browser, check_page
from tests.people import People
from tests.unchanged_database import database_unchanged

REFERENCE = "letter 17 of 2026-11-20"


def path_of(person: Actor) -> str:
    return f"/admin/people/{ids.encode('usr', person.user_id)}"


def collapse_blanks(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_consents_and_data_exports_are_shown(
    browser: Browser, people: People, database: Database
) -> None:
    person = people.customer()
    said = collapse_blanks(browser.get_page(path_of(person)).visible_text)
    assert "Not accepted yet Terms of service, version 1" in said
    assert "No data exports requested" in said
    with database.transaction() as session:
        consents.record_decision(session, person, policy=PolicyName.TERMS, version=1, given=True)
        exports.request_export(session, person)
    said = collapse_blanks(browser.get_page(path_of(person)).visible_text)
    assert "Accepted Terms of service, version 1: version 1 accepted" in said
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
    [seen] = [field["value"] for field in shown.all("input", name="seen")]
    assert other.submit_form(request, "approve", seen=seen).status_code == 303
    with database.reading() as session:
        found = standing_of(session, person.user_id)
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
    browser.get_page(path_of(person))
    token = browser.get_page(path_of(person)).all("input", name="csrf_token")[0]["value"]
    with database_unchanged(database):
        response = browser.client.post(
            f"{path_of(rich)}/erase", data={"csrf_token": token, "reason": REFERENCE}
        )
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
