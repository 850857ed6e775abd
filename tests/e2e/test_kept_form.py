"""A sensitive form that took eleven minutes, in a browser: finished after the proof."""

from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from app.access import Role
from app.kit import ids
from app.kit.db import Database
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import Shoot, assert_accessible, assert_fits_and_accessible
from tests.people import PASSWORD, People


def age_proof(database: Database, email: str) -> None:
    """Make the person's last proof of identity eleven minutes old."""
    with database.transaction() as session:
        session.send(
            "UPDATE login_sessions s SET proven_at = proven_at - interval '11 minutes'"
            " FROM users u WHERE u.id = s.user_id AND u.email = %s",
            (email,),
        )


def fill_invitation(page: Page, email: str, first_name: str) -> None:
    form = page.locator("#invite")
    form.get_by_label("Email").fill(email)
    form.get_by_label("First name").fill(first_name)
    form.get_by_label("Last name").fill("Lovelace")
    form.get_by_label("Role").select_option("AUDITOR")
    form.get_by_label("Reason").fill("Joins the team.")
    form.get_by_role("button").click()


def confirm(page: Page) -> None:
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def test_form_of_eleven_minutes_is_finished_after_the_proof(
    open_desk: OpenDesk, people: People, database: Database, shoot: Shoot
) -> None:
    """A refused form is shown again with its values; Back after a success says so."""
    admin = people.staff(Role.ADMIN)
    desk = open_desk()
    page = desk.sign_in(admin.email, PASSWORD, "/admin/staff")
    email = f"{ids.new().hex}@example.com"
    age_proof(database, admin.email)
    fill_invitation(page, email, "")
    expect(page.locator("#prove")).to_contain_text("Your form is kept.")
    assert_fits_and_accessible(page, shoot, "kept-form")
    confirm(page)
    expect(page.locator("#invite-email")).to_have_value(email)
    expect(page.locator("#invite-first_name-problem")).to_be_visible()
    assert urlsplit(page.url).path == "/admin/staff"

    age_proof(database, admin.email)
    fill_invitation(page, email, "Ada")
    confirm(page)
    page.wait_for_url("**/admin/staff")
    expect(page.locator("main")).to_contain_text(email)
    page.go_back()
    expect(page.get_by_role("heading", name="Already sent")).to_be_visible()
    assert_accessible(page)
    shoot(page, "kept-form-sent")
    page.get_by_role("link", name="Continue").click()
    expect(page.locator("main")).to_contain_text(email)
    assert [text for text in desk.complaints if "422" not in text] == []
