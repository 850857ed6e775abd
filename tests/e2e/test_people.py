"""Requesting a suspension and approving it in a browser, by keyboard alone."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from app.access import Actor, Role
from app.kit import ids
from app.kit.db import Database
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import ALL, Shoot, assert_accessible, assert_fits_and_accessible
from tests.people import PASSWORD, People
from tests.staff import create_member_with_app

REASON = "reported by the bank"


@pytest.fixture
def approver(people: People) -> Actor:
    """Return the officer who approves a suspension; there is a second administrator, too."""
    people.staff(Role.ADMIN)
    return people.staff(Role.COMPLIANCE)


def path_of(person: Actor) -> str:
    return f"/admin/people/{ids.encode('usr', person.user_id)}"


def test_breadcrumb_leads_back_to_the_list_with_its_filters(
    open_desk: OpenDesk, admin_sign_in: tuple[str, str], person: Actor
) -> None:
    desk = open_desk()
    page = desk.sign_in(*admin_sign_in, f"/admin/people?q={person.email}")
    page.locator("[data-row-link]").click()
    page.get_by_role("link", name="Account", exact=True).click()
    back = page.locator("[data-list]")
    filters = re.compile(rf"/admin/people\?q={person.email}$")
    expect(back).to_have_attribute("href", filters)
    page.reload()
    expect(back).to_have_attribute("href", filters)
    # A refused form replaces the page, which now comes from itself.
    page.locator("#suspend button").click()
    expect(page.locator("#suspend-errors")).to_be_focused()
    expect(back).to_have_attribute("href", filters)
    back.click()
    page.wait_for_url(f"**/admin/people?q={person.email}")
    assert [text for text in desk.complaints if "422" not in text] == []


def test_suspension_by_keyboard_alone_takes_two_people(
    open_desk: OpenDesk,
    admin_sign_in: tuple[str, str],
    approver: Actor,
    person: Actor,
    shoot: Shoot,
) -> None:
    """One person requests, another approves; an invalid form focuses its error summary."""
    first = open_desk()
    page = first.sign_in(*admin_sign_in, path_of(person))
    reason = page.locator("#suspend-reason")
    reason.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#suspend-errors")).to_be_focused()
    assert_accessible(page)
    shoot(page, "suspend-refused")
    page.locator("#suspend-reason").focus()
    page.keyboard.type(REASON)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    dialog = page.get_by_role("dialog")
    for text in (person.email, REASON):
        expect(dialog).to_contain_text(text)
    assert_accessible(page)
    shoot(page, "suspend-confirm")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/approvals/apr_*")
    expect(page.get_by_text("You made this request.")).to_be_visible()

    second = open_desk()
    other = second.sign_in(approver.email, PASSWORD, urlsplit(page.url).path)
    other.get_by_role("button", name="Approve and suspend Ada Lovelace").focus()
    other.keyboard.press("Enter")
    dialog = other.get_by_role("dialog", name="Approve and suspend Ada Lovelace?")
    expect(dialog).to_contain_text("Active → Suspended")
    assert_fits_and_accessible(other, shoot, "approve", ALL)
    dialog.get_by_role("button", name="Approve and suspend Ada Lovelace").click()
    expect(other.locator("#approval .status").first).to_have_text("Approved")
    assert_accessible(other)
    shoot(other, "approved")
    page.goto(f"{first.address}{path_of(person)}")
    expect(page.locator("#person .status").first).to_have_text("Suspended")
    shoot(page, "suspended")
    second.check(other)
    assert [text for text in first.complaints if "422" not in text] == []


def test_lost_second_factor_is_removed_by_two_people(
    open_desk: OpenDesk,
    admin_sign_in: tuple[str, str],
    approver: Actor,
    database: Database,
    shoot: Shoot,
) -> None:
    owner = create_member_with_app(database, Role.SUPPORT).actor
    first = open_desk()
    page = first.sign_in(*admin_sign_in, path_of(owner))
    page.locator("#second-factor-reason").fill("seen with their passport at the counter")
    assert_fits_and_accessible(page, shoot, "second-factor-form")
    page.locator("#second-factor").get_by_role("button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(owner.email)
    assert_fits_and_accessible(page, shoot, "second-factor-dialog")
    dialog.get_by_role("button").last.click()
    page.wait_for_url("**/admin/approvals/apr_*")

    second = open_desk()
    other = second.sign_in(approver.email, PASSWORD, urlsplit(page.url).path)
    assert_fits_and_accessible(other, shoot, "second-factor-approval", ALL)
    other.get_by_role("button", name="Approve and remove").click()
    other.get_by_role("dialog").get_by_role("button", name="Approve and remove").click()
    expect(other.locator("#approval .status").first).to_have_text("Approved")
    page.goto(f"{first.address}{path_of(owner)}")
    expect(page.locator("#second-factor")).to_have_count(0)
    first.check(page)
    second.check(other)
