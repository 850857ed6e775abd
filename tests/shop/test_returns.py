"""Returns of goods: what comes back, what is refunded to the cent, and where the goods are then."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from app.access import Actor, Role
from app.catalog.products.rules import ProductForm
from app.catalog.rules import USD, XAG, Metal
from app.fulfillment.shipments import queries as shipments_queries
from app.kit import clock, ids
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.ledger.chart import AccountClass
from app.shop.orders.errors import OwnOrder
from app.shop.orders.queries import GoodsOrder
from app.shop.refunds import queries as refunds_queries
from app.shop.returns import inspections, requesting
from app.shop.returns.errors import NotAsSold, PhotoMissing, ReturnMovedOn, ReturnWindowClosed
from app.shop.returns.rules import Finding, ReturnReason, keep_to_market
from app.tax.assessment import Delivery
from app.vault.assays import queries as assays_queries
from app.vault.assays import service as assays
from app.vault.assays.service import NewAssay
from app.vault.bars.errors import SerialMismatch
from app.vault.lots.errors import InsufficientStock
from tests.people import People, set_prices
from tests.second_person import approve
from tests.shop.return_desk import REASON, ReturnDesk, deliver
from tests.shop.sales_range import tier
from tests.shop.stall import NEW_HAMPSHIRE, Stall, proven
from tests.shop.test_cancellations import balance_sheet, changes, order_now
from tests.shop.test_refunds import refund
from tests.unchanged_database import database_unchanged
from tests.vault.goods import Goods


@pytest.fixture
def stall(people: People) -> Stall:
    return Stall.open(people)


@pytest.fixture
def desk(stall: Stall, people: People) -> ReturnDesk:
    return ReturnDesk.open(stall, people)


def delivered(desk: ReturnDesk, buyer: Actor, goods: Goods, quantity: int) -> GoodsOrder:
    """Buy goods and have them delivered to New Hampshire, without tax."""
    lock = desk.stall.lock(buyer, goods, quantity=quantity)
    order = desk.stall.buy(
        proven(buyer), lock, delivery=Delivery.SHIP, shipping_address=NEW_HAMPSHIRE
    )
    deliver(desk.database, desk.keeper, order.id)
    return order


def messages_to(desk: ReturnDesk, person: Actor) -> list[str]:
    """Return the kinds of the messages to a person, in order."""
    with desk.database.reading() as session:
        staged = session.rows(
            "SELECT args ->> 'kind' FROM outbox WHERE task = 'messages.deliver'"
            " AND args ->> 'user_id' = %s ORDER BY id",
            (str(person.user_id),),
        )
    return [kind for (kind,) in staged]


def silver(stall: Stall, units: int = 10) -> Goods:
    return stall.coins(units, metal="AG", fine="0.999")


def states(goods: Goods) -> dict[str, int]:
    """Return the units of goods by state."""
    found = {
        state.value.removeprefix("stock."): goods.in_state(state)
        for state in (
            AccountClass.STOCK_AVAILABLE, AccountClass.STOCK_QUARANTINE,
            AccountClass.STOCK_ALLOCATED,
        )
    }  # fmt: skip
    return {name: units for name, units in found.items() if units}


def pass_assay(desk: ReturnDesk, goods: Goods, examiner: Actor, serials: str = "") -> None:
    """Examine what is in quarantine of a product, and find it genuine."""
    with desk.database.transaction() as session:
        [row] = [
            each
            for each in session.select(
                assays_queries.QUARANTINES.row, assays_queries.QUARANTINES.select
            )
            if each.sku == goods.sku and each.waiting
        ]
        assay = NewAssay(str(row.waiting), "passed", "xrf", "Ag 99.9 %", serials)
        assays.record_assay(session, examiner, row.id, assay)


def test_return_through_quarantine_to_stock(stall: Stall, desk: ReturnDesk, people: People) -> None:
    """Three coins of 52.71 are delivered. Two are damaged and come back to another branch: 105.42
    and the shipping go back, and the coins are for sale there once they passed an assay. Silver
    falls to 40; then the third comes back, since its buyer changed their mind."""
    coins, buyer = silver(stall), stall.buyer(USD="500")
    order = delivered(desk, buyer, coins, 3)
    shipping = order.shipping + order.insurance
    sold = balance_sheet(stall.database)
    left = Amount.parse(USD, people.balances(buyer)["USD"])
    elsewhere = coins.at_another_location(people)
    return_id = desk.request(buyer, order, 2)
    desk.approve(return_id, elsewhere.location.code)
    desk.receive(return_id, f"{coins.sku}*2")
    assert states(elsewhere) == {"allocated": 2}
    with database_unchanged(stall.database), pytest.raises(PhotoMissing):
        desk.inspect(return_id)
    photo_id = desk.photograph(return_id)
    inspections.draw_photo(stall.database, photo_id)
    with stall.database.reading() as session:
        assert inspections.read_photo(session, photo_id)[:4] == b"RIFF"
    desk.inspect(return_id)
    assert balance_sheet(stall.database)
    assert desk.refund(return_id) is None
    now = order_now(stall.database, order)
    assert (now.status, now.is_partially_refunded) == ("delivered", True)
    assert now.refunded == Amount.parse(USD, "105.42") + shipping
    assert people.balances(buyer) == {"USD": str(left + now.refunded)}
    assert states(elsewhere) == {"quarantine": 2}
    assert messages_to(desk, buyer)[-3:] == [
        "goods_return_changed", "goods_return_changed", "goods_order_refunded",
    ]  # fmt: skip
    pass_assay(desk, coins, people.staff(Role.ADMIN))
    assert states(elsewhere) == {"available": 2}
    assert states(coins) == {"available": 7}
    # Their metal came back at the 50.20 at which it was sold, into the books of the other branch.
    moved = changes(sold, balance_sheet(stall.database))
    assert moved["position", "USD"] == 2 * 50_20
    assert moved["inventory.metal", "XAG-s"] == 2 * XAG.unit
    _return_the_last(desk, people, buyer, order, coins)


def _return_the_last(
    desk: ReturnDesk, people: People, buyer: Actor, order: GoodsOrder, coins: Goods
) -> None:
    before = people.balances(buyer)["USD"]
    set_prices(desk.database, AG="40")
    return_id = desk.request(buyer, order, 1, ReturnReason.CHANGED_MIND)
    desk.approve(return_id, coins.location.code)
    desk.receive(return_id, coins.sku)
    desk.photograph(return_id)
    desk.inspect(return_id, Finding.AS_SOLD)
    desk.refund(return_id)
    with desk.database.reading() as session:
        *_, last = refunds_queries.list_refunds(session, [order.id])
    # The bid is 39.84: its metal lost 10.36, and the premium of 2.51 is not refunded.
    sums = [str(each) for each in (last.goods, last.loss, last.fee, last.total)]
    assert sums == ["52.71", "10.36", "2.51", "39.84"]
    assert order_now(desk.database, order).status == "returned"
    assert states(coins) == {"available": 7, "quarantine": 1}
    after = Amount.parse(USD, people.balances(buyer)["USD"])
    assert after == Amount.parse(USD, before) + last.total
    balance_sheet(desk.database)


def test_lower_of_price_and_market_is_refunded() -> None:
    """Twenty ounces of silver, sold for 640 at 30: at 25 they give 500, and never more than 640."""
    price, ounces = Amount.parse(USD, "640"), Amount(XAG, 20 * XAG.unit)
    for offset, loss, fee in (("25", "100.00", "40.00"), ("31", "0.00", "20.00"),
                              ("40", "0.00", "0.00")):  # fmt: skip
        kept = keep_to_market(0, price, ounces, Decimal(30), Decimal(offset))
        assert (str(kept.loss.amount), str(kept.fee)) == (loss, fee)


def test_wrong_bar_is_a_mismatch_and_the_other_bar_of_the_order_is_exchanged(
    stall: Stall, desk: ReturnDesk, people: People
) -> None:
    sku = stall.range.add(
        tier(per_ounce="1"), metal=Metal.AG, form=ProductForm.BAR, gross="100", is_serialized=True
    )
    bars, code = stall.range.shelf(people, sku, stall.branch_id), ids.new().hex[-8:].upper()
    made = [f"{letter}{code}, Mint of tests, 100, 0.999" for letter in "ABC"]
    bars.receive_bars("\n".join(made), cost="15300.00", spot="50")
    buyer = stall.buyer(USD="20000")
    order = delivered(desk, buyer, bars, 2)
    before = balance_sheet(stall.database)
    with stall.database.reading() as session:
        [sent] = shipments_queries.list_shipments_of(session, order.id)
        sold = {line.serial for line in shipments_queries.list_lines(session, sent.id)}
    [unsold] = {f"{letter}{code}" for letter in "ABC"} - sold
    return_id = desk.request(buyer, order)
    # One bar of the line is claimed; the customer sends the other one.
    [claimed] = {part.serial for part in desk.now(return_id).parts}
    [other] = sold - {claimed}
    desk.approve(return_id, bars.location.code)
    with database_unchanged(stall.database):
        for scanned in (unsold, f"Z{code}"):
            with pytest.raises(SerialMismatch):
                desk.receive(return_id, scanned)
        with pytest.raises(Invalid):
            desk.receive(return_id, f"{claimed}\n{other}")
    desk.receive(return_id, str(other))
    desk.photograph(return_id)
    desk.inspect(return_id)
    desk.exchange(return_id)
    assert desk.now(return_id).status == "exchanged"
    with stall.database.reading() as session:
        [shipment] = shipments_queries.list_shipments_of(session, return_id)
        [line] = shipments_queries.list_lines(session, shipment.id)
    assert (line.serial, shipment.subject.words) == (
        unsold,
        f"return {desk.now(return_id).number}",
    )
    assert states(bars) == {"quarantine": 1, "allocated": 1}
    assert changes(before, balance_sheet(stall.database)) == {
        ("stock.allocated", sku): 1, ("customer.goods", sku): -1,
        ("stock.available", sku): -1, ("stock.quarantine", sku): 1,
    }  # fmt: skip
    # Nothing is left to exchange the other one for: it can be refunded.
    second = desk.request(buyer, order)
    desk.take_in(second, bars.location.code, str(claimed))
    with database_unchanged(stall.database), pytest.raises(InsufficientStock):
        desk.exchange(second)
    approve(stall.database, people.staff(Role.ADMIN), desk.refund(second))
    assert desk.now(second).status == "refunded"
    assert states(bars) == {"quarantine": 2, "allocated": 1}
    balance_sheet(stall.database)


def test_goods_that_are_not_as_sold_go_back_to_their_customer(
    stall: Stall, desk: ReturnDesk
) -> None:
    coins, buyer = silver(stall), stall.buyer(USD="500")
    order = delivered(desk, buyer, coins, 2)
    before = balance_sheet(stall.database)
    return_id = desk.request(buyer, order, 2)
    desk.approve(return_id, coins.location.code)
    # One of two came: the other is claimed no more.
    desk.receive(return_id, coins.sku)
    desk.photograph(return_id)
    desk.inspect(return_id, Finding.CHANGED)
    with database_unchanged(stall.database):
        for act in (desk.refund, desk.exchange):
            with pytest.raises(NotAsSold):
                act(return_id)
    desk.send_back(return_id)
    with stall.database.reading() as session:
        [shipment] = shipments_queries.list_shipments_of(session, return_id)
    assert (shipment.status, shipment.units) == ("requested", 1)
    assert changes(before, balance_sheet(stall.database)) == {
        ("stock.allocated", coins.sku): 1, ("customer.goods", coins.sku): -1,
    }  # fmt: skip
    with database_unchanged(stall.database):
        for act in (desk.refund, desk.exchange, desk.send_back, desk.refuse):
            with pytest.raises(ReturnMovedOn):
                act(return_id)
    # Both can be returned again, and refunded without a return.
    desk.refuse(desk.request(buyer, order, 2))
    called_off = desk.request(buyer, order, 2)
    with stall.database.transaction() as session:
        requesting.cancel_for_customer(session, desk.clerk, called_off, reason=REASON)
    assert desk.now(called_off).status == "cancelled"
    refund(stall.database, desk.clerk, order, 2)
    with pytest.raises(Invalid):
        desk.request(buyer, order)


def test_no_unit_is_returned_twice_nor_late_nor_refunded_meanwhile(
    stall: Stall, desk: ReturnDesk
) -> None:
    coins, buyer = silver(stall), stall.buyer(USD="500")
    lock = stall.lock(buyer, coins, quantity=3)
    order = stall.buy(proven(buyer), lock, delivery=Delivery.SHIP, shipping_address=NEW_HAMPSHIRE)
    with pytest.raises(ReturnWindowClosed):
        desk.request(buyer, order)
    deliver(desk.database, desk.keeper, order.id)
    return_id = desk.request(buyer, order, 2)
    own = replace(desk, clerk=replace(desk.clerk, user_id=buyer.user_id))
    with database_unchanged(stall.database):
        with pytest.raises(Invalid):
            desk.request(buyer, order, 2)
        with pytest.raises(Invalid):
            refund(stall.database, desk.clerk, order, 2)
        with pytest.raises(OwnOrder):
            own.approve(return_id, coins.location.code)
        late = clock.now() + timedelta(days=14, minutes=1)
        with time_machine.travel(late, tick=False), pytest.raises(ReturnWindowClosed):
            desk.request(buyer, order)
    refund(stall.database, desk.clerk, order, 1)
    desk.take_in(return_id, coins.location.code, f"{coins.sku}*2")
    desk.refund(return_id)
    now = order_now(stall.database, order)
    assert (now.status, str(now.refunded - now.shipping - now.insurance)) == ("returned", "158.13")
