"""Price locks wanted by many at once: as many units are locked as there are, and each lock ends
once."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from uuid import UUID

import pytest

from app.access import Actor, Role
from app.catalog.rules import USD
from app.kit import clock, ids
from app.kit.money import Amount
from app.ledger.chart import AccountClass
from app.shop.locks import service as locks
from app.shop.locks.errors import QuoteVoided, TooFewUnits
from app.shop.locks.queries import PriceLock
from app.shop.locks.rules import LockSettings
from app.shop.locks.service import LockRequest
from app.trading.errors import QuoteUsed
from app.vault.counts import service as counts
from app.vault.lots.errors import InsufficientStock
from app.vault.transfers import service as stock_transfers
from tests.drill import choose_size, rounds, seeded_random
from tests.fixed_settings import fixed_settings
from tests.people import set_prices
from tests.races.contest import THREADS, Act, Arena, winners
from tests.shop.sales_range import SalesRange, tier
from tests.vault.goods import Goods

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(1, 200)
Record = Callable[[str, object], None]
COINS, PLACES, BUYERS = 10, 3, 2 * THREADS
HALF = THREADS // 2
#: Fewer than the threads that lock one, so that some are refused.
UNITS = THREADS // 4


#: A drill locks for the same people in all of its rounds.
WIDE = LockSettings(
    unused_per_hour=10_000, pieces_max=100_000, value_max=Amount(USD, 100_000_000_00)
)


@pytest.fixture(autouse=True)
def wide_limits(arena: Arena) -> Iterator[None]:
    """Lift the limits of locks: these races are about units."""
    with fixed_settings(WIDE):
        yield


def lock(arena: Arena, actor: Actor, *items: tuple[str, int]) -> PriceLock:
    with arena.database.transaction() as session:
        return locks.lock_prices(session, actor, LockRequest(items))


def lock_for_each(
    arena: Arena, actors: Sequence[Actor], items: Sequence[tuple[str, int]]
) -> list[PriceLock]:
    """Lock for one buyer after the other; return the locks of those who were not refused."""
    made = []
    for actor in actors:
        try:
            made.append(lock(arena, actor, *items))
        except TooFewUnits:
            continue
    return made


def open_shelves(arena: Arena, sku: str, units: Sequence[int]) -> list[Goods]:
    """Put units on shelves of their own."""
    goods = SalesRange(arena.database)
    return [goods.stock(arena.people, sku, each) for each in units if each]


def test_ten_coins_at_three_locations_are_locked_once_each_by_64_buyers(
    arena: Arena, record_property: Record
) -> None:
    """Each buyer wants two products, in random order."""
    chances, goods = seeded_random("locks"), SalesRange(arena.database)
    for _ in rounds(ROUNDS, "coins at three locations locked"):
        # New ones: locks of earlier rounds are open and count in a person's limits.
        buyers = [arena.people.customer() for _ in range(BUYERS)]
        set_prices(arena.database, AU="4000")
        skus, shelves = [goods.add(tier("5")) for _ in range(2)], []
        for sku in skus:
            cuts = sorted(chances.randrange(COINS + 1) for _ in range(PLACES - 1))
            units = [b - a for a, b in zip([0, *cuts], [*cuts, COINS], strict=True)]
            shelves += open_shelves(arena, sku, units)
        acts = [
            partial(
                lock_for_each,
                arena,
                buyers[2 * number : 2 * number + 2],
                [(sku, 1) for sku in chances.sample(skus, 2)],
            )
            for number in range(THREADS)
        ]
        outcomes = winners(arena.all_at_once(acts, chances))
        assert sum(len(pair) for pair in outcomes if isinstance(pair, list)) == COINS
        assert [shelf.free() for shelf in shelves] == [0] * len(shelves)
    record_property(
        "evidence",
        f"{COINS} coins at {PLACES} locations locked by {BUYERS} buyers at once: {ROUNDS} rounds;"
        f" {COINS} got a lock, and {BUYERS - COINS} were refused, in each.",
    )


def test_coins_are_locked_or_sent_while_they_are_counted(
    arena: Arena, record_property: Record
) -> None:
    chances, goods = seeded_random("locks and transfers"), SalesRange(arena.database)
    keeper = arena.people.staff(Role.INVENTORY)
    locked = 0
    for _ in rounds(ROUNDS, "coins locked, sent and counted"):
        buyers = [arena.people.customer() for _ in range(HALF)]
        set_prices(arena.database, AU="4000")
        sku = goods.add(tier("5"))
        [shelf] = open_shelves(arena, sku, [UNITS])
        acts = acts_on_a_shelf(arena, keeper, buyers, shelf)
        won = winners(arena.all_at_once(acts, chances), InsufficientStock)
        made = sum(isinstance(each, PriceLock) for each in won)
        sent = shelf.in_state(AccountClass.STOCK_IN_TRANSIT)
        assert made + sent == UNITS
        assert (shelf.free(), shelf.available()) == (0, made)
        locked += made
    record_property(
        "evidence",
        f"Coins locked, sent away and counted: {ROUNDS} rounds of {THREADS} threads and {UNITS}"
        f" coins; {locked} were locked, all others sent, and none was both.",
    )


def acts_on_a_shelf(
    arena: Arena, keeper: Actor, buyers: Sequence[Actor], shelf: Goods
) -> list[Act]:
    """Return acts of which a half locks a unit, a quarter sends one, and a quarter counts."""
    there = shelf.at_another_location(arena.people)
    with arena.database.transaction() as session:
        count_id = counts.start_count(session, keeper, location=shelf.location.code)

    def send() -> UUID:
        with arena.database.transaction() as session:
            return stock_transfers.send_goods(
                session,
                keeper,
                origin=shelf.location.code,
                destination=there.location.code,
                units_by_sku={shelf.sku: 1},
            )

    def count() -> None:
        with arena.database.transaction() as session:
            counts.enter_line(session, keeper, count_id, sku=shelf.sku, units=str(UNITS))

    locking = [partial(lock, arena, buyer, (shelf.sku, 1)) for buyer in buyers]
    return [*locking, *[send, count] * (HALF // 2)]


def test_lock_is_used_or_released_once(arena: Arena, record_property: Record) -> None:
    chances, goods = seeded_random("ends of locks"), SalesRange(arena.database)
    actor, used = arena.people.customer(), 0
    for _ in rounds(ROUNDS, "one lock used and released"):
        set_prices(arena.database, AU="4000")
        sku = goods.add(tier("5"))
        [shelf] = open_shelves(arena, sku, [1])
        made = lock(arena, actor, (sku, 1))

        def use(lock_id: UUID = made.id) -> str:
            with arena.database.transaction() as session:
                claimed = locks.claim(session, actor, lock_id, clock.now())
                locks.use(session, claimed, ids.new(), at=clock.now())
            return "used"

        def release(lock_id: UUID = made.id) -> str:
            with arena.database.transaction() as session:
                locks.cancel(session, actor, lock_id)
            return "released"

        acts: list[Act] = [*[use] * (THREADS - 4), *[release] * 4]
        outcomes = winners(arena.all_at_once(acts, chances), QuoteUsed, QuoteVoided)
        is_used = outcomes == ["used"]
        # Releasing again changes nothing.
        assert is_used or outcomes == ["released"] * 4
        assert shelf.free() == (not is_used)
        used += is_used
    record_property(
        "evidence",
        f"One lock used and released: {ROUNDS} rounds of {THREADS} threads; it was used {used}"
        f" times and released {ROUNDS - used} times, once in each round.",
    )
