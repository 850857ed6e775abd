"""Changes of paid orders until picking: fewer units, and another address."""

from dataclasses import replace

import pytest

from app.access import Actor, Role
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments import service as shipments
from app.identity.errors import ReauthenticationRequired
from app.kit import clock
from app.kit.errors import Invalid
from app.kit.postal_addresses import PostalAddress
from app.shop.changes import addresses, reductions
from app.shop.changes.errors import OrderNotChangeable
from app.shop.orders import shipping
from app.shop.orders.queries import GoodsOrder
from app.tax.assessment import Delivery
from tests.people import People, set_prices
from tests.shop.stall import BOSTON, NEW_HAMPSHIRE, Stall, proven
from tests.shop.test_cancellations import balance_sheet, order_now, refund_of
from tests.unchanged_database import database_unchanged

NEXT_DOOR = replace(BOSTON, street="3 Beacon Street", recipient="Ada Lovelace")
CAMBRIDGE = replace(BOSTON, street="1 Broadway", city="Cambridge", zip_code="02142")


@pytest.fixture
def stall(people: People) -> Stall:
    return Stall.open(people)


def ship(stall: Stall, buyer: Actor, quantity: int) -> GoodsOrder:
    """Buy gold coins of 4,208.40, shipped to Boston, and prepare them."""
    lock = stall.lock(buyer, stall.coins(), quantity=quantity)
    order = stall.buy(proven(buyer), lock, delivery=Delivery.SHIP, shipping_address=BOSTON)
    with stall.database.transaction() as session:
        shipping.request_shipments(session, order.id)
    return order


def pick(stall: Stall, people: People, order: GoodsOrder) -> None:
    with stall.database.transaction() as session:
        shipment = shipments_queries.list_shipments_of(session, order.id)[-1]
        shipments.start_picking(session, people.staff(Role.INVENTORY), shipment.id)


def reduce(stall: Stall, buyer: Actor, order: GoodsOrder, units: int) -> None:
    with stall.database.transaction() as session:
        reductions.reduce(session, buyer, order.id, {0: units})


def test_fewer_units_after_a_fall_cost_the_loss_of_those_that_go_and_the_fee(
    stall: Stall, people: People
) -> None:
    """Three coins with insurance for 12,656.76. Gold falls by 100: one of them is taken back at
    3,892.20 of 4,008.00. Of 4,208.40 the loss of 115.80 and the fee of 35.00 stay: 4,057.60."""
    buyer = stall.buyer(USD="13000")
    order = ship(stall, buyer, 3)
    assert str(order.total) == "12656.76"
    set_prices(stall.database, AU="3900")
    with stall.database.reading() as session:
        quoted = reductions.quote(session, order.id, {0: 2}, user_id=buyer.user_id)
    reduce(stall, buyer, order, 2)
    refund = refund_of(stall.database, order)
    assert [str(each) for each in (refund.loss, refund.fee, refund.total)] == [
        "115.80", "35.00", "4057.60",
    ]  # fmt: skip
    assert (refund.cause, refund.total) == ("reduced", quoted.received)
    assert people.balances(buyer) == {"USD": "4400.84"}
    now = order_now(stall.database, order)
    assert (now.status, now.lines[0].quantity, now.lines[0].refunded_quantity) == (
        "allocated", 3, 1,
    )  # fmt: skip
    with stall.database.reading() as session:
        first, second = shipments_queries.list_shipments_of(session, order.id)
    assert [(each.status, each.units) for each in (first, second)] == [
        ("cancelled", 3), ("requested", 2),
    ]  # fmt: skip
    balance_sheet(stall.database)


def test_units_are_not_raised_nor_all_removed_nor_changed_once_picked(
    stall: Stall, people: People
) -> None:
    buyer = stall.buyer(USD="9000")
    order = ship(stall, buyer, 2)
    with database_unchanged(stall.database):
        for units, problem in ((3, "Place a new order"), (2, "fewer"), (0, "Cancel it instead")):
            with pytest.raises(Invalid, match=problem):
                reduce(stall, buyer, order, units)
    pick(stall, people, order)
    with database_unchanged(stall.database):
        with pytest.raises(OrderNotChangeable):
            reduce(stall, buyer, order, 1)
        with pytest.raises(OrderNotChangeable):
            move(stall, buyer, order, NEXT_DOOR)


def move(stall: Stall, buyer: Actor, order: GoodsOrder, address: PostalAddress) -> None:
    with stall.database.transaction() as session:
        addresses.change_address(session, proven(buyer), order.id, address)


def test_order_goes_to_another_address_where_it_costs_the_same(stall: Stall) -> None:
    buyer = stall.buyer(USD="9000")
    order = ship(stall, buyer, 1)
    move(stall, buyer, order, CAMBRIDGE)
    assert order_now(stall.database, order).shipping_address == CAMBRIDGE
    with stall.database.reading() as session:
        first, second = shipments_queries.list_shipments_of(session, order.id)
    assert (first.status, second.status, second.address) == ("cancelled", "requested", CAMBRIDGE)


def test_address_is_changed_by_its_customer_where_tax_and_shipping_are_the_same(
    stall: Stall,
) -> None:
    buyer = stall.buyer(USD="9000")
    lock = stall.lock(buyer, stall.coins(30, metal="AG", fine="0.999"))
    order = stall.buy(proven(buyer), lock, delivery=Delivery.SHIP, shipping_address=BOSTON)
    assert order.tax.units > 0
    long_ago = replace(buyer, proven_at=clock.now().replace(year=2020))
    with database_unchanged(stall.database):
        with pytest.raises(Invalid, match="Sales tax"):
            move(stall, buyer, order, NEW_HAMPSHIRE)
        with pytest.raises(ReauthenticationRequired), stall.database.transaction() as session:
            addresses.change_address(session, long_ago, order.id, NEXT_DOOR)
