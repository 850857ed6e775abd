"""The list of movements: each posting on units, in order, read by the index of its account."""

from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from app.kit.db import Database, Session
from app.kit.list_query import ListQuery, fetch_all, fetch_page
from app.kit.statements import compile_select
from app.vault.movements.queries import MOVEMENTS
from app.vault.movements.rules import label_of
from app.vault.stock.rules import StockState
from tests.people import People
from tests.vault.goods import Goods


@pytest.fixture
def goods(people: People) -> Goods:
    goods = Goods.at_a_new_location(people)
    goods.receive(units="10")
    goods.sell(people.customer().user_id, units=2, price="8231.00", spot="4000.25")
    goods.receive(units="1", cost="3990.00")
    return goods


def found(database: Database, **filters: object) -> list[tuple[str, StockState, int]]:
    with database.reading() as session:
        return [
            (movement.cause, movement.state, movement.units)
            for movement in fetch_all(session, MOVEMENTS, filters, "posted")
        ]


def test_movements_are_the_postings_on_units_in_order(database: Database, goods: Goods) -> None:
    available, allocated = StockState.AVAILABLE, StockState.ALLOCATED
    moved = [
        ("goods_received", available, 10),
        ("test_sale", allocated, 2),
        ("test_sale", available, -2),
        ("goods_received", available, 1),
    ]
    assert sorted(found(database, sku=goods.sku)) == sorted(moved)
    assert found(database, location=goods.location.code, state=available) == [
        moved[0], moved[2], moved[3],
    ]  # fmt: skip
    assert found(database, sku="NO-SUCH-COIN") == []


def test_pages_lead_on_and_back(database: Database, goods: Goods) -> None:
    with database.reading() as session:
        query = ListQuery({"sku": goods.sku}, "-posted", limit=3)
        first = fetch_page(session, MOVEMENTS, query)
        second = fetch_page(
            session, MOVEMENTS, ListQuery({"sku": goods.sku}, "-posted", first.next_cursor, 3)
        )
        again = fetch_page(
            session, MOVEMENTS, ListQuery({"sku": goods.sku}, "-posted", second.previous_cursor, 3)
        )
    assert (len(first.rows), len(second.rows)) == (3, 1)
    assert again.rows == first.rows


@pytest.mark.parametrize("by", ["sku", "location"])
def test_movements_of_a_product_or_a_location_are_read_by_index(
    database: Database, goods: Goods, by: str
) -> None:
    """Without sequential scans, which a small table invites, no table is read as a whole."""
    values: Mapping[str, str] = {"sku": goods.sku, "location": goods.location.code}
    select = MOVEMENTS.select.where(MOVEMENTS.filters[by](values[by]))
    ordered = select.order_by(MOVEMENTS.sorts["posted"].desc(), MOVEMENTS.key.desc()).limit(26)
    with database.transaction() as session:
        plan = explain(session, ordered)
    assert "postings_account_id_entry_id_idx" in plan
    assert "Seq Scan on postings" not in plan
    assert "Seq Scan on accounts" not in plan


def explain(session: Session, select: sa.Select[Any]) -> str:
    """Return the plan of a read, without sequential scans where an index serves."""
    session.send("SET LOCAL enable_seqscan = off")
    text, values = compile_select(select).statement
    return "\n".join(line for (line,) in session.rows(f"EXPLAIN {text}", values))


def test_cause_without_a_label_is_shown_by_its_name() -> None:
    assert label_of("stock_sent") == "Sent to another location"
    assert label_of("goods_sold") == "Goods sold"
