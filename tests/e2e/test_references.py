"""Copying an id, and going to one, in a browser."""

from app.access import Role
from app.kit import ids
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import ALL, Shoot, assert_fits_and_accessible
from tests.people import PASSWORD, People


def test_id_is_copied_and_another_one_is_gone_to_by_keyboard(
    open_desk: OpenDesk, people: People, shoot: Shoot
) -> None:
    person = ids.encode("usr", people.customer().user_id)
    desk = open_desk(is_new=True, permissions=["clipboard-read", "clipboard-write"])
    page = desk.sign_in(people.staff(Role.ADMIN).email, PASSWORD, f"/support/customers/{person}")
    page.get_by_role("button", name=f"Copy {person}").click()
    page.locator("#announcement", has_text="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == person
    page.keyboard.press("Control+K")
    page.keyboard.type(ids.encode("cas", ids.new()))
    page.keyboard.press("Enter")
    page.get_by_text("No case that you may open has the ID").wait_for()
    assert_fits_and_accessible(page, shoot, "go-to", ALL)
    desk.check(page)
