"""Counts while goods are sold, packed and examined: what only changes its state is no variance."""

from collections.abc import Callable
from random import Random
from uuid import UUID

import pytest

from app.access import Actor, Role
from app.ledger.chart import AccountClass
from app.vault.counts import queries as counts_queries
from app.vault.counts import service as counts
from app.vault.counts.errors import CountUnderway
from app.vault.counts.models import CountLine
from app.vault.counts.rules import CountStatus
from app.vault.lots.errors import InsufficientStock
from tests.drill import choose_size, rounds, seeded_random
from tests.races.contest import THREADS, Act, Arena, winners
from tests.rows import read_values
from tests.vault.goods import Goods

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(5, 200)
#: Fewer than the threads that sell one, so that some are refused.
UNITS = THREADS // 4 - 2


def test_sales_during_a_count_are_no_variance(
    arena: Arena, record_property: Callable[[str, object], None]
) -> None:
    random = seeded_random("counting")
    counter, owner = arena.people.staff(Role.INVENTORY), arena.people.customer().user_id
    for _ in rounds(ROUNDS, "one shelf counted and sold"):
        goods = Goods.at_a_new_location(arena.people)
        goods.receive(units=str(UNITS))
        count_id = start_once(arena, goods, counter, random)
        outcomes = arena.all_at_once(
            acts_on_a_shelf(arena, goods, count_id, counter, owner), random
        )
        assert winners(outcomes, InsufficientStock)
        with arena.database.transaction() as session:
            assert counts.submit_count(session, counter, count_id) is CountStatus.AGREED
            [line] = counts_queries.list_lines(session, count_id)
            expected = read_values(
                session, CountLine.expected_units, CountLine.count_id == count_id
            )
        assert (line.units, line.variance) == (UNITS, 0)
        assert expected == [UNITS] * (THREADS // 2)
    record_property(
        "evidence",
        f"One shelf counted and sold: {ROUNDS} rounds of {THREADS} threads, of which a half counts"
        " while the others sell, pack and examine; no line differs, and of as many threads that"
        " start a count of the shelf, one did.",
    )


def start_once(arena: Arena, goods: Goods, counter: Actor, random: Random) -> UUID:
    def start() -> UUID:
        with arena.database.transaction() as session:
            return counts.start_count(session, counter, location=goods.location.code)

    [count_id] = winners(arena.all_at_once([start] * THREADS, random), CountUnderway)
    assert isinstance(count_id, UUID)
    return count_id


def acts_on_a_shelf(
    arena: Arena, goods: Goods, count_id: UUID, counter: Actor, owner: UUID
) -> list[Act]:
    """Return acts of which a half counts what is there, and the others move it."""

    def count() -> None:
        with arena.database.transaction() as session:
            counts.enter_line(session, counter, count_id, sku=goods.sku, units=str(UNITS))

    def sell() -> None:
        goods.sell(owner, units=1, price="4100.00", spot="4000")

    def sell_and_pack() -> None:
        sell()
        goods.change_state(1, AccountClass.STOCK_ALLOCATED, AccountClass.STOCK_PICKED)

    def examine() -> None:
        goods.change_state(1, AccountClass.STOCK_AVAILABLE, AccountClass.STOCK_QUARANTINE)
        goods.change_state(1, AccountClass.STOCK_QUARANTINE, AccountClass.STOCK_AVAILABLE)

    quarter = THREADS // 8
    return [*[count] * (4 * quarter), *[sell, sell_and_pack, examine, examine] * quarter]
