"""The pages of bars: their receipt from a pasted list, the bar list, and a bar."""

import pytest
from flask import Flask

from app.access import Role
from app.kit import ids
from app.kit.db import Database
from app.ledger.chart import AccountClass
from tests.page_client import Browser, check_page
from tests.people import People
from tests.staff import sign_in
from tests.vault.goods import GOLD_BAR, Goods


@pytest.fixture
def keeper(app: Flask, people: People) -> Browser:
    """A browser in which a person of the role Inventory is signed in."""
    return sign_in(app, people.staff(Role.INVENTORY))


def receipt(gold: Goods, bars: str) -> dict[str, str]:
    return {
        "sku": gold.sku, "location": gold.location.code, "bars": bars, "cost": "1570000.00",
        "spot": "3900", "supplier": "Refiner", "supplier_reference": ids.new().hex,
    }  # fmt: skip


def test_bar_is_received_from_a_pasted_list_and_shown_with_its_history(
    keeper: Browser, people: People
) -> None:
    gold, serial = Goods.at_a_new_location(people, GOLD_BAR), f"S{ids.new().hex[-12:].upper()}"
    response = keeper.submit_form(
        "/admin/vault/bars", "receive", **receipt(gold, f"{serial}\tValcambi\t401.149\t995.8\t2023")
    )
    assert response.status_code == 303, check_page(response).visible_text
    [lot_id] = gold.lots()
    listed = keeper.get_page(f"/admin/vault/bars?location={gold.location.code}")
    for text in (serial, "Valcambi", "401.125", "Available", "0.9958"):
        assert text in listed.visible_text
    customer = people.customer().user_id
    gold.sell(customer, lot_id, units=1, price="1600000.00", spot="4000")
    gold.change_state(1, AccountClass.STOCK_ALLOCATED, AccountClass.STOCK_PICKED, lot_id)
    page = keeper.get_fragment(f"/admin/vault/bars/{ids.encode('bar', lot_id)}", "bar")
    assert "Delivery received" in page.visible_text
    text = page.visible_text
    assert text.index("Available") < text.index("Allocated") < text.rindex("Picked")
    assert "399.44" in text


def test_wrong_lines_are_named_at_the_list(keeper: Browser, people: People) -> None:
    gold = Goods.at_a_new_location(people, GOLD_BAR)
    response = keeper.submit_form(
        "/admin/vault/bars", "receive", **receipt(gold, "A1, Valcambi, 400, 995.0\nB1, Valcambi")
    )
    assert response.status_code == 422
    page = check_page(response)
    assert page.all("a", href="#receive-bars")
    assert "Line 2: Enter serial" in page.visible_text


def test_totals_and_rows_are_for_those_who_may_read(
    app: Flask, database: Database, people: People
) -> None:
    gold = Goods.at_a_new_location(people, GOLD_BAR)
    gold.receive_bars(f"{ids.new().hex[-12:]}, Valcambi, 400, 995.0", cost="1570000")
    auditor = sign_in(app, people.staff(Role.AUDITOR))
    page = auditor.get_fragment("/admin/vault/bars", "bars")
    assert "In the vaults, in troy ounces" in page.visible_text
    assert not page.all("form", id="receive")
