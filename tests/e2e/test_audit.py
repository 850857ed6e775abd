"""The audit trail in a browser: filters, a record, and accessibility."""

import pytest
from playwright.sync_api import expect

from app.access import Role
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.audit.rules import AuditOutcome
from app.kit import ids
from app.kit.db import Database
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import ALL, Shoot, assert_fits_and_accessible
from tests.people import PASSWORD, People
from tests.running_transactions import wait_for_running_transactions


@pytest.fixture
def email_with_records(people: People, database: Database) -> str:
    """Record a suspension, its end and a denied act about a customer; return their email."""
    admin, customer = people.staff(Role.ADMIN), people.customer()
    subject = ids.encode("usr", customer.user_id)
    states = [("suspended", "active", "suspended"), ("reactivated", "suspended", "active")]
    with database.transaction() as session:
        for act, before, after in states:
            audit.record(
                session,
                actor=admin,
                action=AuditAction(f"person.{act}"),
                subject=subject,
                before={"status": before, "sessions": 2, "role": "USER"},
                after={"status": after, "sessions": 0, "role": "USER"},
                reason="Asked for by the court on the telephone, and confirmed by letter",
                on_behalf_of=customer.user_id,
            )
        audit.record(
            session,
            actor=admin,
            action=AuditAction.REQUEST_REFUSED,
            subject=subject,
            after={"route": "POST /admin/people/<person_id>/suspend", "refusal": "conflict"},
            reason="This is not possible in the current state.",
            outcome=AuditOutcome.DENIED,
        )
    wait_for_running_transactions(database)
    with database.transaction() as session:
        audit.seal(session)
    return customer.email


def test_trail_is_searched_by_keyboard_and_a_record_read(
    open_desk: OpenDesk, people: People, email_with_records: str, shoot: Shoot
) -> None:
    desk = open_desk()
    page = desk.sign_in(people.staff(Role.AUDITOR).email, PASSWORD, "/admin/audit")
    expect(page.get_by_role("heading", level=1)).to_have_text("Audit trail")
    assert_fits_and_accessible(page, shoot, "audit-all", ALL)
    # By keyboard alone.
    page.locator("#find-what").focus()
    page.keyboard.type(email_with_records)
    page.keyboard.press("Enter")
    page.wait_for_url("**what=*")
    rows = page.locator("#list tbody tr")
    expect(rows).to_have_count(3)
    assert_fits_and_accessible(page, shoot, "audit-found", ALL)
    page.locator("#find-outcome").select_option("denied")
    page.get_by_role("button", name="Find").click()
    expect(rows).to_have_count(1)
    page.go_back()
    rows.last.get_by_role("link", name="Person ").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Person suspended")
    expect(page.locator("#record")).to_contain_text("confirmed by letter")
    expect(page.locator("#record")).to_contain_text("Sealed")
    assert_fits_and_accessible(page, shoot, "audit-record", ALL)
    page.emulate_media(media="print")
    expect(page.locator("#desk-nav")).to_be_hidden()
    expect(page.locator("#record")).to_contain_text("confirmed by letter")
    shoot(page, "audit-record-printed")
    page.emulate_media(media="screen")
    page.goto(f"{desk.address}/admin/audit?who=unknown@example.com")
    expect(page.locator("#find-who")).to_have_attribute("aria-invalid", "true")
    assert_fits_and_accessible(page, shoot, "audit-mistake", ALL)
    desk.check(page)
