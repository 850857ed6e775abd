"""The search over every page, by the keyboard alone."""

from playwright.sync_api import expect

from app.access import Role
from app.identity.models import User
from app.kit import ids
from app.kit.db import Database
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import ALL, Shoot, assert_fits_and_accessible
from tests.people import PASSWORD, People
from tests.rows import change_rows


def test_customer_is_found_opened_and_left_again_by_keyboard(
    open_desk: OpenDesk,
    people: People,
    database: Database,
    shoot: Shoot,
    access_log: list[str],
) -> None:
    customer = people.customer()
    mark = customer.user_id.hex[-8:]
    with database.transaction() as session:
        change_rows(session, User, User.id == customer.user_id, last_name=f"Kipkemboi-{mark}")
    desk = open_desk()
    page = desk.sign_in(people.staff(Role.SUPPORT).email, PASSWORD)
    page.keyboard.press("/")
    page.keyboard.type(f"kipkemboi-{mark}")
    result = page.get_by_role("option", name=f"Ada Kipkemboi-{mark}")
    expect(result).to_have_attribute("aria-selected", "true")
    assert_fits_and_accessible(page, shoot, "search", ALL)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Kipkemboi-{mark}")
    page.go_back()
    expect(page).to_have_url(f"{desk.address}/support/")
    # An email address and Enter, before anything was found.
    page.keyboard.press("Control+K")
    page.keyboard.type(customer.email)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/support/customers/{ids.encode('usr', customer.user_id)}")
    assert not any(mark in line or customer.email in line for line in access_log)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Redemptions")
    assert_fits_and_accessible(page, shoot, "keys", ALL)
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/admin/redemptions")
    desk.check(page)


def test_letters_are_no_shortcuts_for_those_who_switched_them_off(
    open_desk: OpenDesk, people: People
) -> None:
    desk = open_desk()
    page = desk.sign_in(people.staff(Role.SUPPORT).email, PASSWORD, "/auth/account")
    page.get_by_label("Letters alone are shortcuts").uncheck()
    page.locator("#keyboard").get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    for key in ("/", "?", "g", "h"):
        page.keyboard.press(key)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_url(f"{desk.address}/auth/account")
    page.keyboard.press("Control+K")
    expect(page.get_by_role("combobox")).to_be_focused()
    desk.check(page)
