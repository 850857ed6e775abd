"""Cash at the counter: the customer is found, the cash booked once, and a receipt printed."""

from dataclasses import dataclass
from urllib.parse import unquote

import pytest
from flask import Flask

from app.access import Actor
from app.kit import ids
from app.kit.db import Database
from tests.counter.tills import PIN, Branch, cash
from tests.page_client import Browser, check_page
from tests.paying_customer import verify_without_evidence
from tests.people import PASSWORD, People

SEARCH = "/teller/cash"


@dataclass
class Counter:
    """A teller with a drawer in front of a verified customer with 9,000.00."""

    branch: Branch
    teller: Browser
    customer: Actor

    @property
    def path(self) -> str:
        """The page of the customer."""
        return f"{SEARCH}/{ids.encode('usr', self.customer.user_id)}"

    def suggestion(self, path: str) -> dict[str, str]:
        """Return the notes and coins that a page suggests."""
        inputs = self.teller.get_page(path).all("input")
        return {
            each["name"]: each["value"]
            for each in inputs
            if each.get("name", "").startswith("usd") and each["value"]
        }

    def balance(self) -> str:
        """The dollars of the customer."""
        return self.branch.people.balances(self.customer)["USD"]


@pytest.fixture
def counter(open_app: Flask, database: Database, sanctions_list: None) -> Counter:
    branch, browser = Branch.with_cash(People(database)), Browser(open_app)
    branch.open_drawer(pieces=cash(usd_10000=60, usd_2000=10, usd_100=20))
    browser.sign_in(branch.teller.email, PASSWORD)
    customer = branch.people.customer(USD="9000")
    verify_without_evidence(database, customer.user_id)
    return Counter(branch, browser, customer)


def test_deposit_is_booked_once_and_printed(counter: Counter) -> None:
    sent = counter.teller.submit_form(SEARCH, "find", customer=counter.customer.email)
    assert counter.customer.email not in unquote(sent.location)
    assert counter.teller.client.get(sent.location).location == counter.path
    assert "9,000.00 USD" in counter.teller.get_page(counter.path).visible_text
    path = f"{counter.path}/deposit"
    fields = counter.teller.fill_form(
        path, "deposit", amount="1,000.01", document="passport", usd_10000="10", usd_1="1"
    )
    first, second = (counter.teller.client.post(path, data=fields) for _ in range(2))
    assert first.location == second.location
    assert counter.balance() == "10000.01"
    receipt = first.location.partition("?")[0]
    text = counter.teller.get_page(receipt).visible_text
    assert "Cash deposit" in text
    assert "1,000.01 USD" in text
    assert "COPY" not in text
    copied = counter.teller.submit_form(receipt, "print-copy")
    assert "COPY 1" in counter.teller.get_page(copied.location).visible_text
    assert counter.teller.submit_form(receipt, "email-copy").location == receipt
    assert counter.teller.client.get(f"{receipt}/receipt.pdf").data.startswith(b"%PDF")


def test_withdrawal_suggests_what_the_drawer_can_pay(counter: Counter) -> None:
    path = f"{counter.path}/withdrawal"
    refused = check_page(counter.teller.submit_form(path, "ask", amount="7.50"))
    assert "Your drawer cannot pay this." in refused.visible_text
    asked = counter.teller.submit_form(path, "ask", amount="345")
    suggested = counter.suggestion(asked.location)
    assert suggested == {"usd_10000": "3", "usd_2000": "2", "usd_100": "5"}
    paid = counter.teller.submit_form(
        asked.location, "withdrawal", amount="345.00", document="passport", **suggested
    )
    assert "/teller/receipts/" in paid.location
    assert counter.balance() == "8655.00"


def test_large_withdrawal_takes_the_pin_of_a_colleague(counter: Counter) -> None:
    colleague = counter.branch.hire_with_pin()
    asked = counter.teller.submit_form(f"{counter.path}/withdrawal", "ask", amount="5000")
    assert "/withdrawal/two?" in asked.location
    proof = {
        "witness": ids.encode("usr", colleague.user_id),
        "document": "passport",
        "amount": "5000",
        **counter.suggestion(asked.location),
    }
    wrong = counter.teller.submit_form(asked.location, "withdrawal-two", **proof, pin="480218")
    assert "The PIN is wrong." in check_page(wrong).visible_text
    paid = counter.teller.submit_form(asked.location, "withdrawal-two", **proof, pin=PIN)
    assert "/teller/receipts/" in paid.location
    assert counter.balance() == "4000.00"


def test_problem_keeps_what_was_counted(counter: Counter) -> None:
    sent = counter.teller.submit_form(
        f"{counter.path}/deposit", "deposit", amount="90", document="passport", usd_10000="1"
    )
    page = check_page(sent)
    assert "Give back 10.00 USD, such as 10 × $1" in page.visible_text
    assert page.all("input", name="usd_10000")[0]["value"] == "1"


def test_unknown_customer_is_a_problem_of_the_field(counter: Counter) -> None:
    sent = counter.teller.submit_form(SEARCH, "find", customer="Ada Lovelace")
    page = counter.teller.get_page(sent.location)
    assert "No customer is found by this." in page.visible_text
