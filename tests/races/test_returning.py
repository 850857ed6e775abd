"""Returns decided by many at once, and units returned and refunded at once: each unit once."""

from collections.abc import Callable
from functools import partial

import pytest

from app.access import Actor
from app.kit.errors import Invalid
from app.shop.orders.queries import GoodsOrder
from app.shop.refunds import approval
from app.shop.refunds import queries as refunds_queries
from app.shop.refunds.by_staff import RefundRequest
from app.shop.refunds.errors import OrderNotRefundable
from app.shop.returns import queries
from app.shop.returns.errors import ReturnMovedOn, ReturnWindowClosed
from app.tax.assessment import Delivery
from tests.drill import choose_size, rounds, seeded_random
from tests.people import set_prices
from tests.races.contest import THREADS, Act, Arena, winners
from tests.shop.return_desk import ReturnDesk, deliver
from tests.shop.stall import NEW_HAMPSHIRE, Stall, proven
from tests.vault.goods import Goods

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(2, 200)
Record = Callable[[str, object], None]


def delivered(desk: ReturnDesk, coins: Goods, units: int) -> tuple[Actor, GoodsOrder]:
    """Sell coins of silver that their customer has."""
    stall, buyer = desk.stall, proven(desk.stall.buyer(USD="2500"))
    lock = stall.lock(buyer, coins, quantity=units)
    order = stall.buy(buyer, lock, delivery=Delivery.SHIP, shipping_address=NEW_HAMPSHIRE)
    deliver(stall.database, desk.keeper, order.id)
    return buyer, order


def test_return_has_one_outcome(arena: Arena, record_property: Record) -> None:
    stall, chances = Stall.open(arena.people), seeded_random("outcomes")
    desk = ReturnDesk.open(stall, arena.people)
    outcomes: dict[str, int] = {"refunded": 0, "exchanged": 0, "sent_back": 0}
    for _ in rounds(ROUNDS, "32 refund, exchange or send back one return"):
        set_prices(arena.database, AG="50")
        coins = stall.coins(2, metal="AG", fine="0.999")
        buyer, order = delivered(desk, coins, 1)
        return_id = desk.request(buyer, order)
        desk.take_in(return_id, coins.location.code, coins.sku)
        acts: list[Act] = [
            partial(chances.choice((desk.refund, desk.exchange, desk.send_back)), return_id)
            for _ in range(THREADS)
        ]
        won = winners(arena.all_at_once(acts, chances), ReturnMovedOn)
        assert len(won) == 1
        outcomes[desk.now(return_id).status] += 1
        with stall.database.reading() as session:
            refunds = refunds_queries.list_refunds(session, [order.id])
        assert len(refunds) == (desk.now(return_id).status == "refunded")
    record_property(
        "evidence",
        f"A return refunded, exchanged or sent back by {THREADS} at once: {ROUNDS} rounds, one"
        f" outcome each ({', '.join(f'{count} {name}' for name, count in outcomes.items())}).",
    )


def refund(stall: Stall, clerk: Actor, order: GoodsOrder) -> str:
    with stall.database.transaction() as session:
        approval.refund(session, clerk, order.id, RefundRequest({0: 1}), reason="scratched")
    return "refunded"


def test_no_unit_is_returned_and_refunded(arena: Arena, record_property: Record) -> None:
    stall, chances = Stall.open(arena.people), seeded_random("returns")
    desk = ReturnDesk.open(stall, arena.people)
    for _ in rounds(ROUNDS, "32 return or refund a unit each of fewer units"):
        set_prices(arena.database, AG="50")
        units = chances.randrange(1, THREADS)
        coins = stall.coins(units, metal="AG", fine="0.999")
        buyer, order = delivered(desk, coins, units)
        acts: list[Act] = [
            chances.choice(
                (partial(desk.request, buyer, order), partial(refund, stall, desk.clerk, order))
            )
            for _ in range(THREADS)
        ]
        won = winners(
            arena.all_at_once(acts, chances), Invalid, ReturnWindowClosed, OrderNotRefundable
        )
        assert len(won) == units
        with stall.database.reading() as session:
            claimed = sum(
                sum(each.units.values()) for each in queries.list_returns(session, order.id)
            )
            refunds = refunds_queries.list_refunds(session, [order.id])
        assert claimed + len(refunds) == units
        assert won.count("refunded") == len(refunds)
    record_property(
        "evidence",
        f"{THREADS} returns and refunds of a unit each of an order of fewer units: {ROUNDS} rounds,"
        " together as many as there were.",
    )
