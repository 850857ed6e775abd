"""A week of sales, replayed: what is sold is bought again, within the limits of each shelf."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from app.catalog.rules import USD
from app.fulfillment.restock import automation
from app.fulfillment.restock.needs import queries as needs_queries
from app.fulfillment.restock.needs.rules import ShelfState
from app.fulfillment.restock.purchase_orders import ordering
from app.fulfillment.restock.purchase_orders.ports import Wholesalers
from app.fulfillment.restock.purchase_orders.rules import RestockRules
from app.fulfillment.restock.receiving import service as receiving
from app.fulfillment.restock.receiving.service import ArrivedGoods
from app.kit import clock
from app.kit.money import Amount
from app.kit.ports import provide, resolve
from app.vault.alerts.service import StockPlace
from tests.drill import choose_size, seeded_random
from tests.fixed_settings import fixed_settings
from tests.fulfillment.restock.yard import Yard
from tests.people import People, set_prices
from tests.scripted_wholesaler import ScriptedWholesaler
from tests.vault.goods import Goods

Record = Callable[[str, object], None]
PRODUCTS, DAYS = choose_size(3, 20), 7
LOW, FULL = 5, 20


@pytest.fixture
def wholesaler() -> Iterator[ScriptedWholesaler]:
    before, scripted = resolve(Wholesalers), ScriptedWholesaler()
    provide(Wholesalers, Wholesalers({"fiztrade": scripted}))
    yield scripted
    provide(Wholesalers, before)


def _state(yard: Yard, goods: Goods) -> ShelfState:
    place = StockPlace(goods.sku, goods.location.id)
    with yard.database.reading() as session:
        return needs_queries.list_shelves(session, [place])[place]


def _restock(yard: Yard, wholesaler: ScriptedWholesaler) -> int:
    """Run restock, place what it planned, and receive it; return what it cost in cents."""
    with yard.database.transaction() as session:
        planned = automation.run(session)
    spent = 0
    for order_id in planned:
        if yard.now(order_id).location_id != yard.goods.location.id:
            continue
        ordering.advance(yard.database, order_id)
        order = yard.now(order_id)
        wholesaler.send(order.public_id)
        with yard.database.transaction() as session:
            lines = ordering.queries.list_lines(session, order_id)
            for line in lines:
                goods = ArrivedGoods(line.sku, f"DN-{order.number}", str(line.units))
                receiving.receive(session, yard.clerk, order_id, goods)
        assert yard.now(order_id).status == "received"
        spent += order.cost_usd or 0
    return spent


@pytest.mark.drill(name="restock")
def test_after_a_week_of_sales_shelves_are_between_their_bounds(
    people: People, wholesaler: ScriptedWholesaler, record_property: Record
) -> None:
    chances, spent, sold = seeded_random("a week of sales"), 0, 0
    rules = RestockRules(unapproved_max=Amount.parse(USD, "10000000"))
    with time_machine.travel(clock.now()) as traveller, fixed_settings(rules):
        set_prices(people.database, AU="4000")
        yard, customer = Yard.open(people, provider="fiztrade"), people.customer()
        shelves = [yard.goods]
        for _ in range(PRODUCTS - 1):
            other = Goods.at_a_new_location(people)
            shelves.append(replace(other, location=yard.goods.location))
        for goods in shelves:
            goods.receive(units="8", cost="32000.00")
            yard.sell_product(goods, fill_to=str(FULL))
        for _ in range(DAYS):
            for goods in shelves:
                units = min(chances.randint(0, 9), _state(yard, goods).available)
                if units:
                    goods.sell(
                        customer.user_id, units=units, price=f"{units * 4100}.00", spot="4000"
                    )
                    sold += units
            spent += _restock(yard, wholesaler)
            for goods in shelves:
                state = _state(yard, goods)
                assert state.on_hand + state.on_order <= FULL
            traveller.shift(timedelta(days=1))
            set_prices(people.database, AU="4000")
        ends = [_state(yard, goods).available for goods in shelves]
    assert all(LOW <= available <= FULL for available in ends), ends
    assert spent > 0
    record_property(
        "evidence",
        f"A week of sales of {PRODUCTS} products, {sold} units: {Amount(USD, spent)} USD were spent"
        " on restock, no shelf was ever filled beyond its limit, and each ended in its bounds.",
    )
