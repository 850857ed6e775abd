"""Paid orders cancelled and refunded by many at once, while staff pick them: each unit once."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from app.access import Actor, Role
from app.fulfillment.errors import CancelWindowClosed
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments import service as shipments
from app.fulfillment.shipments.errors import ShipmentMovedOn
from app.kit.errors import Invalid
from app.shop.cancellations import service as cancellations
from app.shop.changes import addresses, reductions
from app.shop.changes.errors import OrderNotChangeable
from app.shop.orders import shipping
from app.shop.orders.queries import GoodsOrder
from app.shop.refunds import approval
from app.shop.refunds import queries as refunds_queries
from app.shop.refunds.by_staff import RefundRequest
from app.shop.refunds.errors import OrderNotRefundable
from app.tax.assessment import Delivery
from tests.drill import choose_size, rounds, seeded_random
from tests.people import set_prices
from tests.races.contest import THREADS, Act, Arena, winners
from tests.shop.stall import NEW_HAMPSHIRE, Stall, proven

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(2, 200)
NEXT_DOOR = replace(NEW_HAMPSHIRE, street="3 Main Street")
Record = Callable[[str, object], None]


def cancel(stall: Stall, buyer: Actor, order: GoodsOrder) -> str:
    with stall.database.transaction() as session:
        cancellations.cancel(session, buyer, order.id)
    return "cancelled"


def pick(stall: Stall, keeper: Actor, order: GoodsOrder) -> str:
    with stall.database.transaction() as session:
        [shipment] = shipments_queries.list_shipments_of(session, order.id)
        shipments.start_picking(session, keeper, shipment.id)
    return "picked"


def test_paid_order_is_cancelled_once_or_picked(arena: Arena, record_property: Record) -> None:
    stall, chances, cancelled = Stall.open(arena.people), seeded_random("cancel"), 0
    keeper = arena.people.staff(Role.INVENTORY)
    for _ in rounds(ROUNDS, "31 cancel an order, and one picks it"):
        set_prices(arena.database, AU="4000")
        coins, buyer = stall.coins(1), proven(stall.buyer(USD="5000"))
        order = stall.buy(
            buyer, stall.lock(buyer, coins), delivery=Delivery.SHIP, shipping_address=NEW_HAMPSHIRE
        )
        with stall.database.transaction() as session:
            shipping.request_shipments(session, order.id)
        acts: list[Act] = [partial(cancel, stall, buyer, order)] * (THREADS - 1)
        acts.append(partial(pick, stall, keeper, order))
        won = winners(arena.all_at_once(acts, chances), CancelWindowClosed, ShipmentMovedOn)
        with stall.database.reading() as session:
            refunds = refunds_queries.list_refunds(session, [order.id])
        if "picked" in won:
            assert (won, refunds) == (["picked"], [])
            assert stall.units(coins) == {"available": 0, "allocated": 1}
        else:
            # Cancelling again changes nothing.
            assert (len(won), len(refunds)) == (THREADS - 1, 1)
            assert stall.units(coins) == {"available": 1, "allocated": 0}
            cancelled += 1
    record_property(
        "evidence",
        f"A paid order cancelled by {THREADS - 1} at once and picked by one: {ROUNDS} rounds,"
        f" {cancelled} cancelled with one refund each, the others picked with none.",
    )


def refund(stall: Stall, clerk: Actor, order: GoodsOrder) -> str:
    with stall.database.transaction() as session:
        approval.refund(session, clerk, order.id, RefundRequest({0: 1}), reason="scratched")
    return "refunded"


def test_no_unit_is_refunded_twice(arena: Arena, record_property: Record) -> None:
    stall, chances = Stall.open(arena.people), seeded_random("refund")
    clerk = arena.people.staff(Role.SUPPORT)
    for _ in rounds(ROUNDS, "32 refund a unit each of fewer units"):
        set_prices(arena.database, AG="50")
        units = chances.randrange(1, THREADS)
        coins, buyer = stall.coins(units, metal="AG", fine="0.999"), stall.buyer(USD="2000")
        order = stall.buy(buyer, stall.lock(buyer, coins, quantity=units))
        acts: list[Act] = [partial(refund, stall, clerk, order)] * THREADS
        won = winners(arena.all_at_once(acts, chances), Invalid, OrderNotRefundable)
        assert len(won) == units
        assert stall.units(coins) == {"available": units, "allocated": 0}
        assert arena.people.balances(buyer) == {"USD": "2000.00"}
    record_property(
        "evidence",
        f"{THREADS} refunds of a unit each of an order of fewer units: {ROUNDS} rounds, as many"
        " refunded as there were, to the cent.",
    )


def lower(stall: Stall, buyer: Actor, order: GoodsOrder, units: int) -> str:
    with stall.database.transaction() as session:
        reductions.reduce(session, buyer, order.id, {0: units})
    return f"{units} left"


def move(stall: Stall, buyer: Actor, order: GoodsOrder) -> str:
    with stall.database.transaction() as session:
        addresses.change_address(session, buyer, order.id, NEXT_DOOR)
    return "moved"


def test_order_that_is_picked_is_not_changed(arena: Arena, record_property: Record) -> None:
    stall, chances, changes = Stall.open(arena.people), seeded_random("change"), 0
    keeper = arena.people.staff(Role.INVENTORY)
    for _ in rounds(ROUNDS, "31 change an order, and one picks it"):
        set_prices(arena.database, AG="50")
        coins = stall.coins(6, metal="AG", fine="0.999")
        buyer = proven(stall.buyer(USD="1000"))
        order = stall.buy(
            buyer,
            stall.lock(buyer, coins, quantity=6),
            delivery=Delivery.SHIP,
            shipping_address=NEW_HAMPSHIRE,
        )
        with stall.database.transaction() as session:
            shipping.request_shipments(session, order.id)
        acts: list[Act] = [
            partial(lower, stall, buyer, order, 1 + number % 5) for number in range(23)
        ]
        acts += [partial(move, stall, buyer, order)] * 8
        acts.append(partial(pick_latest, stall, keeper, order))
        won = winners(
            arena.all_at_once(acts, chances), OrderNotChangeable, Invalid, ShipmentMovedOn
        )
        with stall.database.reading() as session:
            refunds = refunds_queries.list_refunds(session, [order.id])
            shipment = shipments_queries.list_shipments_of(session, order.id)[-1]
            [line] = shipments_queries.list_lines(session, shipment.id)
        # What is picked, or to be picked, is what the last change left, at its address.
        left = min([6, *(int(str(each)[0]) for each in won if "left" in str(each))])
        assert (line.units, len(refunds)) == (left, sum("left" in str(each) for each in won))
        assert shipment.address == (NEXT_DOOR if "moved" in won else NEW_HAMPSHIRE)
        assert shipment.status == ("picking" if "picked" in won else "requested")
        assert stall.units(coins) == {"available": 6 - left, "allocated": left}
        changes += len(won)
    record_property(
        "evidence",
        f"A paid order of 6 units, 23 lower its units, 8 move it and one picks it: {ROUNDS} rounds,"
        f" {changes} acts done, and what is picked is what the last change left, at its address.",
    )


def pick_latest(stall: Stall, keeper: Actor, order: GoodsOrder) -> str:
    with stall.database.transaction() as session:
        shipment = shipments_queries.list_shipments_of(session, order.id)[-1]
        shipments.start_picking(session, keeper, shipment.id)
    return "picked"
