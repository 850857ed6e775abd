"""The key ring in a browser: it fits, and everybody can read it."""

from playwright.sync_api import expect

from app.access import Role
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import Shoot, in_every_look
from tests.people import PASSWORD, People


def test_the_ring_is_read(open_desk: OpenDesk, people: People, shoot: Shoot) -> None:
    desk = open_desk()
    page = desk.sign_in(people.staff(Role.ADMIN).email, PASSWORD, "/admin/keys")
    expect(page.get_by_role("heading", level=1)).to_have_text("Key ring")
    expect(page.locator("#keys")).to_contain_text("Active")
    in_every_look(page, shoot, "keys")
    desk.check(page)
