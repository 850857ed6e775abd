"""Orders on hold that are released, rejected and cancelled at once: one end for each, and what it
kept is sold once or released once."""

from collections.abc import Callable
from functools import partial

import pytest

from app.access import Role
from app.fulfillment.errors import CancelWindowClosed
from app.shop.checkout import held_orders, order_release, waiting_orders
from app.shop.checkout.errors import OrderNotOnHold
from app.shop.checkout.rules import OrderReviewRules
from app.tax.assessment import Delivery
from tests.drill import choose_size, rounds, seeded_random
from tests.fixed_settings import fixed_settings
from tests.paying_customer import usd
from tests.people import set_prices
from tests.races.contest import THREADS, Act, Arena, winners
from tests.shop.paid_later import BY_TRANSFER, LaterBuyer
from tests.shop.stall import BOSTON, Stall, proven

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(2, 200)
REASON = "The customer called back."
Record = Callable[[str, object], None]


def test_order_on_hold_is_released_rejected_or_cancelled_by_one_of_many(
    arena: Arena, record_property: Record
) -> None:
    stall, chances = Stall.open(arena.people), seeded_random("review")
    officers, ends = [arena.people.staff(Role.COMPLIANCE) for _ in range(4)], {}
    for _ in rounds(ROUNDS, "an order on hold, released, rejected and cancelled at once"):
        set_prices(arena.database, AU="4000")
        coins, buyer = stall.coins(1), stall.buyer(USD="10000")
        with fixed_settings(OrderReviewRules(first_order_from=usd("1"))):
            order = stall.buy(
                proven(buyer),
                stall.lock(buyer, coins),
                delivery=Delivery.SHIP,
                shipping_address=BOSTON,
            )

        def act(verb: Callable[..., object], *arguments: object, **named: object) -> object:
            with arena.database.transaction() as session:
                verb(session, *arguments, **named)
            return verb.__name__

        acts: list[Act] = [
            partial(act, verb, officers[number % 4], order.id, reason=REASON)
            for number in range(THREADS // 2 - 1)
            for verb in (order_release.release, held_orders.reject)
        ]
        acts += [partial(act, waiting_orders.cancel, buyer, order.id)] * 2
        won = winners(arena.all_at_once(acts, chances), OrderNotOnHold, CancelWindowClosed)
        # Cancelling a cancelled order again changes nothing and is no refusal.
        [end] = {str(each) for each in won} - ({"cancel"} if len(set(won)) > 1 else set())
        ends[end] = ends.get(end, 0) + 1
        is_sold = end == "release"
        assert stall.units(coins) == {"available": 1 - is_sold, "allocated": int(is_sold)}
        assert coins.free() == 1 - is_sold
        left = usd("10000") - order.total if is_sold else usd("10000")
        assert arena.people.balances(buyer) == {"USD": str(left)}
    record_property(
        "evidence",
        f"An order on hold, {THREADS // 2 - 1} releases, as many rejections and 2 cancellations at"
        f" once: {ROUNDS} rounds, one end each: {ends}.",
    )


def test_order_is_put_on_hold_and_cancelled_at_once(arena: Arena) -> None:
    chances = seeded_random("holding")
    for number in rounds(ROUNDS, "an order whose money arrived, held and cancelled at once"):
        later = LaterBuyer.create(arena.database, arena.people)
        with fixed_settings(OrderReviewRules(first_order_from=usd("1"))):
            lock = later.stall.lock(
                later.buyer, later.coins, pickup_branch_id=later.stall.branch_id
            )
            order = later.stall.buy(
                proven(later.buyer),
                lock,
                delivery=Delivery.PICKUP,
                pickup_branch_id=later.stall.branch_id,
                payments=(BY_TRANSFER,),
            )
        later.pay(order)
        later.receive(f"round {number}", str(order.total))
        acts: list[Act] = [partial(later.advance, order)] * (THREADS - 2)
        acts += [partial(later.cancel, order)] * 2
        winners(arena.all_at_once(acts, chances))
        ended = later.now(order)
        assert (ended.status, ended.cancel_reason) == ("cancelled", "customer")
        assert (later.payer.held_cents(), later.coins.free()) == (0, 10)
        assert later.balances == {"USD": str(usd("500") + order.total)}
