"""Sales of goods: what they earn, which lot they use up, and that a coin is sold once."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.db import Database
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger.chart import AccountClass
from app.vault.lots.errors import InsufficientStock
from app.vault.lots.rules import LotPart, take_first_in
from tests.people import People
from tests.unchanged_database import database_unchanged
from tests.vault.goods import Goods, postings_of


@pytest.fixture
def goods(people: People) -> Goods:
    return Goods.at_a_new_location(people)


def test_sale_earns_the_premium_paid_less_the_premium_it_cost(
    database: Database, goods: Goods, people: People
) -> None:
    """Ten eagles cost 39,900.00 at a spot of 3,900: 90.00 above the metal each. Two are sold at
    4,115.50 each while gold is at 4,000.25: 115.25 above the metal each. 50.50 are earned."""
    goods.receive()
    reference = goods.sell(people.customer().user_id, units=2, price="8231.00", spot="4000.25")
    assert postings_of(database, reference) == {
        ("stock.available", goods.sku): "-2",
        ("stock.position", goods.sku): "2",
        ("stock.allocated", goods.sku): "2",
        ("customer.goods", goods.sku): "-2",
        ("inventory.metal", "XAU-s"): "-2.00000000",
        ("position", "XAU-s"): "2.00000000",
        ("position", "USD"): "-8000.50",
        ("sales.premium", "USD"): "-230.50",
        ("sales.premium_cost", "USD"): "180.00",
        ("inventory.premium", "USD"): "-180.00",
        ("capital", "USD"): "8231.00",
    }
    assert goods.available() == 8
    assert goods.left() == {"units": 8, "premium": "720.00"}


def test_first_delivery_is_sold_first_and_its_last_unit_takes_the_rest_of_its_premium(
    database: Database, goods: Goods, people: People
) -> None:
    goods.receive(units="3", cost="11800.00")
    goods.receive(units="2", cost="8000.00")
    customer = people.customer().user_id
    costs = [
        postings_of(database, goods.sell(customer, units=units, price="4100.00", spot="3900"))[
            "sales.premium_cost", "USD"
        ]
        for units in (1, 1, 2, 1)
    ]
    assert costs == ["33.33", "33.34", "133.33", "100.00"]
    assert goods.left() == {"units": 0, "premium": "0.00"}


@given(
    left=st.lists(st.tuples(st.integers(1, 9), st.integers(-500, 500)), min_size=1, max_size=4),
    takes=st.lists(st.integers(1, 9), max_size=12),
)
def test_no_cent_of_premium_is_lost_however_units_are_taken(
    left: list[tuple[int, int]], takes: list[int]
) -> None:
    parts = [
        LotPart(UUID(int=number), units, units * 10**8, premium)
        for number, (units, premium) in enumerate(left)
    ]
    everything = [*takes, sum(part.units for part in parts)]
    gone: list[LotPart] = []
    for units in everything:
        taken = take_first_in([part for part in parts if part.units], units)
        gone += taken
        by_lot = {part.lot_id: part for part in taken}
        parts = [less(part, by_lot.get(part.lot_id)) for part in parts]
    assert not any((part.units, part.ounces_units, part.premium_usd) != (0, 0, 0) for part in parts)
    assert sum(part.premium_usd for part in gone) == sum(premium for _, premium in left)
    assert [part.lot_id for part in gone] == sorted(part.lot_id for part in gone)


def less(part: LotPart, taken: LotPart | None) -> LotPart:
    if taken is None:
        return part
    return LotPart(
        part.lot_id,
        part.units - taken.units,
        part.ounces_units - taken.ounces_units,
        part.premium_usd - taken.premium_usd,
    )


def test_reserved_units_are_not_reserved_again(database: Database, goods: Goods) -> None:
    goods.receive(units="3")
    goods.reserve(2)
    with database_unchanged(database), pytest.raises(InsufficientStock):
        goods.reserve(2)
    goods.reserve(1)


def test_goods_are_packed_and_delivered_to_their_owner(
    database: Database, goods: Goods, people: People
) -> None:
    goods.receive()
    owner = people.customer().user_id
    goods.sell(owner, units=2, price="8231.00", spot="4000.25")
    goods.change_state(2, AccountClass.STOCK_ALLOCATED, AccountClass.STOCK_PICKED)
    goods.deliver(2, owner)
    with database.reading() as session:
        owned = chart.customer_goods(goods.product.asset, owner)
        assert ledger_queries.account_balance(session, owned) == 0
    with database_unchanged(database), pytest.raises(InsufficientStock):
        goods.deliver(1, owner)
