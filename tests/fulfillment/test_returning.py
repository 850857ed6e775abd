"""Parcels of returns: their label is bought once, tracked, and cancelled with the return."""

from dataclasses import dataclass
from uuid import UUID

import pytest

from app.access import Actor
from app.fulfillment.carriers.rules import TrackingStatus
from app.fulfillment.parcels.errors import NotInsurable
from app.fulfillment.strategies.rules import FulfillmentRules
from app.fulfillment.tracking import queries as tracking_queries
from app.kit.errors import Invalid, NotFound
from app.shop.orders.queries import GoodsOrder
from app.shop.returns import labels, requesting
from app.shop.returns.requesting import ReturnRequest
from app.shop.returns.rules import ReturnReason
from app.tax.assessment import Delivery
from tests.fixed_settings import fixed_settings
from tests.fulfillment.dispatch import Dispatch
from tests.mailbox import run_pending_jobs
from tests.paying_customer import usd
from tests.people import People
from tests.scripted_carriers import ScriptedCarrier
from tests.scripted_rails import CallFault
from tests.shop.return_desk import ReturnDesk, deliver
from tests.shop.stall import NEW_HAMPSHIRE, proven
from tests.unchanged_database import database_unchanged
from tests.vault.goods import Goods

BUY = "shop.buy_return_label"


@dataclass(frozen=True)
class Sale:
    """An order of two coins that is delivered, and its customer."""

    desk: ReturnDesk
    buyer: Actor
    order: GoodsOrder
    coins: Goods

    def request(self, units: int = 1) -> UUID:
        """Request a return by parcel."""
        wanted = ReturnRequest({0: units}, ReturnReason.DAMAGED)
        with self.desk.database.transaction() as session:
            return requesting.request(session, self.buyer, self.order.id, wanted).id

    def number(self, return_id: UUID) -> str | None:
        """Return the tracking number of the parcel."""
        with self.desk.database.reading() as session:
            track = tracking_queries.parcel_track(session, return_id)
        return track.tracking_number if track else None


@pytest.fixture
def sale(dispatch: Dispatch, people: People) -> Sale:
    stall, desk = dispatch.stall, ReturnDesk.open(dispatch.stall, people)
    coins, buyer = stall.coins(metal="AG", fine="0.999"), proven(stall.buyer(USD="500"))
    lock = stall.lock(buyer, coins, quantity=2)
    order = stall.buy(buyer, lock, delivery=Delivery.SHIP, shipping_address=NEW_HAMPSHIRE)
    deliver(stall.database, desk.keeper, order.id)
    return Sale(desk, buyer, order, coins)


def test_label_is_bought_once_and_the_return_follows_its_parcel(
    sale: Sale, carrier: ScriptedCarrier
) -> None:
    database, return_id = sale.desk.database, sale.request()
    sale.desk.approve(return_id, sale.coins.location.code)
    with database.reading() as session, pytest.raises(NotFound):
        labels.read_label(session, sale.desk.now(return_id))
    run_pending_jobs(database, BUY)
    labels.buy_label(database, return_id)
    [number] = carrier.paid()
    assert number == sale.number(return_id)
    with database.reading() as session:
        assert labels.read_label(session, sale.desk.now(return_id)).startswith(b"%PDF")
    for status, expected in (
        (TrackingStatus.LABEL_CREATED, "approved"),
        (TrackingStatus.IN_TRANSIT, "in_transit"),
        (TrackingStatus.DELIVERED, "in_transit"),
    ):
        carrier.report(database, number, status)
        run_pending_jobs(database, "shop.return_parcel_moved")
        assert sale.desk.now(return_id).status == expected
    sale.desk.receive(return_id, sale.coins.sku)
    assert sale.desk.now(return_id).status == "received"


def test_label_of_a_return_that_is_cancelled_costs_nothing(
    sale: Sale, carrier: ScriptedCarrier
) -> None:
    database, return_id = sale.desk.database, sale.request()
    sale.desk.approve(return_id, sale.coins.location.code)
    run_pending_jobs(database, BUY)
    for _ in range(2):
        with database.transaction() as session:
            requesting.cancel(session, sale.buyer, return_id)
    run_pending_jobs(database, "shop.cancel_return_label")
    assert (carrier.paid(), sale.number(return_id)) == ([], None)
    # A label that is bought after that would be paid for nothing.
    labels.buy_label(database, return_id)
    assert carrier.paid() == []


def test_label_that_the_carrier_does_not_sell_is_a_case(
    sale: Sale, carrier: ScriptedCarrier, people: People
) -> None:
    carrier.faults.append(CallFault.REFUSED)
    return_id = sale.request()
    sale.desk.approve(return_id, sale.coins.location.code)
    run_pending_jobs(sale.desk.database, BUY)
    with sale.desk.database.reading() as session:
        titles = session.rows(
            "SELECT title FROM cases WHERE subject = %s", (sale.desk.now(return_id).public_id,)
        )
    assert titles == [("The carrier does not sell the label of a return",)]


def test_goods_that_no_parcel_insures_and_those_that_were_collected_are_brought(
    sale: Sale, people: People
) -> None:
    return_id, cap = sale.request(2), usd("100")
    few = fixed_settings(FulfillmentRules(jm_parcel_max=cap, brinks_parcel_max=cap))
    with database_unchanged(sale.desk.database), few, pytest.raises(NotInsurable):
        sale.desk.approve(return_id, sale.coins.location.code)
    kept = sale.desk.stall.buy(sale.buyer, sale.desk.stall.lock(sale.buyer, sale.coins))
    wanted = ReturnRequest({0: 1}, ReturnReason.DAMAGED)
    with sale.desk.database.transaction() as session, pytest.raises(Invalid):
        requesting.request(session, sale.buyer, kept.id, wanted)
