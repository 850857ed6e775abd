"""The key ring page in a browser: it fits and is accessible."""

from playwright.sync_api import expect

from app.access import Role
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import Shoot, assert_fits_and_accessible
from tests.people import PASSWORD, People


def test_key_ring_page_fits_and_is_accessible(
    open_desk: OpenDesk, people: People, shoot: Shoot
) -> None:
    desk = open_desk()
    page = desk.sign_in(people.staff(Role.ADMIN).email, PASSWORD, "/admin/keys")
    expect(page.get_by_role("heading", level=1)).to_have_text("Key ring")
    expect(page.locator("#keys")).to_contain_text("Active")
    assert_fits_and_accessible(page, shoot, "keys")
    desk.check(page)
