"""The counter: a customer is found, compared with what they submitted, and checked."""

from urllib.parse import unquote

import pytest
from flask import Flask

from app.access import Role
from app.identity.models import User
from app.kit.db import Database
from app.kyc.models import Verification
from tests.kyc.applicant import Applicant
from tests.page_client import Browser, check_page
from tests.people import PASSWORD, People, verify_phone
from tests.rows import change_rows
from tests.unchanged_database import database_unchanged

COUNTER = "/teller/counter"
CHECKED = {"document": "passport", "compared": "yes"}


@pytest.fixture
def submitted_applicant(open_app: Flask, sanctions_list: None) -> Applicant:
    """Return an applicant whose identity is submitted."""
    made = Applicant.with_confirmed_email(open_app)
    made.submit_ok(
        lastName="Counter", dateOfBirth="1951-02-28", idType="passport", idNumber="C0177342"
    )
    return made


@pytest.fixture
def teller(open_app: Flask, database: Database) -> Browser:
    people, browser = People(database), Browser(open_app)
    browser.sign_in(people.staff(Role.TELLER, people.branch()).email, PASSWORD)
    return browser


def find(teller: Browser, text: str) -> str:
    """Search as a teller does, and return the path of the customer."""
    sent = teller.submit_form(COUNTER, "find", customer=text)
    assert text.strip() not in unquote(sent.location)
    found = teller.client.get(sent.location)
    assert found.status_code == 303
    return found.location


def notes_of(applicant: Applicant) -> list[str]:
    """Return the notes about the identity of the applicant."""
    with applicant.database.reading() as session:
        rows = session.rows(
            "SELECT note FROM verification_events WHERE verification_id = %s AND note IS NOT NULL",
            (applicant.latest.id,),
        )
    return [note for (note,) in rows]


def test_id_check_is_recorded_after_the_details_were_compared(
    submitted_applicant: Applicant, teller: Browser
) -> None:
    path = find(teller, f" {submitted_applicant.client.email} ")
    page = teller.get_page(path)
    for text in ("Ada Counter", "28 Feb 1951", "US", "Passport, ends in 7342"):
        assert text in page.visible_text
    assert "C0177342" not in page.visible_text
    # The address is not on a document, so a teller does not see it.
    assert "94043" not in page.visible_text
    teller.get_fragment(path, "identity")
    response = teller.submit_form(path, "check", **CHECKED)
    assert (response.status_code, response.location) == (303, COUNTER)
    assert "ID check recorded for Ada Counter." in teller.get_page(COUNTER).visible_text
    assert notes_of(submitted_applicant) == ["Seen at the counter: passport"]


@pytest.mark.parametrize("text", ["unknown@example.com", "usr_00000000000000000000000000", "Ada"])
def test_customer_who_is_not_found_is_a_problem_of_the_field(
    submitted_applicant: Applicant, teller: Browser, text: str
) -> None:
    page = teller.get_page(teller.submit_form(COUNTER, "find", customer=text).location)
    assert (
        "No customer with this email, phone or ID has submitted their identity."
        in page.visible_text
    )
    assert page.all("input", name="customer")[0]["value"] == text


def test_check_without_document_and_comparison_is_not_recorded(
    submitted_applicant: Applicant, teller: Browser
) -> None:
    path = find(teller, submitted_applicant.client.email)
    with database_unchanged(submitted_applicant.database, apart_from={"login_sessions"}):
        response = teller.submit_form(path, "check")
    assert response.status_code == 422
    text = check_page(response).visible_text
    assert "Choose a document from the list." in text
    assert "Compare the document with these details and the customer" in text


def test_check_of_an_identity_that_was_replaced_meanwhile_is_not_recorded(
    submitted_applicant: Applicant, teller: Browser
) -> None:
    path = find(teller, submitted_applicant.client.email)
    fields = teller.get_page(path).hidden_fields["check"]
    with submitted_applicant.database.transaction() as session:
        change_rows(
            session,
            Verification,
            Verification.id == submitted_applicant.latest.id,
            status="superseded",
        )
    assert teller.client.post(path, data={**fields, **CHECKED}).status_code == 404


def test_check_of_details_that_the_page_did_not_show_is_not_recorded(
    submitted_applicant: Applicant, teller: Browser
) -> None:
    path = find(teller, submitted_applicant.client.email)
    fields = teller.get_page(path).hidden_fields["check"]
    other = fields["seen"].replace("Ada Counter", "Ada Other")
    response = teller.client.post(path, data={**fields, **CHECKED, "seen": other})
    assert response.status_code == 409
    assert "When you opened it: Ada Other" in check_page(response).visible_text
    assert notes_of(submitted_applicant) == []


def test_customer_is_found_by_a_phone_number_that_is_verified(
    submitted_applicant: Applicant, teller: Browser
) -> None:
    person_id = submitted_applicant.client.user_id
    phone = f"+2547{person_id.int % 10**8:08}"
    with submitted_applicant.database.transaction() as session:
        change_rows(session, User, User.id == person_id, phone=phone)
    unverified = teller.submit_form(COUNTER, "find", customer=phone)
    assert teller.client.get(unverified.location).status_code == 200
    with submitted_applicant.database.transaction() as session:
        verify_phone(session, person_id, phone)
    assert submitted_applicant.latest.public_id in find(teller, phone)
