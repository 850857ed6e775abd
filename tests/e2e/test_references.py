"""Copying an id, in a browser."""

from app.access import Role
from app.kit import ids
from tests.e2e.conftest import OpenDesk
from tests.people import PASSWORD, People


def test_copy_button_copies_the_id_and_says_so(open_desk: OpenDesk, people: People) -> None:
    person = ids.encode("usr", people.customer().user_id)
    desk = open_desk(is_new=True, permissions=["clipboard-read", "clipboard-write"])
    page = desk.sign_in(people.staff(Role.ADMIN).email, PASSWORD, f"/admin/people/{person}")
    page.get_by_role("button", name=f"Copy {person}").click()
    page.locator("#announcement", has_text="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == person
    desk.check(page)
