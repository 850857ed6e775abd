"""A declared list in a browser: sort, views, keyboard, CSV and both themes."""

import csv
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from app.access import Actor, Role
from app.cases import service as cases
from app.identity.models import User
from app.kit.db import Database
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import Shoot, assert_fits_and_accessible
from tests.people import PASSWORD, People
from tests.rows import change_rows

LIST = "/admin/people"


@pytest.fixture
def customers(people: People) -> list[Actor]:
    return [people.customer() for _ in range(3)]


def rename(database: Database, person: Actor, email: str) -> None:
    with database.transaction() as session:
        change_rows(session, User, User.id == person.user_id, email=email, email_key=email)


def test_list_is_sorted_saved_reloaded_and_exported(
    open_desk: OpenDesk,
    admin_sign_in: tuple[str, str],
    customers: list[Actor],
    database: Database,
    shoot: Shoot,
) -> None:
    desk = open_desk()
    # Other tests of this run have made people too, more than a page shows.
    mark = uuid4().hex
    for number, customer in enumerate(customers):
        rename(database, customer, f"{mark}-{number}@example.com")
    page = desk.sign_in(*admin_sign_in, f"{LIST}?q={mark}")
    page.get_by_role("link", name="Email", exact=True).click()
    expect(page.get_by_role("columnheader", name="Email")).to_have_attribute(
        "aria-sort", "ascending"
    )
    page.locator("#find-role").select_option("USER")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("columnheader", name="Email")).to_have_attribute(
        "aria-sort", "ascending"
    )
    name = uuid4().hex
    page.get_by_role("button", name="Views").click()
    page.get_by_label("Save this view as").fill(name)
    assert_fits_and_accessible(page, shoot, "list-views")
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_text("View saved.")).to_be_visible()
    page.goto(f"{desk.address}{LIST}")
    page.get_by_role("button", name="Views").click()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("link", name="Remove filter Role: Customer")).to_be_visible()
    page.reload()
    emails = [cell.inner_text() for cell in page.locator("[data-list] td[data-label=Email]").all()]
    assert emails == [f"{mark}-{number}@example.com" for number in range(len(customers))]
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    with Path(download.value.path()).open(encoding="utf-8", newline="") as file:
        _head, *rows = csv.reader(file)
    assert [row[1] for row in rows] == emails
    assert desk.complaints == []


def test_arrows_move_between_rows_and_enter_opens_one(
    open_desk: OpenDesk, admin_sign_in: tuple[str, str], customers: list[Actor]
) -> None:
    desk = open_desk()
    page = desk.sign_in(*admin_sign_in, f"{LIST}?role=USER")
    rows = page.locator("[data-row-link]")
    assert rows.count() >= len(customers)
    rows.first.focus()
    page.keyboard.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(rows.first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/support/customers/usr_*")
    assert desk.complaints == []


def test_focused_skip_link_is_readable_in_both_themes(
    open_desk: OpenDesk, admin_sign_in: tuple[str, str], shoot: Shoot
) -> None:
    desk = open_desk()
    page = desk.sign_in(*admin_sign_in, LIST)
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    for scheme in ("light", "dark"):
        page.evaluate("s => { document.documentElement.dataset.bsTheme = s }", scheme)
        colours = page.locator(".skip-link").evaluate(
            "link => { const style = getComputedStyle(link);"
            " return [style.color, style.backgroundColor] }"
        )
        assert contrast(*colours) >= 4.5, (scheme, colours)


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2.2 defines it."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour[4:-1].split(", ")]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_queue_refreshes_unless_a_person_works_in_it(
    open_desk: OpenDesk, people: People, database: Database
) -> None:
    # It installs a clock of its own.
    desk, mark = open_desk(is_new=True), uuid4().hex
    page = desk.sign_in(people.staff(Role.COMPLIANCE).email, PASSWORD, f"/admin/cases?about={mark}")
    page.clock.install()
    page.reload()
    rows, note = page.locator("#list tbody tr"), page.locator(".refresh-note")

    def open_case() -> None:
        with database.transaction() as session:
            cases.open_case(
                session, kind="test.difference", key=uuid4().hex, title="A", facts={}, subject=mark
            )

    open_case()
    page.clock.run_for(11_000)
    expect(rows).to_have_count(1)
    expect(note).to_have_text("Live")
    page.locator("#find select").first.focus()
    open_case()
    page.clock.run_for(25_000)
    expect(note).to_have_text("Waits while you work in the list")
    expect(rows).to_have_count(1)
    page.locator("#find select").first.blur()
    page.clock.run_for(11_000)
    expect(rows).to_have_count(2)
    expect(note).to_have_text("Live")
    desk.check(page)
