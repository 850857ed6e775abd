"""The privacy part of a person's page, and the policies, in a browser."""

import pytest
from playwright.sync_api import Page, expect

from app.access import Actor, Role
from app.access.consents import POLICIES, PolicyName
from app.kit.db import Database
from app.privacy import consents, erasure, exports
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import ALL, Shoot, assert_accessible, assert_fits_and_accessible
from tests.e2e.test_people import path_of
from tests.people import People

TERMS = POLICIES[PolicyName.TERMS].version


@pytest.fixture
def active(people: People, database: Database) -> Actor:
    person = people.customer(USD="12.50", XAU_s="1.5")
    with database.transaction() as session:
        consents.record_decision(
            session, person, policy=PolicyName.TERMS, version=TERMS, given=True
        )
        exports.request_export(session, person)
    return person


@pytest.fixture
def erased(people: People, database: Database) -> Actor:
    person = people.customer()
    with database.transaction() as session:
        erasure.erase_own_account(session, person)
    return person


def test_privacy_and_policy_pages_fit_and_are_accessible(
    open_desk: OpenDesk,
    admin_sign_in: tuple[str, str],
    shoot: Shoot,
    active: Actor,
    erased: Actor,
    people: People,
) -> None:
    desk = open_desk()
    page = desk.sign_in(*admin_sign_in, "/policies")
    for name, path in {
        "rights": path_of(active),
        "erasable": path_of(people.customer()),
        "erased": path_of(erased),
        "policies": "/policies",
        "terms": f"/policies/terms/{TERMS}",
    }.items():
        page.goto(f"{desk.address}{path}")
        assert_fits_and_accessible(page, shoot, name, ALL)
    desk.check(page)


def test_erasure_is_requested_by_keyboard_alone(
    open_desk: OpenDesk,
    admin_sign_in: tuple[str, str],
    people: People,
    shoot: Shoot,
) -> None:
    """An invalid form focuses its error summary; a request opens its own page."""
    people.staff(Role.ADMIN)
    desk = open_desk()
    page = desk.sign_in(*admin_sign_in, path_of(people.customer()))
    page.locator("#erase-reason").focus()
    page.keyboard.type("she wrote from ada@example.com")
    _send_by_keyboard(page)
    expect(page.locator("#erase-errors")).to_be_focused()
    assert_accessible(page)
    shoot(page, "erase-refused")
    page.locator("#erase-reason").fill("")
    page.locator("#erase-reason").focus()
    page.keyboard.type("letter 17 of 2026-11-20")
    _send_by_keyboard(page)
    page.wait_for_url("**/admin/approvals/apr_*")
    expect(page.get_by_text("You made this request.")).to_be_visible()
    assert_accessible(page)
    assert [text for text in desk.complaints if "422" not in text] == []


def _send_by_keyboard(page: Page) -> None:
    """Send the form; its dialog is open at "Cancel"."""
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
