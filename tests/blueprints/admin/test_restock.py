"""The pages of restock: a need is ordered, confirmed, received, invoiced and paid by forms."""

import pytest
from flask import Flask

from app.access import Role
from app.kit import clock, ids
from app.kit.db import Database
from tests.fulfillment.restock.yard import Yard
from tests.page_client import Browser
from tests.people import People, set_prices
from tests.staff import sign_in
from tests.vault.goods import Goods


@pytest.fixture
def yard(database: Database, people: People) -> Yard:
    set_prices(database, AU="4000")
    return Yard.open(people)


@pytest.fixture
def browser(app: Flask, yard: Yard, people: People) -> Browser:
    return sign_in(app, people.staff(Role.ADMIN))


def _send(browser: Browser, path: str, form: str, **fields: str) -> str:
    """Send a form, and return where it leads."""
    answer = browser.submit_form(path, form, **fields)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.location


def test_goods_are_ordered_received_invoiced_and_their_payment_requested(
    browser: Browser, yard: Yard
) -> None:
    [need] = yard.needs()
    board = browser.get_page("/admin/restock")
    assert f"for {yard.goods.location.code}" in board.visible_text
    here = ids.encode("loc", yard.goods.location.id)
    [group] = [
        form for form, hidden in board.hidden_fields.items() if hidden.get("location") == here
    ]
    path = _send(browser, "/admin/restock", group)
    assert "To be ordered" in browser.get_page(path).visible_text
    pdf = browser.client.get(f"{path}/order.pdf")
    assert (pdf.status_code, pdf.data[:5]) == (200, b"%PDF-")
    wrong = browser.submit_form(path, "confirm", confirmation="C-1", lines=f"{need.sku}, 12000.00")
    assert wrong.status_code == 422
    _send(browser, path, "confirm", confirmation="C-1", lines=f"{need.sku}, 12000.00, 3900")
    _send(browser, path, "receive", sku=need.sku, units="2", bars="", delivery_note="DN-1")
    assert "Partly received" in browser.get_page(path).visible_text
    _send(browser, path, "close", reason="It is out of print")
    today = clock.now().date().isoformat()
    _send(browser, path, "invoice", number="INV-1", amount="8500.00", invoiced_on=today)
    [link, *_] = [
        each for each in browser.get_page(path).all("a")
        if each["href"].startswith("/admin/supplier-invoices/")
    ]  # fmt: skip
    invoice = link["href"]
    assert "500.00" in browser.get_page(invoice).visible_text
    _send(browser, invoice, "reject", reason="It is too high")
    _send(browser, path, "invoice", number="INV-2", amount="8000.00", invoiced_on=today)
    accepted = browser.get_page("/admin/supplier-invoices?status=accepted").all("a")
    [link, *_] = [each for each in accepted if "/supplier-invoices/siv_" in each["href"]]
    _send(browser, link["href"], "pay", bank_reference="WIRE-1", reason="It is due")


def test_suppliers_are_added_and_their_products_named(browser: Browser, yard: Yard) -> None:
    terms = {"name": f"Mint of {yard.goods.sku}", "email": "", "payment_days": "30"}
    assert browser.submit_form("/admin/suppliers", "supplier", **terms).status_code == 422
    path = _send(
        browser, "/admin/suppliers", "supplier",
        **terms, lead_days="3", minimum="500.00", is_active="yes",
    )  # fmt: skip
    again = {**terms, "lead_days": "3", "minimum": ""}
    assert browser.submit_form("/admin/suppliers", "supplier", **again).status_code == 409
    hand = {"sku": yard.goods.sku, "location": yard.goods.location.code, "units": "3"}
    assert _send(browser, "/admin/restock", "hand", **hand).startswith("/admin/purchases/pur_")
    _send(browser, path, "product", sku=yard.goods.sku, code="1EAGLE")
    assert "1EAGLE" in browser.get_page(path).visible_text
    _send(browser, path, f"remove-{yard.goods.sku}", sku=yard.goods.sku)
    _send(browser, path, "terms", **terms, lead_days="4", minimum="")
    assert "Arrive after 4 days" in browser.get_page(path).visible_text


def test_units_of_a_need_are_sent_from_another_location(
    browser: Browser, yard: Yard, people: People
) -> None:
    other: Goods = yard.goods.at_another_location(people, yard.goods.location.branch_id)
    other.receive(units="9", cost="35910.00")
    [need] = yard.needs()
    path = f"/admin/restock/needs/{need.public_id}"
    assert f"{other.location.code}: 4 to spare" in browser.get_page(path).visible_text
    location = _send(browser, path, "send", origin=other.location.code, units="3")
    assert location.startswith("/admin/vault/transfers/")
    assert yard.needs() == []
    assert "Sent from another location" in browser.get_page(path).visible_text
