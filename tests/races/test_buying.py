"""Goods bought by many at once, and in many tabs: one order for each lock, no more units than there
are, and no more than the balance pays."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.access import Actor
from app.kit import clock
from app.kit.db import Database
from app.ledger import service as ledger
from app.ledger.errors import InsufficientFunds
from app.shop.cart import queries as cart_queries
from app.shop.cart import service as cart
from app.shop.locks import service as locks
from app.shop.locks.errors import QuoteVoided, TooFewUnits
from app.shop.locks.queries import PriceLock
from app.shop.locks.rules import LockSettings
from app.shop.locks.service import LockRequest
from app.shop.orders.queries import GoodsOrder
from app.trading.errors import QuoteExpired, QuoteUsed
from tests.api_client import ApiClient, assert_problem
from tests.drill import choose_size, rounds, seeded_random
from tests.people import set_prices
from tests.races.contest import THREADS, Act, Arena, winners
from tests.shop.stall import Stall

pytestmark = pytest.mark.drill(name="races")

ROUNDS, ROUNDS_OF_MANY, ROUNDS_OF_BUYERS = (
    choose_size(3, 200), choose_size(1, 100), choose_size(1, 200),
)  # fmt: skip
COINS, BUYERS = 10, 2 * THREADS
#: Of each lock that expires, so many tabs buy; a quarter of the threads ends holds meanwhile.
TABS = 3
EXPIRING = THREADS // 4
_CHECKOUTS_SECONDS = 0.3
#: Of a coin of the stall.
PRICE = Decimal("4208.40")
Record = Callable[[str, object], None]


def cancelling(database: Database, buyer: Actor, lock: PriceLock) -> Callable[[], object]:
    """Return an act that releases a lock."""

    def cancel() -> object:
        with database.transaction() as session:
            locks.cancel(session, buyer, lock.id)
        return None

    return cancel


def test_lock_in_many_tabs_becomes_one_order_or_is_released(
    arena: Arena, record_property: Record
) -> None:
    stall, chances, bought = Stall.open(arena.people), seeded_random("tabs"), 0
    for _ in rounds(ROUNDS, "one lock in 31 tabs, released in another one"):
        set_prices(arena.database, AU="4000")
        coins, buyer = stall.coins(2), stall.buyer(USD="100000")
        lock = stall.lock(buyer, coins)
        acts: list[Callable[[], object]] = [partial(stall.buy, buyer, lock)] * (THREADS - 1)
        acts.append(cancelling(stall.database, buyer, lock))
        won = winners(arena.all_at_once(acts, chances), QuoteUsed, QuoteVoided)
        assert len(won) == 1
        orders = [each for each in won if each is not None]
        bought += len(orders)
        assert stall.units(coins) == {"available": 2 - len(orders), "allocated": len(orders)}
        left = "95791.60" if orders else "100000.00"
        assert arena.people.balances(buyer) == {"USD": left}
    record_property(
        "evidence",
        f"One price lock in {THREADS - 1} tabs, released in another: {ROUNDS} rounds, {bought}"
        " orders, never two, and none after the release.",
    )


def test_balance_pays_as_many_orders_as_it_covers(arena: Arena, record_property: Record) -> None:
    stall, chances = Stall.open(arena.people), seeded_random("balance")
    for _ in rounds(ROUNDS_OF_MANY, "32 orders of one customer"):
        set_prices(arena.database, AU="4000")
        coins, covered = stall.coins(THREADS), chances.randrange(1, THREADS)
        buyer = stall.buyer(USD=str(covered * PRICE))
        taken = [stall.lock(buyer, coins) for _ in range(THREADS)]
        acts = [partial(stall.buy, buyer, lock) for lock in taken]
        won = winners(arena.all_at_once(acts, chances), InsufficientFunds)
        assert len(won) == covered
        assert arena.people.balances(buyer) == {}
        assert stall.units(coins) == {"available": THREADS - covered, "allocated": covered}
    record_property(
        "evidence",
        f"{THREADS} orders of one customer at once: {ROUNDS_OF_MANY} rounds, as many filled as"
        " the balance covered, to the cent.",
    )


def buy_for_each(sku: str, buyers: Sequence[ApiClient]) -> list[TestResponse]:
    """Lock and buy a coin for one buyer after the other; return the last response to each."""
    responses = []
    for buyer in buyers:
        response = buyer.post("/api/shop/lock-quote", {"items": [{"sku": sku, "quantity": 1}]})
        if response.status_code == 201:
            body = {"quoteId": response.json["quoteId"], "destination": "vault"}
            body["payment"] = {"method": "balance"}
            response = buyer.post("/api/shop/checkout", body)
        responses.append(response)
    return responses


def count_of(database: Database, sku: str) -> dict[str, int]:
    """Return what there is of a product: locks, orders, and units of customers."""
    with database.reading() as session:
        row = session.row(
            "SELECT (SELECT count(*) FROM price_lock_lines WHERE sku = %(sku)s),"
            " (SELECT count(*) FROM shop_order_lines WHERE sku = %(sku)s),"
            " (SELECT sum(posted) FROM balances JOIN accounts ON accounts.id = account_id"
            "  WHERE asset = %(sku)s AND class = 'customer.goods')",
            {"sku": sku},
        )
    assert row is not None
    return dict(zip(("locks", "orders", "owned"), row, strict=True))


def test_last_ten_coins_are_sold_over_http_to_ten_of_64_buyers(
    arena: Arena, racing: Flask, record_property: Record
) -> None:
    stall, chances = Stall.open(arena.people), seeded_random("buyers")
    buyers = [ApiClient.create_customer(racing, USD="1000000") for _ in range(BUYERS)]
    bought = Counter[str]()
    for _ in rounds(ROUNDS_OF_BUYERS, "64 buyers for 10 coins"):
        set_prices(arena.database, AU="4000")
        first, second = sorted(chances.sample(range(1, COINS), 2))
        shelves = [stall.coins(first)]
        for units in (second - first, COINS - second):
            shelves.append(shelves[0].at_another_location(arena.people, stall.branch_id))
            shelves[-1].receive(units=str(units), cost=f"{units * 4100}.00", spot="4000")
        sku = shelves[0].sku
        chances.shuffle(buyers)
        acts = [
            partial(buy_for_each, sku, buyers[2 * number : 2 * number + 2])
            for number in range(THREADS)
        ]
        outcomes = winners(arena.all_at_once(acts, chances))
        responses = [each for pair in outcomes if isinstance(pair, list) for each in pair]
        for buyer, response in zip(buyers, responses, strict=True):
            if response.status_code == 201:
                bought[buyer.email] += 1
                continue
            [error] = assert_problem(response, 409, "insufficient_stock")["errors"]
            assert error["field"] == "items.0.quantity"
        assert sum(response.status_code == 201 for response in responses) == COINS
        # Who was refused has left nothing behind.
        assert count_of(arena.database, sku) == dict.fromkeys(("locks", "orders", "owned"), COINS)
        assert [stall.units(shelf) for shelf in shelves] == [
            {"available": 0, "allocated": units}
            for units in (first, second - first, COINS - second)
        ]
    for buyer in buyers:
        left = Decimal(1_000_000) - bought[buyer.email] * PRICE
        assert buyer.available_balances() == {"USD": str(left)}
    record_property(
        "evidence",
        f"{COINS} coins at three locations wanted by {BUYERS} buyers, who lock and check out over"
        f" HTTP at once: {ROUNDS_OF_BUYERS} rounds; {COINS} sales and {BUYERS - COINS} refusals as"
        " `insufficient_stock` in each, nothing left behind by who was refused, and the price of"
        " each coin paid once.",
    )


def test_lock_that_expires_during_checkout_is_sold_once_or_released(
    arena: Arena, record_property: Record
) -> None:
    """The job that ends holds runs as of a moment at which they are over, at a random moment of the
    checkouts, which are slower than it."""
    stall, chances, bought = Stall.open(arena.people), seeded_random("expiry"), 0

    def end_holds(after: float, limit: int) -> None:
        time.sleep(after)
        with arena.database.transaction() as session:
            over = clock.now() + LockSettings().lifetime
            ledger.expire_holds(session, now=over, limit=limit)

    # Those of other tests, which would be the first to end.
    end_holds(0, 100_000)
    for _ in rounds(ROUNDS_OF_BUYERS, "locks that expire while they are used"):
        set_prices(arena.database, AU="4000")
        coins, buyer = stall.coins(EXPIRING), stall.buyer(USD="100000")
        taken = [stall.lock(buyer, coins) for _ in range(EXPIRING)]
        tabs: list[Act] = [partial(stall.buy, buyer, lock) for lock in taken]
        moments = [chances.uniform(0, _CHECKOUTS_SECONDS) for _ in range(EXPIRING)]
        acts = [*tabs * TABS, *(partial(end_holds, after, 1) for after in moments)]
        won = winners(arena.all_at_once(acts, chances), QuoteExpired, QuoteUsed)
        orders = [each for each in won if isinstance(each, GoodsOrder)]
        assert len({order.lock_id for order in orders}) == len(orders)
        end_holds(0, EXPIRING)
        assert coins.free() == EXPIRING - len(orders)
        assert stall.units(coins) == {
            "available": EXPIRING - len(orders),
            "allocated": len(orders),
        }
        left = Decimal(100_000) - len(orders) * PRICE
        assert arena.people.balances(buyer) == {"USD": str(left)}
        bought += len(orders)
    record_property(
        "evidence",
        f"Locks that expire during checkout: {ROUNDS_OF_BUYERS} rounds of {EXPIRING} locks in"
        f" {TABS} tabs each; {bought:,} were sold, each once, and"
        f" {ROUNDS_OF_BUYERS * EXPIRING - bought:,} released.",
    )


def test_cart_bought_in_two_tabs_sells_what_there_is(arena: Arena, record_property: Record) -> None:
    """Half of the tabs buy a cart, which the others change to hold one coin or two of three."""
    stall, chances, sold = Stall.open(arena.people), seeded_random("carts bought"), 0
    for _ in rounds(ROUNDS_OF_BUYERS, "one cart bought in many tabs"):
        set_prices(arena.database, AU="4000")
        coins, buyer = stall.coins(3), stall.buyer(USD="100000")
        with arena.database.transaction() as session:
            cart_id, _ = cart.open_own_cart(session, buyer)
            cart.add_item(session, buyer, cart_id, coins.sku, 1)

        def buy(buyer: Actor = buyer, cart_id: str = cart_id) -> GoodsOrder:
            with arena.database.transaction() as session:
                wanted = cart_queries.list_wanted(session, buyer, cart_id)
                lock = locks.lock_prices(session, buyer, LockRequest(wanted))
            return stall.buy(buyer, lock)

        def change(
            quantity: int, buyer: Actor = buyer, cart_id: str = cart_id, sku: str = coins.sku
        ) -> None:
            with arena.database.transaction() as session:
                cart.set_quantity(session, buyer, cart_id, sku, quantity)

        changes = [partial(change, quantity) for quantity in (1, 2)]
        acts: list[Act] = [buy, buy, *changes] * (THREADS // 4)
        won = winners(arena.all_at_once(acts, chances), TooFewUnits)
        units = sum(
            line.quantity for each in won if isinstance(each, GoodsOrder) for line in each.lines
        )
        # The last one stays where every later tab wants two.
        assert units in {2, 3}
        assert stall.units(coins) == {"available": 3 - units, "allocated": units}
        left = Decimal(100_000) - units * PRICE
        assert arena.people.balances(buyer) == {"USD": str(left)}
        sold += units
    record_property(
        "evidence",
        f"One cart bought in {THREADS // 2} tabs and changed in as many: {ROUNDS_OF_BUYERS}"
        f" rounds of three coins; {sold} sold, each once, and each order paid once.",
    )
