"""Data rights on a person's page, and the policies: by keyboard, on a phone, in the dark."""

import pytest
from playwright.sync_api import expect

from app.access import Actor, Role
from app.kit.db import Database
from app.privacy import consents, erasure, exports
from app.privacy.rules import PolicyName
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import ALL, Shoot, accessible, in_every_look
from tests.e2e.test_people import path_of
from tests.people import People


@pytest.fixture
def active(people: People, database: Database) -> Actor:
    person = people.customer(USD="12.50", XAU_s="1.5")
    with database.transaction() as session:
        consents.record_decision(session, person, policy=PolicyName.TERMS, version=1, given=True)
        exports.request_export(session, person)
    return person


@pytest.fixture
def erased(people: People, database: Database) -> Actor:
    person = people.customer()
    with database.transaction() as session:
        erasure.erase_own_account(session, person)
    return person


def test_the_pages_are_accessible_and_fit(
    open_desk: OpenDesk,
    admin: tuple[str, str],
    shoot: Shoot,
    active: Actor,
    erased: Actor,
    people: People,
) -> None:
    desk = open_desk()
    page = desk.sign_in(*admin, "/policies")
    for name, path in {
        "rights": path_of(active),
        "erasable": path_of(people.customer()),
        "erased": path_of(erased),
        "policies": "/policies",
        "terms": "/policies/terms/1",
    }.items():
        page.goto(f"{desk.address}{path}")
        in_every_look(page, shoot, name, ALL)
    desk.check(page)


def test_erasing_by_keyboard_alone(
    open_desk: OpenDesk,
    admin: tuple[str, str],
    people: People,
    shoot: Shoot,
) -> None:
    """A mistake takes the focus to where it is said; the request leads on to its own page."""
    people.staff(Role.ADMIN)
    desk = open_desk()
    page = desk.sign_in(*admin, path_of(people.customer()))
    page.locator("#erase-reason").focus()
    page.keyboard.type("she wrote from ada@example.com")
    page.keyboard.press("Enter")
    expect(page.locator("#erase-errors")).to_be_focused()
    accessible(page)
    shoot(page, "erase-refused")
    page.locator("#erase-reason").fill("")
    page.locator("#erase-reason").focus()
    page.keyboard.type("letter 17 of 2026-11-20")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/approvals/apr_*")
    expect(page.get_by_role("heading", name="You made this request")).to_be_visible()
    accessible(page)
    assert [text for text in desk.complaints if "422" not in text] == []
