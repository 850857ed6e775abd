"""The drawer: opened, moved and counted by its pages, without sight of what is expected."""

import pytest
from flask import Flask

from app.access import Role
from app.counter.drawers import queries
from app.kit import ids
from app.kit.db import Database
from tests.counter.tills import PIN, SAFE, Branch, cash
from tests.page_client import Browser, check_page
from tests.people import PASSWORD, People
from tests.staff import sign_in

DRAWER = "/teller/drawer"


@pytest.fixture
def branch(database: Database) -> Branch:
    return Branch.with_cash(People(database))


@pytest.fixture
def teller(open_app: Flask, branch: Branch) -> Browser:
    browser = Browser(open_app)
    browser.sign_in(branch.teller.email, PASSWORD)
    return browser


def open_drawer(teller: Browser, branch: Branch) -> str:
    """Open a drawer with 115.00, and return the path of its report."""
    branch.open_till()
    [till] = [option["value"] for option in teller.get_page(DRAWER).all("option")][1:]
    opened = teller.submit_form(DRAWER, "open", till=till, usd_2000="5", usd_500="3")
    assert opened.status_code == 303
    with branch.database.reading() as session:
        drawer = queries.find_own_drawer(session, branch.teller)
    assert drawer is not None
    return f"/teller/drawers/{drawer.public_id}"


def test_drawer_lives_from_float_to_report(
    open_app: Flask, branch: Branch, teller: Browser
) -> None:
    assert "You have no open drawer." in teller.get_page("/teller/").visible_text
    report = open_drawer(teller, branch)
    assert "Your drawer at till" in teller.get_page("/teller/").visible_text
    assert teller.submit_form(f"{DRAWER}/drop", "drop", usd_2000="2").location == DRAWER
    assert teller.submit_form(f"{DRAWER}/refill", "refill", usd_100="4").location == DRAWER
    for path in (DRAWER, f"{DRAWER}/count", report):
        text = teller.get_page(path).visible_text
        assert "79.00" not in text, f"{path} shows what is expected"
    colleague = sign_in(open_app, branch.hire())
    assert "79.00 USD: 3 × $20, 3 × $5, 4 × $1" in colleague.get_page(report).visible_text
    counted = teller.submit_form(f"{DRAWER}/count", "count", usd_2000="3", usd_500="3")
    assert counted.location == DRAWER
    shown = teller.get_page(report).visible_text
    for text in ("Z report 1", "79.00 USD", "75.00 USD: 3 × $20, 3 × $5", "−4.00 USD"):
        assert text in shown
    assert branch.safe() == SAFE - cash(usd_100=4)


def test_problem_is_shown_at_its_field_with_what_was_typed(branch: Branch, teller: Browser) -> None:
    open_drawer(teller, branch)
    page = check_page(teller.submit_form(f"{DRAWER}/drop", "drop", usd_2000="two", cheques="1.234"))
    assert "Enter how many $20 there are, in digits." in page.visible_text
    assert "Enter their sum, like 2500.00." in page.visible_text
    assert page.all("input", name="usd_2000")[0]["value"] == "two"
    page = check_page(teller.submit_form(f"{DRAWER}/drop", "drop", usd_2000="6"))
    assert "There are fewer of these notes and coins." in page.visible_text


def test_large_variance_is_said_without_its_size(branch: Branch, teller: Browser) -> None:
    open_drawer(teller, branch)
    assert teller.submit_form(f"{DRAWER}/count", "count", usd_2000="4").location == DRAWER
    text = teller.get_page(DRAWER).visible_text
    assert "The count differs from the books. Count again with a colleague." in text
    assert "115.00" not in text
    assert "35.00" not in text
    colleague = branch.hire_with_pin()
    proof = {"witness": ids.encode("usr", colleague.user_id), "pin": PIN}
    assert teller.submit_form(f"{DRAWER}/settle", "settle", **proof).location == DRAWER
    assert branch.over_short() == 35_00


def test_admin_sees_drawers_of_every_branch(
    open_app: Flask, branch: Branch, teller: Browser
) -> None:
    report = open_drawer(teller, branch)
    admin = sign_in(open_app, branch.people.staff(Role.ADMIN))
    assert report in [link.get("href") for link in admin.get_page("/teller/drawers").all("a")]
