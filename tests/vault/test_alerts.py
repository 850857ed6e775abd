"""Alerts of low stock: one for each need, in the transaction of each movement."""

from dataclasses import replace
from threading import Barrier, Thread
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.access import Actor, Role
from app.catalog.products.models import Product
from app.kit import clock, ids
from app.kit.db import Database
from app.ledger import service as ledger
from app.ledger.chart import AccountClass
from app.vault.alerts import service as alerts
from app.vault.alerts.models import StockAlert
from app.vault.lots.errors import InsufficientStock
from app.vault.stock import service as stock
from app.vault.stock.rules import StockLevel, level_of
from tests.people import People
from tests.recorded_trips import record_trips
from tests.vault.goods import Goods

ENOUGH, LOW, CRITICAL = StockLevel.ENOUGH, StockLevel.LOW, StockLevel.CRITICAL
_MESSAGES = "SELECT args FROM outbox WHERE task = 'messages.send_mail' AND args ->> 'user_id' = %s"


@pytest.fixture
def goods(people: People) -> Goods:
    """Ten coins, of which fewer than five are low."""
    goods = Goods.at_a_new_location(people)
    goods.receive()
    return goods


def levels(goods: Goods) -> list[StockLevel]:
    """Return the levels of all alerts of the goods, the latest last; enough: it has ended."""
    select = sa.select(StockAlert.level).where(StockAlert.sku == goods.sku).order_by(StockAlert.id)
    with goods.database.reading() as session:
        return session.select(lambda level: level, select)


def release(goods: Goods, *hold_ids: UUID) -> None:
    with goods.database.transaction() as session:
        ledger.void_holds(session, hold_ids, at=clock.now())


def test_level_is_low_below_the_point_and_critical_at_zero() -> None:
    levels_by_units = [level_of(available, 5) for available in (6, 5, 4, 1, 0)]
    assert levels_by_units == [ENOUGH, ENOUGH, LOW, LOW, CRITICAL]
    assert level_of(0, 0) is ENOUGH


def test_reservation_opens_one_alert_that_becomes_critical_and_ends_with_a_delivery(
    goods: Goods,
) -> None:
    goods.reserve(5)
    assert levels(goods) == []
    goods.reserve(1)
    assert levels(goods) == [LOW]
    goods.reserve(4)
    assert levels(goods) == [CRITICAL]
    goods.receive(units="4", cost="15960.00")
    assert levels(goods) == [LOW]
    goods.receive(units="1", cost="3990.00")
    assert levels(goods) == [ENOUGH]
    goods.reserve(1)
    assert levels(goods) == [ENOUGH, LOW]


def test_check_travels_with_the_commit_of_the_movement(
    goods: Goods, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reservation makes no trip of its own for the alert that it opens."""
    units, hold_id = goods.units(6), ids.new()
    trips = record_trips(monkeypatch)
    with goods.database.transaction() as session:
        stock.reserve(
            session, units, hold_id=hold_id, cause="test_reservation", placed_at=clock.now()
        )
    [checking] = [trip for trip in trips if any("stock_alerts" in text for text in trip)]
    assert checking[-1] == "COMMIT"
    assert levels(goods) == [LOW]


def test_movement_to_another_state_is_checked_and_a_refused_one_changes_nothing(
    goods: Goods,
) -> None:
    goods.change_state(7, AccountClass.STOCK_AVAILABLE, AccountClass.STOCK_QUARANTINE)
    assert levels(goods) == [LOW]
    with pytest.raises(InsufficientStock):
        goods.reserve(4)
    assert levels(goods) == [LOW]
    goods.change_state(7, AccountClass.STOCK_QUARANTINE, AccountClass.STOCK_AVAILABLE)
    assert levels(goods) == [ENOUGH]


def test_staff_who_receive_goods_are_notified_once_of_each_level(
    goods: Goods, people: People, database: Database
) -> None:
    keeper, auditor = people.staff(Role.INVENTORY), people.staff(Role.AUDITOR)

    def notified(person: Actor) -> int:
        with database.transaction() as session:
            alerts.follow(session)
            found = session.rows(_MESSAGES, (str(person.user_id),))
        return sum(goods.sku in args["values"]["places"] for (args,) in found)

    # One message names twenty: those of other tests go first.
    notified(keeper)
    goods.reserve(6)
    assert [notified(keeper), notified(keeper), notified(auditor)] == [1, 1, 0]
    goods.reserve(4)
    assert [notified(keeper), notified(keeper)] == [2, 2]
    goods.receive(units="4", cost="15960.00")
    assert notified(keeper) == 2


def test_alert_ends_when_a_reservation_does(goods: Goods, database: Database) -> None:
    hold_id = goods.reserve(10)
    release(goods, hold_id)
    with database.transaction() as session:
        alerts.follow(session)
    assert levels(goods) == [ENOUGH]


def test_check_of_all_stock_finds_what_no_movement_showed(goods: Goods, database: Database) -> None:
    """The point below which the product is low is raised, and lowered again."""
    for reorder_below, expected in ((11, [LOW]), (11, [LOW]), (10, [ENOUGH])):
        with database.transaction() as session:
            session.write(
                sa.update(Product)
                .where(Product.sku == goods.sku)
                .values(reorder_below=reorder_below)
            )
            alerts.check_all(session)
        assert levels(goods) == expected


def test_many_movements_at_once_open_one_alert(goods: Goods) -> None:
    """Ten buyers reserve a coin each while a delivery of one arrives and stock is followed."""
    start = Barrier(12)

    def run(act: str) -> None:
        start.wait()
        if act == "reserve":
            goods.reserve(1)
        elif act == "receive":
            goods.receive(units="1", cost="3990.00")
        else:
            with goods.database.transaction() as session:
                alerts.follow(session)

    threads = [Thread(target=run, args=(act,)) for act in ["reserve"] * 10 + ["receive", "follow"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert goods.available() == 11
    ended = {ENOUGH}
    *earlier, latest = levels(goods)
    assert latest is LOW
    assert set(earlier) <= ended


def test_location_where_goods_pass_through_needs_none(people: People, database: Database) -> None:
    goods = Goods.at_a_new_location(people)
    with database.transaction() as session:
        session.send("UPDATE locations SET kind = 'receiving' WHERE id = %s", (goods.location.id,))
    passing = replace(goods)
    passing.receive(units="1", cost="3990.00")
    assert levels(passing) == []
