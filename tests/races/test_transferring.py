"""Transfers of goods against sales, and against transfers the other way."""

from collections.abc import Callable
from uuid import UUID

import pytest

from app.access import Actor, Role
from app.ledger.chart import AccountClass
from app.vault.lots.errors import InsufficientStock
from app.vault.transfers import service as stock_transfers
from tests.drill import choose_size, rounds, seeded_random
from tests.races.contest import THREADS, Act, Arena, winners
from tests.vault.goods import Goods

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(2, 200)
Record = Callable[[str, object], None]
HALF = THREADS // 2


def send(arena: Arena, actor: Actor, goods: Goods, destination: Goods) -> UUID:
    """Send a unit."""
    with arena.database.transaction() as session:
        return stock_transfers.send_goods(
            session,
            actor,
            origin=goods.location.code,
            destination=destination.location.code,
            units_by_sku={goods.sku: 1},
        )


def test_last_coin_is_sent_or_sold_once(arena: Arena, record_property: Record) -> None:
    random, sent = seeded_random("last coin"), 0
    keeper, owner = arena.people.staff(Role.INVENTORY), arena.people.customer().user_id
    for _ in rounds(ROUNDS, "the last coin sent and sold"):
        goods = Goods.at_a_new_location(arena.people)
        goods.receive(units="1", cost="3990.00")
        there = goods.at_another_location(arena.people)

        def sell(goods: Goods = goods) -> str:
            return goods.sell(owner, units=1, price="4100.00", spot="4000")

        def transfer(goods: Goods = goods, there: Goods = there) -> UUID:
            return send(arena, keeper, goods, there)

        [won] = winners(arena.all_at_once([sell, transfer] * HALF, random), InsufficientStock)
        is_sent = isinstance(won, UUID)
        sent += is_sent
        assert goods.available() == 0
        assert goods.in_state(AccountClass.STOCK_IN_TRANSIT) == is_sent
        assert goods.in_state(AccountClass.STOCK_ALLOCATED) == (not is_sent)
        assert goods.left()["units"] == is_sent
    record_property(
        "evidence",
        f"The last coin sent and sold: {ROUNDS} rounds of {THREADS} threads; it was sent {sent} "
        f"times and sold {ROUNDS - sent} times, once in each round.",
    )


def test_coins_that_go_both_ways_and_are_sold_meanwhile_all_arrive(
    arena: Arena, record_property: Record
) -> None:
    """Each location is where lots leave and where they arrive, at the same moment."""
    random = seeded_random("both ways")
    keeper, owner = arena.people.staff(Role.INVENTORY), arena.people.customer().user_id
    for _ in rounds(ROUNDS, "coins sent both ways, and sold"):
        here = Goods.at_a_new_location(arena.people)
        there = here.at_another_location(arena.people)
        acts = crossing_acts(arena, keeper, owner, (here, there))
        assert len(winners(arena.all_at_once(acts, random))) == THREADS
        for goods in (here, there):
            assert goods.available() == HALF
            assert goods.in_state(AccountClass.STOCK_IN_TRANSIT) == 0
            assert goods.left() == {"units": HALF, "premium": f"{HALF * 90}.00"}
    record_property(
        "evidence",
        f"Coins sent both ways and sold meanwhile: {ROUNDS} rounds of {THREADS} threads, of which "
        "a half receives and a half sells; each act succeeded, and no cent of premium was lost.",
    )


def crossing_acts(
    arena: Arena, keeper: Actor, owner: UUID, places: tuple[Goods, Goods]
) -> list[Act]:
    """Return acts that receive transfers at both places, and that sell at both."""
    here, there = places
    for goods in places:
        units = HALF + HALF // 2
        goods.receive(units=str(units), cost=f"{units * 3990}.00")
    acts: list[Act] = []
    for origin, destination in ((here, there), (there, here)) * (HALF // 2):
        transfer_id = send(arena, keeper, origin, destination)

        def receive(transfer_id: UUID = transfer_id, sku: str = origin.sku) -> None:
            with arena.database.transaction() as session:
                stock_transfers.receive(session, keeper, transfer_id, {sku: 1})

        def sell(goods: Goods = origin) -> None:
            goods.sell(owner, units=1, price="4100.00", spot="4000")

        acts += [receive, sell]
    return acts
