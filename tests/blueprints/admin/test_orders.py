"""The pages of orders of goods, and what staff read of them over the API."""

from dataclasses import dataclass

import pytest
from flask import Flask

from app.access import Actor, Role
from app.audit.actions import AuditAction
from app.audit.models import AuditRecord
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import NotFound
from app.shop.checkout.rules import OrderReviewRules
from app.shop.orders import notes
from app.shop.orders import personal as orders_personal
from app.shop.orders.queries import GoodsOrder
from app.tax.assessment import Delivery
from tests.api_client import ApiClient, assert_problem, wrong_fields
from tests.fixed_settings import fixed_settings
from tests.page_client import Browser, check_page
from tests.paying_customer import usd
from tests.people import People, verify_phone
from tests.recorded_trips import record_trips
from tests.rows import read_values
from tests.shop.paid_later import BY_CARD, LaterBuyer
from tests.shop.stall import BOSTON, Stall, proven
from tests.staff import sign_in

PATH, API = "/admin/orders", "/api/shop/admin/orders"
TRACK = "/api/shop/orders/track"


@dataclass(frozen=True)
class Sale:
    """An order that is shipped to Boston, and the customer who placed it."""

    buyer: Actor
    order: GoodsOrder


@pytest.fixture
def sale(people: People) -> Sale:
    stall = Stall.open(people)
    buyer = stall.buyer(USD="9000")
    lock = stall.lock(buyer, stall.coins(), quantity=2)
    order = stall.buy(proven(buyer), lock, delivery=Delivery.SHIP, shipping_address=BOSTON)
    return Sale(buyer, order)


@pytest.fixture
def browser(app: Flask, people: People) -> Browser:
    return sign_in(app, people.staff(Role.SUPPORT))


def test_order_is_found_by_its_number_and_shows_goods_payments_and_history(
    browser: Browser, sale: Sale
) -> None:
    page = browser.get_page(f"{PATH}?number={sale.order.number}")
    [link] = page.all("a", href=f"{PATH}/{sale.order.public_id}")
    text = browser.get_page(link["href"]).visible_text
    for expected in (
        f"Order {sale.order.number}",
        "1 Beacon Street",
        sale.order.lines[0].sku,
        "8,416.80",
        "Dollar balance",
        "Paid, goods set aside",
        "US MA 02108",
    ):
        assert expected in text
    browser.get_fragment(f"{PATH}/{sale.order.public_id}", "order")


def test_order_that_waits_shows_when_its_payment_is_due_and_then_why_it_ended(
    browser: Browser, database: Database, people: People
) -> None:
    later = LaterBuyer.create(database, people)
    order = later.order(BY_CARD)
    page = browser.get_page(f"{PATH}/{order.public_id}")
    assert "Waiting for payment" in page.visible_text
    assert "Payment due" in page.visible_text
    assert page.all("a", href=f"/admin/payments/deposits/{order.deposits[0].public_id}")
    later.cancel(order)
    text = browser.get_page(f"{PATH}/{order.public_id}").visible_text
    assert "The customer cancelled it" in text
    assert "Payment due" not in text


def test_staff_see_what_cancelling_gives_back_and_cancel(browser: Browser, sale: Sale) -> None:
    path = f"{PATH}/{sale.order.public_id}"
    # Two coins with insurance of 21.04: 32.00 from ask to bid, and 35.00, stay.
    assert "8,370.84" in browser.get_page(path).visible_text
    browser.submit_form(path, "cancel", reason="asked by phone")
    text = browser.get_page(path).visible_text
    for expected in ("Cancelled", "PBCEx cancelled it", "Order cancelled: asked by phone"):
        assert expected in text
    assert not browser.get_page(path).all("form", id="cancel")


def test_staff_refund_units_of_a_line(browser: Browser, people: People) -> None:
    stall = Stall.open(people)
    buyer = stall.buyer(USD="500")
    lock = stall.lock(buyer, stall.coins(metal="AG", fine="0.999"), quantity=2)
    order = stall.buy(buyer, lock)
    path = f"{PATH}/{order.public_id}"
    fields = {"line": "0", "shipping": "no"}
    refused = browser.submit_form(path, "refund_preview", units="3", **fields)
    assert refused.status_code == 422
    assert "Of line 1, 2 units can be refunded." in refused.text
    shown = check_page(browser.submit_form(path, "refund_preview", units="1", **fields))
    assert "Dollar balance back to dollar balance52.71 USD" in shown.visible_text
    fields = {**shown.hidden_fields["refund"], "reason": "one coin was scratched"}
    browser.client.post(f"{path}/refund", data=fields)
    text = browser.get_page(path).visible_text
    assert "Refunded by staff: one coin was scratched" in text
    assert "Dollar balance: 52.71" in text


def test_staff_see_the_terms_of_fewer_units_and_lower_them(browser: Browser, sale: Sale) -> None:
    path = f"{PATH}/{sale.order.public_id}"
    # A coin of 4,208.40: 16.00 from ask to bid, and 35.00, stay.
    sent = browser.submit_form(path, "reduction_preview", line="0", units="1")
    shown = check_page(sent)
    assert "The customer gets4,157.40 USD" in shown.visible_text
    fields = shown.hidden_fields["reduction"]
    refused = browser.client.post(f"{path}/reduction", data={**fields, "reason": "x"})
    assert refused.status_code == 422
    assert check_page(refused).hidden_fields["reduction"]["units"] == "1"
    browser.client.post(f"{path}/reduction", data={**fields, "reason": "asked by phone"})
    text = browser.get_page(path).visible_text
    assert "Fewer units: asked by phone" in text
    assert "1 refunded" in text


@pytest.mark.parametrize("number", ["A1", "-5", "1.5", "٣", "1" * 19])
def test_list_refuses_a_number_that_is_not_made_of_digits(browser: Browser, number: str) -> None:
    page = browser.get_page(f"{PATH}?number={number}")
    assert "Number: enter digits only, like 10000001." in page.visible_text


@pytest.mark.parametrize("query", ["number=A1", "number=~cut", "from=2026-13-01"])
def test_csv_refuses_a_search_that_the_page_refuses(browser: Browser, query: str) -> None:
    fields = browser.get_page(PATH).hidden_fields["list-export"]
    sent = browser.client.post("/lists/export", data={**fields, "query": query})
    assert sent.status_code == 303
    page = browser.get_page(sent.location)
    assert "Nothing was downloaded." in page.visible_text


def test_reading_an_order_with_its_address_is_recorded_once_an_hour(
    browser: Browser, sale: Sale, people: People
) -> None:
    for _ in range(2):
        browser.get_page(f"{PATH}/{sale.order.public_id}")
    with people.database.reading() as session:
        viewed = read_values(
            session,
            AuditRecord.on_behalf_of,
            AuditRecord.subject == sale.order.public_id,
            AuditRecord.action == AuditAction.GOODS_ORDER_VIEWED,
        )
    assert viewed == [sale.buyer.user_id]


def test_staff_find_orders_by_customer_and_status_over_the_api(
    open_app: Flask, people: People, sale: Sale
) -> None:
    staff = ApiClient.sign_in_staff(open_app, people.staff(Role.INVENTORY).email)
    customer = ids.encode("usr", sale.buyer.user_id)
    found = staff.ok(200, staff.get(API, customerId=customer, status="allocated"))
    assert [(each["number"], each["units"], each["total"]) for each in found["data"]] == [
        (str(sale.order.number), 2, str(sale.order.total))
    ]
    order = staff.ok(200, staff.get(f"{API}/{sale.order.public_id}"))["order"]
    assert (order["customerId"], order["shippingAddress"]["city"]) == (customer, "Boston")
    assert wrong_fields(staff.get(API, status="lost")) == ["status"]
    assert_problem(staff.get(f"{API}/ord_{'0' * 26}"), 404, "not_found")


def test_order_is_tracked_without_signing_in_by_number_and_contact(
    open_app: Flask, people: People, sale: Sale
) -> None:
    visitor = ApiClient(open_app)
    number, contact = sale.order.number, sale.buyer.email.upper()
    order = visitor.ok(200, visitor.get(TRACK, number=number, contact=contact))["order"]
    assert set(order) == {"number", "status", "destination", "history", "placedAt"}
    assert (order["number"], order["history"][0]["status"]) == (str(number), "allocated")
    phone = "+12025550199"
    assert_problem(visitor.get(TRACK, number=number, contact=phone), 404, "not_found")
    with people.database.transaction() as session:
        verify_phone(session, sale.buyer.user_id, phone)
    assert visitor.get(TRACK, number=number, contact="+1 202 555 0199").status_code == 200


def test_order_on_hold_is_in_the_queue_until_it_is_released_or_rejected(
    app: Flask, people: People
) -> None:
    stall = Stall.open(people)
    buyer, browser = stall.buyer(USD="20000"), sign_in(app, people.staff(Role.COMPLIANCE))
    coins = stall.coins()
    for act, text in (("release", "Its goods are sold"), ("reject", "What paid for it is in")):
        with fixed_settings(OrderReviewRules(first_order_from=usd("1"))):
            order = stall.buy(
                proven(buyer),
                stall.lock(buyer, coins),
                delivery=Delivery.SHIP,
                shipping_address=BOSTON,
            )
        path = f"{PATH}/{order.public_id}"
        queue = browser.get_page(f"{PATH}/held?why=first_large_order")
        assert queue.all("a", href=path)
        assert "A large order of a new customer" in queue.visible_text
        refused = browser.submit_form(path, act, reason="no")
        assert refused.status_code == 422
        assert browser.submit_form(path, act, reason="They called back").status_code == 303
        page = browser.get_page(path)
        assert text in page.visible_text
        assert page.all("form", id=act) == []
        assert browser.get_page(f"{PATH}/held").all("a", href=path) == []


def test_note_is_for_staff_or_for_the_customer_who_is_notified(
    open_app: Flask, people: People, sale: Sale
) -> None:
    browser, path = sign_in(open_app, people.staff(Role.SUPPORT)), f"{PATH}/{sale.order.public_id}"
    for text, reader in (("They called twice.", "staff"), ("Your coins are new.", "customer")):
        assert browser.submit_form(path, "note", note=text, reader=reader).status_code == 303
        assert text in browser.get_page(path).visible_text
    assert browser.submit_form(path, "note", note=" ", reader="staff").status_code == 422
    assert browser.submit_form(path, "note", note="A note", reader="no one").status_code == 422
    with people.database.reading() as session:
        [note] = notes.list_own_notes(session, sale.buyer, sale.order.id)
        with pytest.raises(NotFound):
            notes.list_own_notes(session, people.customer(), sale.order.id)
        staged = session.rows(
            "SELECT args -> 'values' ->> 'note' FROM outbox WHERE task = 'messages.deliver'"
            " AND args ->> 'kind' = 'goods_order_note' AND args ->> 'user_id' = %s",
            (str(sale.buyer.user_id),),
        )
        exported = orders_personal.export_sections(session, sale.buyer.user_id)
    assert (note.text, staged) == ("Your coins are new.", [("Your coins are new.",)])
    assert [each["text"] for each in exported["goodsOrders"][0]["notes"]] == [note.text]


def test_support_sees_why_an_order_was_held_and_does_not_decide(
    browser: Browser, people: People
) -> None:
    stall = Stall.open(people)
    buyer = proven(stall.buyer(USD="20000"))
    with fixed_settings(OrderReviewRules(first_order_from=usd("1"))):
        lock = stall.lock(buyer, stall.coins())
        order = stall.buy(buyer, lock, delivery=Delivery.SHIP, shipping_address=BOSTON)
    page = browser.get_page(f"{PATH}/{order.public_id}")
    assert "A large order of a new customer" in page.visible_text
    assert page.all("form", id="release") == []
    assert browser.get_page(f"{PATH}/held", status=403)


def test_wrong_number_and_wrong_contact_are_refused_alike_by_one_statement(
    open_app: Flask, people: People, sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor, stranger = ApiClient(open_app), people.customer()
    trips = record_trips(monkeypatch)
    refusals, statements = [], []
    for number, contact in (
        (sale.order.number, stranger.email),
        (sale.order.number + 1_000_000, sale.buyer.email),
        (sale.order.number, "unknown@example.com"),
    ):
        trips.clear()
        refused = visitor.get(TRACK, number=number, contact=contact)
        refusals.append({**refused.json, "requestId": ""})
        statements.append([trip for trip in trips if any("shop_orders" in each for each in trip)])
    assert refusals[0]["code"] == "not_found"
    assert refusals.count(refusals[0]) == statements.count(statements[0]) == 3
    assert len(statements[0]) == 1
    assert wrong_fields(visitor.get(TRACK, number=1, contact="Ada")) == ["contact"]
    assert wrong_fields(visitor.get(TRACK, contact="a@b@c", number="x")) == ["number"]
    assert wrong_fields(visitor.get(TRACK, number=1, contact="a@b@c")) == ["contact"]
