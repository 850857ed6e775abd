"""A case of a sanctions hit: the dialog restates what follows from the chosen outcome."""

from playwright.sync_api import expect

from app.access import Role
from app.kit import ids
from app.kit.db import Database
from app.screening.matching import service as screening
from app.screening.rules import ScreeningSubject
from tests import sanctions
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import Shoot, assert_fits_and_accessible
from tests.people import PASSWORD, People


def test_dialog_restates_what_follows_from_the_chosen_outcome(
    open_desk: OpenDesk, people: People, database: Database, shoot: Shoot
) -> None:
    sanctions.import_sample_list(database)
    customer = people.customer()
    with database.transaction() as session:
        found = screening.screen(
            session,
            ScreeningSubject((sanctions.LISTED_NAME,)),
            about=ids.encode("usr", customer.user_id),
            purpose="onboarding",
            person_id=customer.user_id,
        )
    assert found.case_id is not None
    path = f"/admin/cases/{ids.encode('cas', found.case_id)}"
    desk = open_desk()
    page = desk.sign_in(people.staff(Role.COMPLIANCE).email, PASSWORD, path)
    page.locator("#close-disposition").select_option("true_match")
    page.locator("#close-reason").fill("Same birth date and passport")
    page.locator("#close button").click()
    dialog = page.get_by_role("dialog", name="Close this case?")
    expect(dialog.get_by_text("Suspends the customer at once")).to_be_visible()
    expect(dialog.get_by_text("The subject passes these list entries")).to_be_hidden()
    assert_fits_and_accessible(page, shoot, "case-dialog")
    dialog.get_by_role("button", name="Close case").click()
    expect(page.get_by_text("Customer suspended.").first).to_be_visible()
    assert_fits_and_accessible(page, shoot, "case-closed")
    desk.check(page)
