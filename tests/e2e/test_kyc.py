"""Verification and the counter in a browser: a review, its decision, and an ID check."""

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app.access import Role
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import assert_accessible
from tests.kyc.applicant import Applicant, make_pdf, make_picture
from tests.kyc.test_review import make_company
from tests.people import PASSWORD, People
from tests.provider_sandbox import Sandbox


@pytest.fixture
def applicant_in_review(app: Flask, sanctions_list: None, sandbox: Sandbox) -> Applicant:
    """Return an applicant whom the provider left to us, with two pictures and a PDF uploaded."""
    made = Applicant.with_confirmed_email(app)
    made.submit_ok(
        lastName="Review", dateOfBirth="1952-02-29", idType="ssn", idNumber="123-45-6789"
    )
    made.run_jobs(sandbox)
    made.client.ok(201, made.send(make_picture("JPEG", (900, 600), 90), "identity"))
    made.client.ok(
        201, made.send(make_picture("PNG", (500, 700), 200), "funds", "b.png", "image/png")
    )
    made.client.ok(201, made.send(make_pdf(2), "address", "bill.pdf", "application/pdf"))
    made.run_jobs()
    made.client.ok(201, made.send(b"\xff\xd8\xff\xe0 damaged", "licence"))
    made.run_jobs()
    made.client.ok(201, made.send(make_picture(), "ownership"))
    return made


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_submission_is_reviewed_and_approved(
    open_desk: OpenDesk,
    people: People,
    applicant_in_review: Applicant,
    shoot: Callable[[Page, str], None],
    scheme: str,
    width: int,
) -> None:
    desk = open_desk(width=width, color_scheme=scheme)
    page = desk.sign_in(people.staff(Role.COMPLIANCE).email, PASSWORD)
    page.goto(f"{desk.address}/support/kyc?q={applicant_in_review.client.email}")
    assert_accessible(page)
    shoot(page, f"kyc-queue-{scheme}-{width}")
    page.get_by_role("link", name="Ada Lovelace").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Lovelace: Identity")
    pictures = page.locator(".papers img")
    expect(pictures).to_have_count(3)
    for index in range(3):
        pictures.nth(index).scroll_into_view_if_needed()
        expect(pictures.nth(index)).to_have_js_property("complete", value=True)
        assert pictures.nth(index).evaluate("image => image.naturalWidth") > 100
    assert_accessible(page)
    shoot(page, f"kyc-submission-{scheme}-{width}")
    page.locator("#more-reason").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#more-errors")).to_be_focused()
    assert_accessible(page)
    shoot(page, f"kyc-refused-{scheme}-{width}")
    page.get_by_label("Evidence (internal)").fill("The passport is theirs")
    page.get_by_role("button", name="Approve").click()
    dialog = page.locator("#approve-confirm")
    expect(dialog).to_contain_text("29 Feb 1952")
    assert_accessible(page)
    shoot(page, f"kyc-dialog-{scheme}-{width}")
    dialog.get_by_role("button", name="Approve").click()
    expect(page.locator("#verification .status").first).to_have_text("Approved")
    applicant_in_review.client.ok(
        201, applicant_in_review.client.post("/api/kyc/kyb/submit", make_company())
    )
    page.goto(f"{desk.address}/support/kyc/{applicant_in_review.latest.public_id}")
    assert_accessible(page)
    shoot(page, f"kyc-company-{scheme}-{width}")
    assert [text for text in desk.complaints if "422" not in text] == []


def test_id_check_is_recorded_at_the_counter(
    open_desk: OpenDesk,
    people: People,
    applicant_in_review: Applicant,
    shoot: Callable[[Page, str], None],
) -> None:
    desk = open_desk(width=360)
    page = desk.sign_in(people.staff(Role.TELLER, people.branch()).email, PASSWORD)
    page.goto(f"{desk.address}/teller/counter")
    page.get_by_label("Customer's email, phone or ID").fill(applicant_in_review.client.email)
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Review")
    page.get_by_label("Document shown").select_option("Passport")
    page.get_by_role("button", name="Record ID check").click()
    expect(page.locator("#check-errors")).to_be_focused()
    assert_accessible(page)
    shoot(page, "kyc-counter-refused")
    page.get_by_label("The document is valid").check()
    assert_accessible(page)
    shoot(page, "kyc-counter")
    page.get_by_role("button", name="Record ID check").click()
    expect(page.get_by_text("ID check recorded for Ada Review.")).to_be_visible()
    assert [text for text in desk.complaints if "422" not in text] == []
