"""Parcels that come back or are lost: their goods are sent again, replaced, or given back."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import pytest

from app.access import Actor, Role
from app.catalog.rules import USD
from app.fulfillment.carriers.rules import TrackingStatus
from app.fulfillment.claims import queries as claims_queries
from app.fulfillment.claims import service as claims
from app.fulfillment.claims.errors import ClaimDecided, ClaimFiled, NothingToClaim
from app.fulfillment.parcels import queries as parcels_queries
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments import readdressing
from app.fulfillment.shipments.errors import (
    GoodsNotScanned,
    LabelsPending,
    RecipientNotCleared,
    ShipmentMovedOn,
)
from app.fulfillment.shipments.queries import ShipmentRow
from app.fulfillment.undelivered import service as undelivered
from app.fulfillment.undelivered import settling
from app.fulfillment.undelivered.errors import ParcelDelivered, ParcelNotLost
from app.fulfillment.undelivered.settling import Settlement
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.redemption.requests.queries import Redemption
from app.screening import recipients
from app.shop.orders.queries import GoodsOrder
from app.vault.locations import queries as locations_queries
from tests import second_person
from tests.fulfillment.dispatch import Dispatch
from tests.fulfillment.road import Road
from tests.mailbox import run_pending_jobs
from tests.people import People
from tests.redemption.counter import Counter
from tests.scripted_carriers import ScriptedCarrier
from tests.shop.stall import BOSTON, NEW_HAMPSHIRE
from tests.vault.goods import Goods, postings_of

S = TrackingStatus
Result = TypeVar("Result")


class Desk:
    """The clerk of a dispatch room, and a second person."""

    def __init__(self, dispatch: Dispatch) -> None:
        self.dispatch = dispatch
        self.checker: Actor = dispatch.stall.people.staff(Role.ADMIN)

    def act(self, verb: Callable[..., Result], *args: object, **details: object) -> Result:
        with self.dispatch.database.transaction() as session:
            result = verb(session, self.dispatch.clerk, *args, **details)
        self.dispatch.settle()
        run_pending_jobs(self.dispatch.database, "redemption.shipment_changed")
        return result

    def settle(self, shipment_id: UUID, settlement: Settlement) -> None:
        request = self.act(
            settling.request_settlement, shipment_id, settlement, reason="as the carrier says"
        )
        second_person.approve(self.dispatch.database, self.checker, request)
        self.dispatch.settle()
        run_pending_jobs(self.dispatch.database, "redemption.shipment_changed")

    def shipment(self, shipment_id: UUID) -> ShipmentRow:
        with self.dispatch.database.reading() as session:
            return shipments_queries.get_shipment(session, shipment_id)

    def successor(self, shipment_id: UUID) -> ShipmentRow:
        """Return the shipment that sends the goods of one again."""
        with self.dispatch.database.reading() as session:
            [found] = shipments_queries.list_successors(session, shipment_id)
        return found


@pytest.fixture
def desk(dispatch: Dispatch) -> Desk:
    return Desk(dispatch)


@pytest.fixture
def road(dispatch: Dispatch, carrier: ScriptedCarrier, ten_thousand_a_parcel: None) -> Road:
    """Five coins in three parcels on their way: two, two and one."""
    road = Road(dispatch, carrier, coins=5)
    road.report(S.PICKED_UP, S.PICKED_UP, S.PICKED_UP)
    return road


def test_lost_parcel_is_claimed_and_replaced_and_the_others_are_delivered(
    desk: Desk, road: Road, dispatch: Dispatch
) -> None:
    first, second, third = road.parcels
    road.report(S.DELIVERED, S.LOST, S.DELIVERED)
    with pytest.raises(ParcelNotLost):
        desk.act(undelivered.declare_lost, first.id, evidence="it is nowhere to be found")
    lost = desk.act(undelivered.declare_lost, second.id, evidence="search 4711")
    assert (road.shipment_of(third), desk.shipment(lost).status) == ("delivered", "lost")
    assert (desk.shipment(lost).units, dispatch.now(road.order).status) == (2, "shipped")
    with pytest.raises(Invalid, match="insured"):
        desk.act(claims.file, lost, claimed=_usd("8416.81"), reference="C-1")
    desk.act(claims.file, lost, claimed=_usd("8416.80"), reference="C-1")
    with pytest.raises(ClaimFiled):
        desk.act(claims.file, lost, claimed=_usd("1.00"), reference="C-2")
    desk.act(claims.decide, lost, paid=_usd("8000.00"))
    with pytest.raises(ClaimDecided):
        desk.act(claims.decide, lost, paid=Amount(USD, 0))
    with dispatch.database.reading() as session:
        claim = claims_queries.find_claim(session, lost)
    assert claim is not None
    assert postings_of(dispatch.database, f"{claim.public_id}:decided") == {
        ("bank", "USD"): "8000.00",
        ("shrinkage", "USD"): "416.80",
        ("carrier_claims", "USD"): "-8416.80",
    }
    desk.settle(lost, Settlement.REPLACE)
    replacement = desk.successor(lost)
    dispatch.advance(replacement.id, "delivered")
    assert (desk.shipment(lost).status, dispatch.now(road.order).status) == (
        "cancelled", "delivered",
    )  # fmt: skip
    assert dispatch.units(road.goods) == {"available": 3}
    dispatch.verify()


def test_parcel_that_came_back_is_scanned_and_sent_again(
    desk: Desk, road: Road, dispatch: Dispatch
) -> None:
    first, _second, third = road.parcels
    road.report(S.DELIVERED, S.DELIVERED, S.RETURNED)
    with pytest.raises(ParcelDelivered):
        desk.act(undelivered.take_back, first.id, evidence="at the door")
    back = desk.act(undelivered.take_back, third.id, evidence="at the door")
    with pytest.raises(GoodsNotScanned):
        desk.act(undelivered.send_again, back)
    dispatch.scan_all(back)
    again = desk.act(undelivered.send_again, back)
    dispatch.advance(again, "delivered")
    assert dispatch.now(road.order).status == "delivered"
    assert dispatch.units(road.goods) == {"available": 5}
    dispatch.verify()


@pytest.mark.parametrize("fate", [S.LOST, S.RETURNED])
def test_order_of_undelivered_goods_is_refunded(
    desk: Desk, road: Road, dispatch: Dispatch, fate: TrackingStatus
) -> None:
    total = dispatch.now(road.order).goods
    road.report(fate, fate, fate)
    for parcel in road.parcels:
        gone = _take_off_the_way(desk, dispatch, parcel.id, fate)
        desk.settle(gone, Settlement.GIVE_BACK)
    order: GoodsOrder = dispatch.now(road.order)
    assert order.status == "refunded"
    assert total.units <= order.refunded_units <= order.total_units
    left = {"available": 10 if fate is S.RETURNED else 5}
    assert dispatch.units(road.goods) == left
    dispatch.verify()


@pytest.mark.parametrize("fate", [S.LOST, S.RETURNED])
def test_metal_of_undelivered_pieces_is_the_customers_again(
    people: People, carrier: ScriptedCarrier, fate: TrackingStatus
) -> None:
    counter = Counter.open(people)
    quote = counter.quote(pickup_branch_id=None)
    redemption: Redemption = counter.submit(quote, shipping_address=NEW_HAMPSHIRE)
    counter.approve(redemption)
    run_pending_jobs(counter.database, "redemption.request_shipments")
    dispatch = Dispatch.open(counter.stall)
    desk = Desk(dispatch)
    with counter.database.reading() as session:
        [shipment] = shipments_queries.list_shipments_of(session, redemption.id)
    dispatch.advance(shipment.id, "packed")
    run_pending_jobs(counter.database, "fulfillment.buy_labels")
    dispatch.step(shipment.id, "shipped")
    with counter.database.reading() as session:
        [parcel] = parcels_queries.list_parcels(session, shipment.id)
        [line] = shipments_queries.list_lines(session, shipment.id)
        location = locations_queries.get_location(session, shipment.location_id)
    shelf = Goods(counter.database, line.sku, location)
    free = shelf.free()
    carrier.report(counter.database, parcel.tracking_number, fate)
    gone = _take_off_the_way(desk, dispatch, parcel.id, fate)
    desk.settle(gone, Settlement.GIVE_BACK)
    assert counter.now(redemption).status == "cancelled"
    assert counter.balances["XAU-s"] == "3.00000000"
    assert shelf.free() == free + (fate is S.RETURNED)
    assert "redemption_ended" in counter.message_kinds()
    counter.assert_sound()


def test_address_is_corrected_once_screened_and_the_label_bought_again_once(
    desk: Desk, dispatch: Dispatch, carrier: ScriptedCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = dispatch.order(dispatch.stall.coins())
    shipment_id = dispatch.shipment(order).id
    dispatch.advance(shipment_id, "packed")
    with pytest.raises(LabelsPending):
        desk.act(readdressing.correct_address, shipment_id, BOSTON)
    run_pending_jobs(dispatch.database, "fulfillment.buy_labels")
    [before] = carrier.paid()
    with monkeypatch.context() as screening:
        screening.setattr(recipients, "screen_recipient", lambda *_, **__: None)
        with pytest.raises(RecipientNotCleared):
            desk.act(readdressing.correct_address, shipment_id, BOSTON)
    desk.act(readdressing.correct_address, shipment_id, BOSTON)
    for _ in range(2):
        run_pending_jobs(dispatch.database, "fulfillment.relabel")
    [after] = carrier.paid()
    assert (after != before, carrier.cancelled) == (True, [before])
    address = desk.shipment(shipment_id).address
    assert address is not None
    assert address.city == "Boston"
    with pytest.raises(NothingToClaim):
        desk.act(claims.file, shipment_id, claimed=_usd("1.00"), reference="C-1")
    with pytest.raises(ShipmentMovedOn):
        desk.act(undelivered.send_again, shipment_id)


def _take_off_the_way(
    desk: Desk, dispatch: Dispatch, parcel_id: UUID, fate: TrackingStatus
) -> UUID:
    """Declare a parcel lost, or take it back and scan what is in it; return its shipment."""
    if fate is S.LOST:
        return desk.act(undelivered.declare_lost, parcel_id, evidence="search 4711")
    back = desk.act(undelivered.take_back, parcel_id, evidence="at the door")
    dispatch.scan_all(back)
    return back


def _usd(text: str) -> Amount:
    return Amount.parse(USD, text)
