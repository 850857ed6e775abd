"""The safe, and cash that two people count: the second one enters their PIN."""

import pytest
from flask import Flask

from app.access import Actor
from app.kit import ids
from app.kit.db import Database
from tests.counter.tills import PIN, SAFE, Branch, cash
from tests.page_client import Browser, check_page
from tests.people import PASSWORD, People
from tests.unchanged_database import database_unchanged


@pytest.fixture
def branch(database: Database) -> Branch:
    return Branch.with_cash(People(database))


@pytest.fixture
def teller(open_app: Flask, branch: Branch) -> Browser:
    browser = Browser(open_app)
    browser.sign_in(branch.teller.email, PASSWORD)
    return browser


def proof_of(colleague: Actor, pin: str = PIN) -> dict[str, str]:
    """Return the fields in which a colleague confirms."""
    return {"witness": ids.encode("usr", colleague.user_id), "pin": pin}


def test_bank_brings_and_collects_cash_that_two_people_count(
    branch: Branch, teller: Browser
) -> None:
    proof = proof_of(branch.hire_with_pin())
    sent = teller.submit_form("/teller/safe/delivery", "delivery", usd_5000="4", **proof)
    assert sent.location == "/teller/safe"
    teller.submit_form("/teller/safe/collection", "collection", usd_10000="50", **proof)
    assert branch.safe() == SAFE + cash(usd_5000=4) - cash(usd_10000=50)
    assert "15,365.00 USD" in teller.get_page("/teller/safe").visible_text


def test_wrong_pin_moves_nothing_and_is_not_shown_again(branch: Branch, teller: Browser) -> None:
    proof = proof_of(branch.hire_with_pin(), "480218")
    changed = {"audit_records", "login_failures", "login_sessions", "idempotency_keys"}
    with database_unchanged(branch.database, apart_from=changed):
        sent = teller.submit_form("/teller/safe/collection", "collection", usd_1="3", **proof)
    page = check_page(sent)
    assert "The PIN is wrong." in page.visible_text
    assert page.all("input", name="usd_1")[0]["value"] == "3"
    assert page.all("input", name="pin")[0]["value"] == ""


def test_cash_is_handed_over_with_the_pin_of_the_other_teller(
    branch: Branch, teller: Browser
) -> None:
    colleague = branch.hire_with_pin()
    own, theirs = branch.open_drawer(), branch.open_drawer(colleague)
    path = "/teller/drawer/hand-over"
    [till] = [option["value"] for option in teller.get_page(path).all("option")][1:]
    sent = teller.submit_form(path, "hand-over", till=till, usd_2000="2", pin=PIN)
    assert sent.location == "/teller/drawer"
    assert branch.pieces(theirs) - branch.pieces(own) == cash(usd_2000=4)


def test_teller_chooses_a_pin_that_is_not_easy_to_guess(branch: Branch, teller: Browser) -> None:
    refused = check_page(teller.submit_form("/teller/pin", "choose-pin", pin="222222"))
    assert "Choose digits that are neither all the same nor in a row." in refused.visible_text
    assert teller.submit_form("/teller/pin", "choose-pin", pin=PIN).location == "/teller/pin"
    assert "You have a PIN." in teller.get_page("/teller/pin").visible_text
