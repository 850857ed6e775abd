"""The packing station: a shipment is found by its number, scanned, packed and shipped."""

import pytest
from flask import Flask

from app.access import Role
from app.tax.assessment import Delivery
from tests import sanctions
from tests.fulfillment.dispatch import Dispatch
from tests.page_client import Browser
from tests.people import People
from tests.shop.stall import Stall
from tests.staff import sign_in

PATH = "/admin/shipments"


@pytest.fixture
def dispatch(people: People) -> Dispatch:
    sanctions.import_sample_list(people.database)
    return Dispatch.open(Stall.open(people))


@pytest.fixture
def browser(app: Flask, people: People) -> Browser:
    return sign_in(app, people.staff(Role.INVENTORY))


def test_shipment_is_found_picked_with_the_scanner_packed_shipped_and_delivered(
    dispatch: Dispatch, browser: Browser
) -> None:
    coins = dispatch.stall.coins()
    order = dispatch.order(coins, quantity=2)
    shipment = dispatch.shipment(order)
    station = f"{PATH}/{shipment.public_id}"
    found = browser.submit_form(PATH, "station", number=str(order.number))
    assert found.headers["Location"] == station

    browser.submit_form(station, "start")
    wrong = browser.submit_form(station, "scan", code="A999")
    assert wrong.status_code == 409
    assert "A999 is not in this shipment" in wrong.text
    assert "data-alarms" in wrong.text
    assert "Goods are packed" not in browser.get_page(station).visible_text
    browser.submit_form(station, "scan", code=f"{coins.sku}*2")
    browser.submit_form(station, "pack")
    browser.submit_form(station, "ship", evidence="FedEx 123")
    browser.submit_form(station, "deliver", evidence="signed by the customer")
    dispatch.settle()
    text = browser.get_page(station).visible_text
    for expected in ("FedEx 123", "signed by the customer", "1 Main Street", "8,416.80"):
        assert expected in text
    assert dispatch.now(order).status == "delivered"
    assert shipment.public_id in browser.get_page(f"/admin/orders/{order.public_id}").visible_text


def test_unknown_number_is_refused_and_support_reads_without_acting(
    dispatch: Dispatch, browser: Browser, app: Flask, people: People
) -> None:
    for number in ("nothing", "9" * 30):
        refused = browser.submit_form(PATH, "station", number=number)
        assert (refused.status_code, "Nothing with this number" in refused.text) == (422, True)
    shipment = dispatch.shipment(dispatch.order(dispatch.stall.coins()))
    support = sign_in(app, people.staff(Role.SUPPORT))
    station = f"{PATH}/{shipment.public_id}"
    assert "Start picking" not in support.get_page(station).visible_text


def test_teller_hands_goods_over_against_the_code(
    dispatch: Dispatch, browser: Browser, app: Flask, people: People
) -> None:
    branch_id = dispatch.stall.branch_id
    order = dispatch.order(
        dispatch.stall.coins(), delivery=Delivery.PICKUP, pickup_branch_id=branch_id
    )
    shipment = dispatch.shipment(order)
    dispatch.advance(shipment.id, "packed")
    assert "Hand the goods over" in browser.get_page(f"{PATH}/{shipment.public_id}").visible_text
    teller = sign_in(app, people.staff(Role.TELLER, branch_id))
    found = teller.submit_form("/teller/collection", "collection", number=str(order.number))
    counter = found.headers["Location"]
    shown = {"document": "passport", "compared": "yes"}
    wrong = teller.submit_form(counter, "hand-over", code="0", **shown)
    assert (wrong.status_code, "The code is wrong" in wrong.text) == (409, True)
    assert teller.submit_form(counter, "new-code").status_code == 303
    teller.submit_form(counter, "hand-over", code=dispatch.code_of(shipment.id), **shown)
    dispatch.settle()
    assert dispatch.now(order).status == "delivered"
    assert "Customer has the goods" not in teller.get_page(counter).visible_text
