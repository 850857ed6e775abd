"""The counter with the keyboard alone: keys beyond what is typed are counted."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from app.kit.db import Database
from tests.counter.tills import Branch, cash
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import assert_accessible
from tests.paying_customer import verify_without_evidence
from tests.people import PASSWORD, People

_KEYS_MAX = 20


@dataclass
class Keyboard:
    """The keyboard of a page. It counts the keys that are no data."""

    page: Page
    pressed: int = 0

    def press(self, key: str, times: int = 1) -> None:
        """Press a key."""
        for _ in range(times):
            self.page.keyboard.press(key)
            self.pressed += 1

    def enter(self, text: str) -> None:
        """Type data, and press Enter."""
        self.page.keyboard.type(text)
        self.press("Enter")


def test_deposit_takes_few_keys_and_no_mouse(
    open_desk: OpenDesk,
    database: Database,
    people: People,
    sanctions_list: None,
    shoot: Callable[[Page, str], None],
) -> None:
    branch, customer = Branch.with_cash(people), people.customer()
    verify_without_evidence(database, customer.user_id)
    branch.open_drawer(pieces=cash(usd_2000=5))
    # Printing would open a dialog of the browser itself.
    desk = open_desk(is_new=True)
    desk.context.add_init_script("window.print = () => { window.printed = true; };")
    page = desk.sign_in(branch.teller.email, PASSWORD, "/teller/cash")
    keyboard = Keyboard(page)
    keyboard.enter(customer.email)
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")
    assert_accessible(page)
    keyboard.press("F4")
    expect(page.locator("#deposit-amount")).to_be_focused()
    assert_accessible(page)
    keyboard.enter("10000.01")
    keyboard.enter("p")
    keyboard.enter("100")
    keyboard.press("Enter", times=10)
    expect(page.locator("#deposit-usd_1")).to_be_focused()
    page.keyboard.type("1")
    shoot(page, "counter-deposit")
    keyboard.press("F10")
    dialog = page.locator("#deposit-confirm")
    expect(dialog).to_contain_text("10000.01")
    assert_accessible(page)
    shoot(page, "counter-deposit-confirm")
    keyboard.press("F10")
    expect(page).to_have_url(re.compile(r"/teller/receipts/rcp_\w+$"))
    assert page.evaluate("window.printed")
    assert people.balances(customer) == {"USD": "10000.01"}
    assert_accessible(page)
    shoot(page, "counter-receipt")
    assert keyboard.pressed <= _KEYS_MAX, keyboard.pressed
    desk.check(page)


def test_lost_connection_loses_nothing_and_pays_nothing_twice(
    open_desk: OpenDesk, database: Database, people: People, sanctions_list: None
) -> None:
    branch, customer = Branch.with_cash(people), people.customer()
    verify_without_evidence(database, customer.user_id)
    branch.open_drawer(pieces=cash(usd_2000=5))
    desk = open_desk(is_new=True)
    desk.context.add_init_script("window.print = () => {};")
    page = desk.sign_in(branch.teller.email, PASSWORD, "/teller/cash")
    keyboard = Keyboard(page)
    keyboard.enter(customer.email)
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")
    keyboard.press("F4")
    expect(page.locator("#deposit-amount")).to_be_focused()
    keyboard.enter("100")
    keyboard.enter("p")
    page.keyboard.type("1")
    desk.context.set_offline(True)
    keyboard.press("F10", times=2)
    expect(page.get_by_role("alert")).to_contain_text("No connection: nothing was sent.")
    expect(page.locator("#deposit-usd_10000")).to_have_value("1")
    desk.context.set_offline(False)
    # More than once before a response comes.
    keyboard.press("F10", times=3)
    expect(page).to_have_url(re.compile(r"/teller/receipts/rcp_\w+$"))
    assert people.balances(customer) == {"USD": "100.00"}
