"""Goods that are not found when they are picked: the rest leaves, they follow in a shipment of
their own."""

from datetime import timedelta

import pytest

from app.access import Role
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments import service as shipments
from app.fulfillment.undelivered import missing_goods
from app.kit import clock
from app.kit.errors import Invalid
from app.shop.orders import shipping
from app.tax.assessment import Delivery
from tests.people import People
from tests.shop.stall import NEW_HAMPSHIRE, Stall, proven
from tests.shop.test_cancellations import balance_sheet, order_now
from tests.unchanged_database import database_unchanged


def test_rest_of_an_order_leaves_and_what_is_missing_follows(people: People) -> None:
    """Three silver coins of 52.71, of which one is not found."""
    stall, keeper = Stall.open(people), people.staff(Role.INVENTORY)
    coins, buyer = stall.coins(3, metal="AG", fine="0.999"), stall.buyer(USD="500")
    lock = stall.lock(buyer, coins, quantity=3)
    order = stall.buy(proven(buyer), lock, delivery=Delivery.SHIP, shipping_address=NEW_HAMPSHIRE)
    day = (clock.now() + timedelta(days=5)).date()
    with stall.database.transaction() as session:
        shipping.request_shipments(session, order.id)
        [shipment] = shipments_queries.list_shipments_of(session, order.id)
        shipments.start_picking(session, keeper, shipment.id)

    def set_aside(days: int = 0) -> None:
        with stall.database.transaction() as session:
            missing_goods.set_missing_aside(
                session, keeper, shipment.id, day - timedelta(days=days)
            )

    with database_unchanged(stall.database), pytest.raises(Invalid, match="Scan what is there"):
        set_aside()
    with stall.database.transaction() as session:
        shipments.scan(session, keeper, shipment.id, f"{coins.sku}*2")
    with database_unchanged(stall.database), pytest.raises(Invalid, match="after today"):
        set_aside(days=5)
    set_aside()
    with database_unchanged(stall.database), pytest.raises(Invalid, match="Nothing is missing"):
        set_aside()
    with stall.database.transaction() as session:
        first, later = shipments_queries.list_shipments_of(session, order.id)
        assert [(each.status, each.units, str(each.value)) for each in (first, later)] == [
            ("picking", 2, "105.42"), ("requested", 1, "52.71"),
        ]  # fmt: skip
        assert later.address == NEW_HAMPSHIRE
        shipments.pack(session, keeper, first.id)
        shipments.ship(session, keeper, first.id, evidence="handed over")
        shipping.follow_shipments(session, order.id)
    now = order_now(stall.database, order)
    assert (now.status, now.partially_shipped) == ("picking", True)
    with stall.database.transaction() as session:
        shipments.start_picking(session, keeper, later.id)
        shipments.scan(session, keeper, later.id, coins.sku)
        shipments.pack(session, keeper, later.id)
        shipments.ship(session, keeper, later.id, evidence="handed over")
        shipping.follow_shipments(session, order.id)
        sent = session.rows(
            "SELECT args -> 'values' ->> 'expected_on' FROM outbox"
            " WHERE args ->> 'kind' = 'goods_delayed' AND args ->> 'user_id' = %s",
            (str(buyer.user_id),),
        )
    assert sent == [(day.isoformat(),)]
    assert order_now(stall.database, order).status == "shipped"
    balance_sheet(stall.database)
