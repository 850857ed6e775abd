"""The pages of storage fees."""

from datetime import UTC, date, datetime

import pytest
from flask import Flask

from app.access import Role
from app.storage_fees.rules import ChargeStatus, StorageFeeRules
from tests.fixed_settings import fixed_settings
from tests.page_client import Browser
from tests.people import People
from tests.staff import sign_in
from tests.storage_fees.customers import Vault, accept_price, days_of, usd

PATH = "/admin/storage-fees"
MONTH = date(2024, 5, 1)


@pytest.fixture
def browser(app: Flask, people: People) -> Browser:
    return sign_in(app, people.staff(Role.SUPPORT))


def test_charge_is_listed_with_its_arithmetic_and_waived_on_its_page(
    browser: Browser, people: People
) -> None:
    vault = Vault(people.database, people)
    customer, other = (vault.customer(USD="50.00") for _ in range(2))
    with people.database.transaction() as session:
        accept_price(session, "AU", datetime(2024, 5, 1, 12, tzinfo=UTC), "4000")
    for each in (customer, other):
        vault.move(each, datetime(2024, 4, 2, tzinfo=UTC), "XAU-s", "101")
    vault.accrue(days_of(MONTH, 3))
    vault.close(MONTH)
    charged = vault.charge(customer)
    path = f"{PATH}/{charged.public_id}"
    assert browser.get_page(f"{PATH}?customer={customer.email}").all("a", href=path)
    accruals = browser.get_page(f"{PATH}/accruals?customer={customer.email}").visible_text
    assert "100.0000" in accruals
    text = browser.get_page(path).visible_text
    for expected in ("3.95 USD for May 2024", "400,000.00", "0.12", "Charged"):
        assert expected in text
    browser.get_fragment(path, "storage_fee")
    assert browser.submit_form(path, "waive", reason="our mistake").status_code == 303
    shown = browser.get_page(path)
    assert "Storage fee waived." in shown.visible_text
    assert "our mistake" in shown.visible_text
    assert shown.all("form", id="waive") == []

    [due] = vault.charges(other)
    path = f"{PATH}/{due.public_id}"
    with fixed_settings(StorageFeeRules(approval_from=usd("1.00"))):
        assert browser.submit_form(path, "waive", reason="our mistake").status_code == 303
    assert browser.get_page(path).all("form", id="waive") == []
    assert vault.charges(other)[0].status is ChargeStatus.DUE
