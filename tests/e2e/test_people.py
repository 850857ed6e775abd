"""Asking for a suspension and approving it, by keyboard alone."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from app.access import Actor, Role
from app.kit import ids
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import Shoot, accessible
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


def path_of(person: Actor) -> str:
    return f"/admin/people/{ids.encode('usr', person.user_id)}"


def test_suspending_by_keyboard_alone(
    open_desk: OpenDesk,
    admin: tuple[str, str],
    officer: Actor,
    customer: Actor,
    shoot: Shoot,
) -> None:
    """One asks, another approves; a mistake takes the focus to where it is said."""
    first = open_desk()
    page = first.sign_in(*admin, path_of(customer))
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
    expect(page.get_by_role("heading", name="You made this request")).to_be_visible()

    second = open_desk()
    other = second.sign_in(officer.email, PASSWORD, urlsplit(page.url).path)
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
