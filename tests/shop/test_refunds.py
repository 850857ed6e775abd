"""Refunds by staff: by line and quantity, with the tax of what stays."""

from dataclasses import replace

import pytest

from app.access import Actor, Role
from app.catalog.rules import USD
from app.documents import queries as documents_queries
from app.documents import service as documents
from app.documents.invoice_pdf import render_pdf
from app.documents.rules import DocumentKind
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments import service as shipments
from app.kit.db import Database
from app.kit.errors import Invalid, PermissionDenied
from app.kit.money import Amount
from app.ledger.chart import AccountClass
from app.shop.orders import shipping
from app.shop.orders.errors import OwnOrder
from app.shop.orders.queries import GoodsOrder
from app.shop.refunds import approval, queries
from app.shop.refunds.by_staff import RefundRequest
from app.shop.refunds.errors import OrderNotRefundable
from app.shop.refunds.queries import RefundOfOrder
from app.tax.assessment import Delivery, sum_amounts
from tests.people import People
from tests.second_person import approve
from tests.shop.stall import BOSTON, NEW_HAMPSHIRE, Stall, proven
from tests.shop.test_cancellations import balance_sheet, cancel, changes, order_now
from tests.unchanged_database import database_unchanged
from tests.vault.goods import Goods, postings_of

REASON = "one coin was scratched"


@pytest.fixture
def stall(people: People) -> Stall:
    return Stall.open(people)


@pytest.fixture
def staff(people: People) -> Actor:
    return people.staff(Role.SUPPORT)


def refund(
    database: Database, staff: Actor, order: GoodsOrder, *units: int, with_shipping: bool = False
) -> list[RefundOfOrder]:
    """Refund so many units of each line, and return all refunds of the order."""
    request = RefundRequest(
        {line: count for line, count in enumerate(units) if count}, with_shipping
    )
    with database.transaction() as session:
        assert approval.refund(session, staff, order.id, request, reason=REASON) is None
    with database.reading() as session:
        return queries.list_refunds(session, [order.id])


def ship_silver(stall: Stall, buyer: Actor, coins: Goods, quantity: int) -> GoodsOrder:
    """Buy silver coins of 52.71, shipped to Boston."""
    lock = stall.lock(buyer, coins, quantity=quantity)
    return stall.buy(proven(buyer), lock, delivery=Delivery.SHIP, shipping_address=BOSTON)


def test_what_stays_is_taxed_once_it_falls_below_the_threshold(
    stall: Stall, people: People, staff: Actor
) -> None:
    """Twenty coins for 1,054.20 are exempt in Massachusetts, from 1,000.00. Two are refunded:
    948.78 stay, with 59.30 of tax, so that 46.12 of 105.42 go back. A third one gives its tax back,
    too: of 896.07 it is 56.00.
    """
    coins, buyer = stall.coins(30, metal="AG", fine="0.999"), stall.buyer(USD="1100")
    before = balance_sheet(stall.database)
    order = ship_silver(stall, buyer, coins, 20)
    assert (str(order.goods), str(order.tax)) == ("1054.20", "0.00")
    left = Amount.parse(USD, people.balances(buyer)["USD"])
    [first] = refund(stall.database, staff, order, 2)
    assert [str(each) for each in (first.goods, first.tax, first.total)] == [
        "105.42", "-59.30", "46.12",
    ]  # fmt: skip
    assert stall.earned()["sales_tax"] == "59.30"
    [_, second] = refund(stall.database, staff, order, 1)
    assert [str(each) for each in (second.goods, second.tax, second.total)] == [
        "52.71", "3.30", "56.01",
    ]  # fmt: skip
    now = order_now(stall.database, order)
    assert (now.status, str(now.refunded), now.is_partially_refunded) == (
        "allocated", "102.13", True,
    )  # fmt: skip
    assert people.balances(buyer) == {"USD": str(left + first.total + second.total)}
    assert stall.units(coins) == {"available": 13, "allocated": 17}
    # All that is left goes back with its tax, and with shipping and insurance: nothing remains.
    refund(stall.database, staff, order, 17, with_shipping=True)
    now = order_now(stall.database, order)
    assert (now.status, now.refunded) == ("refunded", now.total)
    assert people.balances(buyer) == {"USD": "1100.00"}
    assert changes(before, balance_sheet(stall.database)) == {}


def test_no_more_is_refunded_than_was_bought_and_nothing_twice(
    stall: Stall, staff: Actor, people: People
) -> None:
    coins, buyer = stall.coins(metal="AG", fine="0.999"), stall.buyer(USD="500")
    order = stall.buy(buyer, stall.lock(buyer, coins, quantity=2))
    refund(stall.database, staff, order, 1)
    own, auditor = replace(staff, user_id=buyer.user_id), people.staff(Role.AUDITOR)
    with database_unchanged(stall.database):
        for units in (2, 0):
            with pytest.raises(Invalid):
                refund(stall.database, staff, order, units)
        with pytest.raises(PermissionDenied):
            refund(stall.database, auditor, order, 1)
        with pytest.raises(OwnOrder):
            refund(stall.database, own, order, 1)
    # What was refunded is not given back again by cancelling.
    cancelled = cancel_rest(stall, buyer, order)
    assert str(cancelled.goods) == "52.71"
    with pytest.raises(OrderNotRefundable):
        refund(stall.database, staff, order, 1)


def cancel_rest(stall: Stall, buyer: Actor, order: GoodsOrder) -> RefundOfOrder:
    with pytest.raises(ValueError, match="too many values"):
        cancel(stall, buyer, order)
    with stall.database.reading() as session:
        [_, rest] = queries.list_refunds(session, [order.id])
    return rest


def test_prepared_order_is_prepared_anew_without_what_was_refunded(
    stall: Stall, people: People, staff: Actor
) -> None:
    coins, buyer = stall.coins(metal="AG", fine="0.999"), stall.buyer(USD="500")
    order = ship_silver(stall, buyer, coins, 3)
    keeper = people.staff(Role.INVENTORY)
    with stall.database.transaction() as session:
        shipping.request_shipments(session, order.id)
    refund(stall.database, staff, order, 1)
    with stall.database.transaction() as session:
        first, second = sorted(
            shipments_queries.list_shipments_of(session, order.id), key=lambda each: each.id
        )
        assert (first.status, second.status) == ("cancelled", "requested")
        [line] = shipments_queries.list_lines(session, second.id)
        assert line.units == 2
        shipments.start_picking(session, keeper, second.id)
    with database_unchanged(stall.database), pytest.raises(OrderNotRefundable):
        refund(stall.database, staff, order, 1)


def test_goods_that_were_delivered_stay_and_earned_less(
    stall: Stall, people: People, staff: Actor
) -> None:
    coins, buyer = stall.coins(metal="AG", fine="0.999"), proven(stall.buyer(USD="500"))
    order = stall.buy(
        buyer, stall.lock(buyer, coins, quantity=2), delivery=Delivery.SHIP,
        shipping_address=NEW_HAMPSHIRE,
    )  # fmt: skip
    deliver(stall, people, order)
    [given] = refund(stall.database, staff, order, 1)
    assert postings_of(stall.database, given.public_id) == {
        ("customer.funding", "USD"): "-52.71",
        ("sales.premium", "USD"): "52.71",
    }
    now = order_now(stall.database, order)
    assert (now.status, now.is_partially_refunded) == ("delivered", True)
    assert coins.in_state(AccountClass.STOCK_AVAILABLE) == 8
    refund(stall.database, staff, order, 1)
    assert order_now(stall.database, order).status == "refunded"
    balance_sheet(stall.database)


def deliver(stall: Stall, people: People, order: GoodsOrder) -> None:
    """Pick, pack, ship and deliver an order."""
    keeper = people.staff(Role.INVENTORY)
    with stall.database.transaction() as session:
        shipping.request_shipments(session, order.id)
        [shipment] = shipments_queries.list_shipments_of(session, order.id)
        shipments.start_picking(session, keeper, shipment.id)
        for line in shipments_queries.list_lines(session, shipment.id):
            shipments.scan(session, keeper, shipment.id, f"{line.sku}*{line.units}")
        shipments.pack(session, keeper, shipment.id)
        shipments.ship(session, keeper, shipment.id, evidence="handed over")
        shipments.deliver(session, keeper, shipment.id, evidence="signed")
        shipping.follow_shipments(session, order.id)


def test_large_refund_takes_two_people(stall: Stall, people: People, staff: Actor) -> None:
    coins, buyer = stall.coins(), stall.buyer(USD="9000")
    order = stall.buy(buyer, stall.lock(buyer, coins, quantity=2))
    request = RefundRequest({0: 1})
    with stall.database.transaction() as session:
        approval_id = approval.refund(session, staff, order.id, request, reason=REASON)
    assert approval_id is not None
    assert order_now(stall.database, order).refunded == Amount(USD, 0)
    approve(stall.database, people.staff(Role.ADMIN), approval_id)
    now = order_now(stall.database, order)
    assert (str(now.refunded), now.status) == ("4208.40", "allocated")
    assert people.balances(buyer) == {"USD": "4791.60"}
    assert stall.units(coins) == {"available": 9, "allocated": 1}


def test_credit_notes_are_numbered_and_together_undo_the_invoice(
    stall: Stall, people: People, staff: Actor
) -> None:
    coins, buyer = stall.coins(30, metal="AG", fine="0.999"), stall.buyer(USD="1100")
    order = ship_silver(stall, buyer, coins, 20)
    refund(stall.database, staff, order, 2)
    refund(stall.database, staff, order, 8)
    given = refund(stall.database, staff, order, 10, with_shipping=True)
    with stall.database.transaction() as session:
        documents.number_waiting(session)
        [invoice] = documents_queries.list_documents_about(session, [order.public_id])
        notes = documents_queries.list_documents_about(session, [each.public_id for each in given])
        contents = [documents_queries.get_content(session, note.id) for note in notes]
    assert [note.kind for note in notes] == [DocumentKind.CREDIT_NOTE] * 3
    first = notes[0].sequence
    assert [note.sequence for note in notes] == [first, first + 1, first + 2]
    assert [note.total for note in notes] == [each.total for each in given]
    assert invoice.total == order.total == sum_amounts(note.total for note in notes)
    [line] = contents[0].lines
    assert (line.quantity, str(line.price), str(line.tax)) == (2, "105.42", "-59.30")
    assert contents[0].payment == "46.12 USD of the order went back"
    pdf = render_pdf(notes[0].title, notes[0].issued_at, contents[0])
    assert pdf.startswith(b"%PDF")
