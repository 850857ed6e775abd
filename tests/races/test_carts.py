"""A cart that is filled from many tabs, and taken over while it is filled: no unit is lost."""

from functools import partial

import pytest

from app.access import Actor
from app.identity.accounts import queries as account_queries
from app.shop.cart import queries as cart_queries
from app.shop.cart import service as cart
from app.shop.cart.errors import CartNotFound
from tests.drill import choose_size, rounds, seeded_random
from tests.races.contest import THREADS, Arena, winners
from tests.shop.wares import add_coin

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(2, 100)


def open_and_add(arena: Arena, actor: Actor, sku: str) -> str:
    with arena.database.transaction() as session:
        cart_id, _ = cart.open_own_cart(session, actor)
        cart.add_item(session, actor, cart_id, sku, 1)
    return cart_id


def add_as_visitor(arena: Arena, secret: str, sku: str) -> int:
    with arena.database.transaction() as session:
        cart.add_item(session, None, secret, sku, 1)
    return 1


def sign_in(arena: Arena, actor: Actor, secret: str) -> int:
    with arena.database.transaction() as session:
        person = account_queries.get_person(session, actor.user_id)
        cart.take_over_at_sign_in(session, person, secret)
    return 0


def held(arena: Arena, actor: Actor) -> dict[str, int]:
    with arena.database.transaction() as session:
        cart_id, _ = cart.open_own_cart(session, actor)
        found = cart_queries.get_cart(session, actor, cart_id)
    return {line.product.sku: line.quantity for line in found.items}


def test_units_added_from_many_tabs_all_count(arena: Arena) -> None:
    chances, skus = seeded_random("tabs"), [add_coin(arena.database) for _ in range(2)]
    for _ in rounds(ROUNDS, "one cart in many tabs"):
        actor = arena.people.customer()
        acts = [partial(open_and_add, arena, actor, sku) for sku in skus] * (THREADS // 2)
        carts = winners(arena.all_at_once(acts, chances))
        assert len(set(carts)) == 1
        assert held(arena, actor) == dict.fromkeys(skus, THREADS // 2)


def test_cart_is_taken_over_once_with_all_that_was_added_before(arena: Arena) -> None:
    chances, sku = seeded_random("take over"), add_coin(arena.database)
    for number in rounds(ROUNDS, "a cart taken over while it is filled"):
        people = [arena.people.customer() for _ in range(2)]
        with arena.database.transaction() as session:
            secret = cart.open_visitors_cart(session, network=f"198.51.100.{number}")
        sign_ins = [partial(sign_in, arena, person, secret) for person in people] * 4
        adds = [partial(add_as_visitor, arena, secret, sku)] * (THREADS - len(sign_ins))
        outcomes = winners(arena.all_at_once([*sign_ins, *adds], chances), CartNotFound)
        added = outcomes.count(1)
        assert sum(sum(held(arena, person).values()) for person in people) == added
