"""An order by FedEx's own protocol, from the packing station to the proof of its delivery."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from app.fulfillment.carriers.ports import LabelSellers, ParcelTrackers
from app.fulfillment.carriers.rules import Carrier
from app.fulfillment.parcels import queries as parcels_queries
from app.fulfillment.tracking import queries as tracking_queries
from app.fulfillment.tracking import service as tracking
from app.fulfillment.tracking.models import TrackedParcel
from app.kit import clock
from app.kit.ports import provide
from app.shop.orders.queries import GoodsOrder
from sandbox.app import run_periodic_tasks
from sandbox.faults import FaultMode
from tests.fulfillment.dispatch import Dispatch
from tests.integrations.test_fedex import FedexSetup
from tests.mailbox import run_pending_jobs
from tests.provider_sandbox import Sandbox
from tests.rows import change_rows

_JOBS = (
    tracking.TRACK_TASK, "fulfillment.parcel_moved", "fulfillment.fetch_proof",
    "shop.shipment_changed",
)  # fmt: skip


class Road:
    """A packed order, whose label was bought at FedEx."""

    def __init__(self, dispatch: Dispatch, sandbox: Sandbox) -> None:
        self.dispatch, self.sandbox, self.database = dispatch, sandbox, dispatch.database
        fedex = FedexSetup(self.database, sandbox).fedex
        provide(LabelSellers, LabelSellers({Carrier.FEDEX: fedex}))
        provide(ParcelTrackers, ParcelTrackers({Carrier.FEDEX: fedex}))
        with self.database.transaction() as session:
            change_rows(session, TrackedParcel, due_at=None)
        self.order: GoodsOrder = dispatch.order(dispatch.stall.coins())
        shipment_id: UUID = dispatch.shipment(self.order).id
        dispatch.advance(shipment_id, "packed")
        run_pending_jobs(self.database, "fulfillment.buy_labels")
        with self.database.reading() as session:
            [parcel] = parcels_queries.list_parcels(session, shipment_id)
        self.parcel_id = parcel.id

    def poll(self) -> None:
        """Let the parcels be tracked that are under way, as if their pause were over."""
        with self.database.transaction() as session:
            under_way = TrackedParcel.due_at.is_not(None)
            change_rows(session, TrackedParcel, under_way, due_at=clock.now())
            tracking.poll(session)
        run_pending_jobs(self.database, *_JOBS)

    def drive(self) -> None:
        """Let the parcel go a step further, and track it."""
        run_periodic_tasks(self.sandbox.app)
        self.poll()

    def statuses(self) -> list[str]:
        return [self.dispatch.shipment(self.order).status, self.dispatch.now(self.order).status]


@pytest.fixture
def road(dispatch: Dispatch, sandbox: Sandbox) -> Iterator[Road]:
    road = Road(dispatch, sandbox)
    yield road
    with road.database.transaction() as session:
        change_rows(session, TrackedParcel, due_at=None)


@pytest.mark.parametrize(
    "mode", [None, FaultMode.REPEATED, FaultMode.REORDERED, FaultMode.LIMITED, FaultMode.GARBAGE]
)
def test_order_is_delivered_and_the_delivery_proven(
    road: Road, sandbox: Sandbox, mode: FaultMode | None
) -> None:
    seen: list[Any] = []
    for _ in range(5):
        if mode:
            sandbox.schedule_fault("fedex", "tracking.get", mode)
        seen.append(road.statuses())
        road.drive()
    assert seen[:2] == [["packed", "picking"], ["shipped", "shipped"]]
    assert road.statuses() == ["delivered", "delivered"]
    with road.database.reading() as session:
        events = tracking_queries.parcel_events(session, road.parcel_id)
        proof = tracking_queries.proof_of_delivery(session, road.parcel_id)
    assert [event.status for event in events] == [
        "label_created", "picked_up", "in_transit", "out_for_delivery", "delivered",
    ]  # fmt: skip
    assert proof.startswith(b"%PDF")


def test_events_of_another_parcel_change_nothing(road: Road, sandbox: Sandbox) -> None:
    road.drive()
    sandbox.schedule_fault("fedex", "tracking.get", FaultMode.FOREIGN)
    road.drive()
    assert road.statuses() == ["shipped", "shipped"]
    with road.database.reading() as session:
        assert len(tracking_queries.parcel_events(session, road.parcel_id)) == 2


def test_carrier_that_was_away_is_caught_up_with_in_one_poll(road: Road, sandbox: Sandbox) -> None:
    sandbox.schedule_fault("fedex", "*", FaultMode.DOWN, times=1000)
    for _ in range(3):
        road.drive()
    assert road.statuses() == ["packed", "picking"]
    sandbox.faults.clear()
    fedex = FedexSetup(road.database, sandbox).fedex
    provide(ParcelTrackers, ParcelTrackers({Carrier.FEDEX: fedex}))
    for _ in range(2):
        road.drive()
    assert road.statuses() == ["delivered", "delivered"]
