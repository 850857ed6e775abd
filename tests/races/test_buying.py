"""Price locks used in many tabs at once: one order each, and no more than the balance pays."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pytest

from app.access import Actor
from app.kit.db import Database
from app.ledger.errors import InsufficientFunds
from app.shop.locks import service as locks
from app.shop.locks.errors import QuoteVoided
from app.shop.locks.queries import PriceLock
from app.trading.errors import QuoteUsed
from tests.drill import choose_size, rounds, seeded_random
from tests.races.contest import THREADS, Arena, winners
from tests.shop.stall import Stall

pytestmark = pytest.mark.drill(name="races")

ROUNDS, ROUNDS_OF_MANY = choose_size(3, 200), choose_size(1, 100)
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
