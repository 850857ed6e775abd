"""The pages of people, roles, approvals and branches: by keyboard, on a phone, in the dark."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.access import Actor, Role
from app.identity import standing
from app.kit import ids
from app.kit.db import Database
from tests.e2e.conftest import OpenDesk
from tests.e2e.test_exposure import accessible
from tests.people import PASSWORD, People

WHY = "reported by the bank"


@pytest.fixture
def officer(people: People) -> Actor:
    """Who asks for a suspension; another administrator is there, too."""
    people.staff(Role.ADMIN)
    return people.staff(Role.COMPLIANCE)


@pytest.fixture
def customer(people: People) -> Actor:
    return people.customer()


@pytest.fixture
def request_path(database: Database, officer: Actor, customer: Actor) -> str:
    """The page of a request to suspend the customer."""
    with database.transaction() as session:
        asked = standing.ask_to_suspend(session, officer, customer.user_id, reason=WHY)
    return f"/admin/approvals/{ids.encode('apr', asked)}"


def path_of(person: Actor) -> str:
    return f"/admin/people/{ids.encode('usr', person.user_id)}"


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit(
    open_desk: OpenDesk,
    admin: tuple[str, str],
    shoot: Callable[[Page, str], None],
    people: People,
    customer: Actor,
    request_path: str,
    scheme: str,
    width: int,
) -> None:
    people.staff(Role.TELLER, people.branch())
    desk = open_desk(width=width, color_scheme=scheme)
    page = desk.sign_in(*admin)
    for name, path in {
        "people": "/admin/people?status=active",
        "person": path_of(customer),
        "roles": "/admin/roles",
        "role": "/admin/roles/COMPLIANCE",
        "approvals": "/admin/approvals",
        "approval": request_path,
        "branches": "/admin/branches",
    }.items():
        page.goto(f"{desk.address}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") == width, name
        accessible(page)
        shoot(page, f"{name}-{scheme}-{width}")
    desk.check(page)


def test_suspending_by_keyboard_alone(
    open_desk: OpenDesk,
    admin: tuple[str, str],
    officer: Actor,
    customer: Actor,
    shoot: Callable[[Page, str], None],
) -> None:
    """One asks, another approves; a mistake takes the focus to where it is said."""
    first = open_desk()
    page = first.sign_in(*admin)
    page.goto(f"{first.address}{path_of(customer)}")
    reason = page.locator("#suspend-reason")
    reason.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#suspend-errors")).to_be_focused()
    accessible(page)
    shoot(page, "suspend-refused")
    page.locator("#suspend-reason").focus()
    page.keyboard.type(WHY)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/approvals/apr_*")
    expect(page.get_by_role("heading", name="You asked for this")).to_be_visible()

    second = open_desk()
    other = second.sign_in(officer.email, PASSWORD)
    other.goto(page.url)
    other.get_by_role("button", name=re.compile("^Approve")).focus()
    other.keyboard.press("Enter")
    expect(other.locator("#approval .status").first).to_have_text("Approved")
    accessible(other)
    shoot(other, "approved")
    page.goto(f"{first.address}{path_of(customer)}")
    expect(page.locator("#person .status").first).to_have_text("Suspended")
    shoot(page, "suspended")
    second.check(other)
    assert [text for text in first.complaints if "422" not in text] == []
