"""The key ring in a browser: it fits, and everybody can read it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.access import Role
from tests.e2e.conftest import OpenDesk
from tests.e2e.test_exposure import accessible
from tests.people import PASSWORD, People


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_the_ring_is_read(
    open_desk: OpenDesk,
    people: People,
    shoot: Callable[[Page, str], None],
    scheme: str,
    width: int,
) -> None:
    desk = open_desk(width=width, color_scheme=scheme)
    page = desk.sign_in(people.staff(Role.ADMIN).email, PASSWORD)
    page.goto(f"{desk.address}/admin/keys")
    expect(page.get_by_role("heading", level=1)).to_have_text("Key ring")
    expect(page.locator("#keys")).to_contain_text("Seals")
    _fits(page, width)
    shoot(page, f"keys-{scheme}-{width}")
    desk.check(page)


def _fits(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") == width
    accessible(page)
