"""Parcels: insured within their cap, their labels bought by a job, and what carriers report."""

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.rules import USD
from app.fulfillment.carriers.ports import TrackingEvent
from app.fulfillment.carriers.rules import Carrier, TrackingStatus
from app.fulfillment.parcels.errors import NotInsurable
from app.fulfillment.parcels.rules import PACKAGING_GRAMS, WEIGHT_MAX, PackedUnits, split
from app.fulfillment.strategies.rules import FulfillmentRules
from app.fulfillment.tracking import service as tracking
from app.kit import clock
from app.kit.money import Amount
from tests.fixed_settings import fixed_settings
from tests.fulfillment.dispatch import Dispatch
from tests.fulfillment.road import Road
from tests.scripted_carriers import ScriptedCarrier
from tests.scripted_rails import CallFault

S = TrackingStatus


def test_parcels_are_insured_for_what_is_in_them_and_their_labels_bought_once(
    dispatch: Dispatch, carrier: ScriptedCarrier, ten_thousand_a_parcel: None
) -> None:
    road = Road(dispatch, carrier, coins=5)
    assert [str(each.value) for each in road.parcels] == ["8416.80", "8416.80", "4208.40"]
    road.buy_labels()
    numbers = [each.tracking_number for each in road.parcels]
    paid = carrier.paid()
    assert [paid.count(str(number)) for number in numbers] == [1, 1, 1]
    assert all(len(sold) == 1 for sold in carrier.sold.values())


def test_shipment_follows_its_parcels_and_one_that_is_lost_is_a_case_with_its_claim(
    dispatch: Dispatch, carrier: ScriptedCarrier, ten_thousand_a_parcel: None
) -> None:
    road = Road(dispatch, carrier, coins=5)
    road.report(S.PICKED_UP, S.PICKED_UP, S.LABEL_CREATED)
    assert road.shipment.status == "packed"
    road.report(S.IN_TRANSIT, S.IN_TRANSIT, S.PICKED_UP)
    assert road.shipment.status == "shipped"
    road.report(S.DELIVERED, S.LOST, S.DELIVERED)
    assert (road.shipment.status, road.cases()) == ("shipped", ["A parcel: lost"])
    assert dispatch.now(road.order).status == "shipped"
    road.report(S.DELIVERED, S.DELIVERED, S.DELIVERED)
    assert dispatch.now(road.order).status == "delivered"
    dispatch.verify()


@pytest.mark.parametrize("order", [*permutations((S.PICKED_UP, S.IN_TRANSIT, S.DELIVERED))])
def test_events_in_any_order_and_twice_ship_and_deliver_once(
    dispatch: Dispatch, carrier: ScriptedCarrier, order: tuple[TrackingStatus, ...]
) -> None:
    road = Road(dispatch, carrier, coins=1)
    [parcel] = road.parcels
    number, at = parcel.tracking_number, clock.now()
    assert number is not None
    for status in order:
        hours = (S.PICKED_UP, S.IN_TRANSIT, S.DELIVERED).index(status)
        event = TrackingEvent(f"{status}", at + timedelta(seconds=hours), status, "Dallas", "Scan")
        carrier.events.setdefault(number, []).extend([event, event])
        for _ in range(2):
            tracking.track_parcels(dispatch.database, Carrier.FEDEX, [number])
            road.settle()
    statuses = [each.status for each in dispatch.now(road.order).events]
    assert statuses.count("delivered") == 1
    assert road.shipment.status == "delivered"
    assert dispatch.messages_about(road.shipment) == ["goods_delivered", "goods_shipped"]


def test_label_that_the_carrier_refuses_is_a_case(
    dispatch: Dispatch, carrier: ScriptedCarrier
) -> None:
    carrier.faults.append(CallFault.REFUSED)
    refused = Road(dispatch, carrier, coins=1)
    assert refused.cases() == ["FedEx refused the label of a parcel, or to cancel it"]
    assert [each.tracking_number for each in refused.parcels] == [None]


def test_piece_that_no_parcel_insures_is_not_packed(
    dispatch: Dispatch, carrier: ScriptedCarrier
) -> None:
    cap = Amount.parse(USD, "4000")
    with fixed_settings(FulfillmentRules(jm_parcel_max=cap, brinks_parcel_max=cap)):
        shipment = dispatch.shipment(dispatch.order(dispatch.stall.coins()))
        assert (shipment.strategy, shipment.strategy_reason) == (
            "BRINKS",
            "One piece is worth more than 4,000.00 USD.",
        )
        dispatch.step(shipment.id, "picking")
        with pytest.raises(NotInsurable):
            dispatch.step(shipment.id, "packed")


@given(
    goods=st.lists(
        st.builds(
            PackedUnits,
            st.just(0),
            units=st.integers(1, 300),
            unit_value=st.integers(1, 1000),
            unit_grams=st.integers(1, 40_000),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_no_parcel_is_worth_more_than_its_cap_and_every_unit_is_in_one(
    goods: list[PackedUnits],
) -> None:
    goods = [
        PackedUnits(position, each.units, each.unit_value, each.unit_grams)
        for position, each in enumerate(goods)
    ]
    parcels = split(goods, 1000)
    assert all(0 < parcel.value <= 1000 for parcel in parcels)
    for parcel in parcels:
        is_one_piece = sum(units for _, units in parcel.units) == 1
        assert is_one_piece or parcel.grams <= WEIGHT_MAX + PACKAGING_GRAMS
    packed = [unit for parcel in parcels for unit in parcel.units]
    for line in goods:
        assert sum(units for position, units in packed if position == line.position) == line.units
