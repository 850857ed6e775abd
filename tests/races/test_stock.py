"""Coins on shelves wanted by many at once: as many are sold as there are, and no more."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from uuid import UUID

import pytest

from app.catalog.rules import USD
from app.kit.money import Amount
from app.vault.lots.errors import InsufficientStock
from tests.drill import choose_size, rounds, seeded_random
from tests.races.contest import THREADS, Arena, winners
from tests.vault.goods import Goods

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(5, 200)
PLACES = 3
Record = Callable[[str, object], None]


def buy_anywhere(shelves: list[Goods], order: list[int], owner_id: UUID) -> Callable[[], object]:
    """Return an act that buys one coin where it is found first."""

    def buy() -> object:
        for number in order:
            try:
                return shelves[number].sell(owner_id, units=1, price="4100.00", spot="4000")
            except InsufficientStock:
                continue
        raise InsufficientStock

    return buy


def open_shelves(arena: Arena) -> list[Goods]:
    """Return one product at three locations, of which nothing is there."""
    [first, *others] = [Goods.at_a_new_location(arena.people) for _ in range(PLACES)]
    return [first, *(replace(other, sku=first.sku) for other in others)]


def stock_at_random(shelves: list[Goods], random: Random) -> int:
    """Put 1 to 31 coins on the shelves, in lots of their own cost; return how many."""
    coins = random.randrange(1, THREADS)
    for number in (random.randrange(PLACES) for _ in range(coins)):
        cost = Amount(USD, random.randrange(390_000, 420_000))
        shelves[number].receive(units="1", cost=str(cost))
    return coins


def test_coins_at_three_locations_are_sold_once_each(arena: Arena, record_property: Record) -> None:
    chances, sold = seeded_random("coins"), 0
    owner_id = arena.people.customer().user_id
    for _ in rounds(ROUNDS, "coins at three locations"):
        shelves = open_shelves(arena)
        coins = stock_at_random(shelves, chances)
        orders = [chances.sample(range(PLACES), PLACES) for _ in range(THREADS)]
        acts = [buy_anywhere(shelves, order, owner_id) for order in orders]
        won = winners(arena.all_at_once(acts, chances), InsufficientStock)
        assert len(won) == coins
        assert [shelf.left() for shelf in shelves] == [{"units": 0, "premium": "0.00"}] * PLACES
        sold += coins
    record_property(
        "evidence",
        f"Coins at three locations wanted by {THREADS} at once: {ROUNDS} rounds; {sold:,} coins,"
        " each sold once and each lot used up to the cent, the other buyers refused.",
    )
