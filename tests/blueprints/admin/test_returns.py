"""The pages of returns of goods: each act of staff, from the order to the refund."""

from io import BytesIO

import pytest
from flask import Flask

from app.access import Role
from app.kit.db import Database
from app.shop.orders.queries import GoodsOrder
from app.shop.returns import inspections, queries
from app.tax.assessment import Delivery
from tests.people import People
from tests.shop.return_desk import PHOTO, deliver
from tests.shop.stall import NEW_HAMPSHIRE, Stall, proven
from tests.staff import sign_in
from tests.vault.goods import Goods

PATH = "/admin/returns"


@pytest.fixture
def coins(people: People) -> Goods:
    return Stall.open(people).coins(metal="AG", fine="0.999")


@pytest.fixture
def order(people: People, coins: Goods) -> GoodsOrder:
    """Return an order of two coins that is delivered."""
    stall = Stall.open(people)
    buyer = proven(stall.buyer(USD="500"))
    lock = stall.lock(buyer, coins, quantity=2)
    bought = stall.buy(buyer, lock, delivery=Delivery.SHIP, shipping_address=NEW_HAMPSHIRE)
    deliver(people.database, people.staff(Role.INVENTORY), bought.id)
    return bought


def test_staff_take_a_return_from_the_order_to_its_refund(
    app: Flask, database: Database, people: People, coins: Goods, order: GoodsOrder
) -> None:
    browser = sign_in(app, people.staff(Role.ADMIN))
    opened = f"{PATH}/orders/{order.public_id}"
    assert browser.get_page(f"/admin/orders/{order.public_id}").all("a", href=opened)
    asked = {"line": "0", "why": "damaged", "way": "branch", "wish": "refund"}
    refused = browser.submit_form(opened, "open", units="3", reason="asked by phone", **asked)
    assert "Of line 1, 2 units can be refunded." in refused.text
    browser.submit_form(opened, "open", units="1", reason="asked by phone", **asked)
    with database.reading() as session:
        [returned] = queries.list_returns(session, order.id)
    page = f"{PATH}/{returned.public_id}"
    assert browser.get_page(f"{PATH}?number={returned.number}").all("a", href=page)
    assert browser.get_page(opened).all("a", href=page)
    browser.submit_form(page, "approve", location=coins.location.code, reason="in good time")
    wrong = browser.submit_form(page, "receive", scans="AU-NO-SUCH")
    assert "AU-NO-SUCH is not expected with this return." in wrong.text
    browser.submit_form(page, "receive", scans=coins.sku)
    fields = browser.fill_form(page, "photo")
    sent = {**fields, "file": (BytesIO(PHOTO), "coin.jpg")}
    assert browser.client.post(f"{page}/photos", data=sent).status_code == 303
    with database.reading() as session:
        [photo] = inspections.list_photos(session, returned.id)
    inspections.draw_photo(database, photo.id)
    shown = browser.client.get(f"{PATH}/photos/{photo.public_id}")
    assert (shown.status_code, shown.mimetype) == (200, inspections.MEDIA_TYPE)
    browser.submit_form(page, "inspect", finding="as_claimed", reason="a deep scratch")
    # The form says what would be refunded.
    assert "52.71" in browser.get_page(page).visible_text
    browser.submit_form(page, "refund", reason="scratched on the way")
    text = browser.get_page(page).visible_text
    for expected in ("Refunded", "As the customer says: a deep scratch"):
        assert expected in text
    assert not browser.get_page(page).all("form", id="refund")
