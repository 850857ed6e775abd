"""Redeemed gold that becomes goods in the hand, and a carrier that is away, with real workers and
the protocols of JM Bullion, Brink's, FedEx and UPS.

In a drill the timetable runs too, and the sandbox takes its time, as in the sample profile. In
bin/test the polls are due at once.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from app.access import Role
from app.catalog.products.rules import ProductForm
from app.catalog.rules import USD
from app.fulfillment.parcels import queries as parcels_queries
from app.fulfillment.parcels.queries import ParcelRow
from app.fulfillment.partners import service as partners
from app.fulfillment.partners.models import PartnerShipment
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.strategies.rules import FulfillmentRules
from app.fulfillment.tracking import service as tracking
from app.fulfillment.tracking.models import TrackedParcel
from app.fulfillment.undelivered import service as undelivered
from app.fulfillment.undelivered import settling
from app.fulfillment.undelivered.settling import Settlement
from app.kit import clock, ids
from app.kit.money import Amount
from app.kit.tasks import Queue
from app.reconciliation.invariants import find_violations
from app.redemption.quotes.rules import RedemptionRules
from app.vault.locations import queries as locations_queries
from app.vault.locations import service as locations
from app.vault.locations.queries import LocationSummary
from app.vault.locations.rules import LocationKind
from sandbox.app import run_periodic_tasks
from sandbox.faults import FaultMode
from tests import sanctions, second_person
from tests.api_client import ApiClient
from tests.drill import IS_FULL_SIZE, choose_size
from tests.faults.conftest import JobBench, RedisServer, WorkerProcesses, wait_until
from tests.fixed_settings import fixed_settings
from tests.fulfillment.dispatch import Dispatch
from tests.journeys.world import World
from tests.people import People
from tests.provider_sandbox import Sandbox
from tests.rows import change_rows
from tests.shop.sales_range import tier
from tests.shop.stall import Stall
from tests.vault.goods import Goods

CAP = Amount.parse(USD, "10000")
ADDRESS = {
    "street": "1 Main Street", "city": "Concord", "state": "NH", "zipCode": "03301",
    "country": "US",
}  # fmt: skip
#: Jobs wait a fifteenth of their time here, so that in a drill four minutes are an hour.
AWAY_SECONDS, ORDERS = choose_size(4, 240), choose_size(3, 40)
#: How long a job of another queue may take meanwhile.
OTHERS_WITHIN = 5
_LABELS = """
SELECT (SELECT count(*) FROM shipment_parcels), count(*), count(DISTINCT parcel_id)
FROM parcel_labels WHERE status = 'bought'
"""
#: From the approval to the customer, without a person.
SECONDS_MAX = 90


@dataclass
class Counter:
    """A customer with gold, staff, goods at two partners, and our processes."""

    world: World
    stall: Stall
    dispatch: Dispatch
    staff: ApiClient
    bench: JobBench
    approved_at: dict[str, float] = field(default_factory=dict)

    def open_depot(self, code: str) -> LocationSummary:
        with self.world.database.transaction() as session:
            locations.open_location(
                session,
                None,
                branch_id=self.stall.branch_id,
                code=code,
                name=code,
                kind=LocationKind.DEPOT,
            )
            location = locations_queries.find_location(session, code)
        assert location is not None
        return location

    def redeem(self, ounces: str, form: str) -> str:
        """Redeem gold, and have it approved; return the redemption's id."""
        wanted = {"asset": "XAU-s", "amount": ounces, "format": form}
        body = {**wanted, "shippingAddress": ADDRESS}
        created = self.world.me.ok(201, self.world.me.post("/api/redeem", body))["redemption"]
        approval = self.staff.post(f"/api/vault/redemptions/{created['id']}/approve", {})
        if approval.status_code == 202:
            approval_id = ids.decode("apr", approval.json["approvalId"])
            checker = self.stall.people.staff(Role.ADMIN)
            second_person.approve(self.world.database, checker, approval_id)
        self.approved_at[created["id"]] = time.monotonic()
        return str(created["id"])

    def shown(self, redemption: str) -> dict[str, Any]:
        """Let providers and polls go on, and return a redemption with its parcels."""
        run_periodic_tasks(self.world.sandbox.app)
        if not IS_FULL_SIZE:
            with self.world.database.transaction() as session:
                now = clock.now()
                waiting = PartnerShipment.due_at.is_not(None)
                change_rows(session, PartnerShipment, waiting, due_at=now)
                change_rows(session, TrackedParcel, TrackedParcel.due_at.is_not(None), due_at=now)
                partners.poll(session)
                tracking.poll(session)
        time.sleep(0.2)
        shown: dict[str, Any] = self.world.me.ok(
            200, self.world.me.get(f"/api/redeem/status/{redemption}")
        )
        return shown

    def wait_for(self, redemption: str, status: str) -> dict[str, Any]:
        wait_until(lambda: self.shown(redemption)["redemption"]["status"] == status, 180)
        return self.shown(redemption)

    def pack(self, redemption: str) -> list[ParcelRow]:
        """Pack the newest shipment of a redemption, in parcels of ten thousand dollars, and wait
        for their labels."""
        with self.world.database.reading() as session:
            identifier = ids.decode("rdm", redemption)
            shipment_id = shipments_queries.list_shipments_of(session, identifier)[-1].id
        self.dispatch.step(shipment_id, "picking")
        with fixed_settings(FulfillmentRules(jm_parcel_max=CAP, brinks_parcel_max=CAP)):
            self.dispatch.step(shipment_id, "packed")
        wait_until(lambda: all(each.tracking_number for each in self._parcels(shipment_id)))
        return self._parcels(shipment_id)

    def _parcels(self, shipment_id: UUID) -> list[ParcelRow]:
        with self.world.database.reading() as session:
            return list(parcels_queries.list_parcels(session, shipment_id))


@pytest.fixture
def counter(
    lone_app: Flask,
    sandbox: Sandbox,
    redis_server: RedisServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Counter]:
    sandbox.store.clear()
    world = World(lone_app, sandbox)
    redis_server.client.flushall()
    processes = WorkerProcesses(world.database, redis_server.url, tmp_path / "log")
    processes.environ["PBCEX_DATA_DIR"] = str(lone_app.extensions["settings"].data_dir)
    people = People(world.database)
    sanctions.import_sample_list(world.database)
    stall = Stall.open(people)
    world.verified()
    world.me.credit(XAU_s="410", USD="50000.00")
    staff = ApiClient.sign_in_staff(lone_app, people.staff(Role.SUPPORT).email)
    for queue in (Queue.FULFILLMENT, Queue.LEDGER, Queue.PAYMENTS):
        processes.start("work", queue)
    processes.start("relay")
    if IS_FULL_SIZE:
        processes.start("schedule")
        monkeypatch.setitem(sandbox.app.config, "SETTLED_AFTER_SECONDS", 3)
    with fixed_settings(RedemptionRules(open_max=10, given_up_per_day=10)):
        bench = JobBench(world.database, redis_server.client)
        yield Counter(world, stall, Dispatch.open(stall), staff, bench)
    processes.end()


@pytest.mark.drill(name="fulfillment")
@pytest.mark.timeout(600)
def test_redeemed_coin_bar_and_parcels_of_which_one_is_lost_reach_their_customer(
    counter: Counter, record_property: Any
) -> None:
    _receive_coins(counter, counter.open_depot("JM-DALLAS"), units=1)
    coin = counter.redeem("1.0", "COIN")
    _receive_large_bar(counter, counter.open_depot("BRINKS-MEMPHIS"))
    bar = counter.redeem("398", "BAR")
    own = counter.stall.coins(8)
    coins = counter.redeem("5", "COIN")

    delivered = {each: counter.wait_for(each, "delivered") for each in (coin, bar)}
    seconds = time.monotonic() - counter.approved_at[coin]
    assert seconds < SECONDS_MAX
    for shown, carriers in ((delivered[coin], {"fedex", "ups"}), (delivered[bar], {"fedex"})):
        [parcel] = shown["parcels"]
        assert parcel["carrier"] in carriers
        assert parcel["trackingUrl"].endswith(parcel["trackingNumber"])
        assert parcel["status"] == "delivered"

    counter.wait_for(coins, "allocated")
    _first, second, _third = counter.pack(coins)
    counter.world.sandbox.call_control("fedex", "/move", number=second.tracking_number, step="lost")
    wait_until(lambda: _statuses(counter, coins) == ["delivered", "delivered", "lost"], 120)
    shipment = counter.wait_for(coins, "shipped")["redemption"]
    assert shipment["status"] == "shipped"
    _replace_lost(counter, second)
    counter.pack(coins)
    counter.wait_for(coins, "delivered")
    assert counter.dispatch.units(own) == {"available": 1}
    with counter.world.database.reading() as session:
        assert find_violations(session) == []
    record_property(
        "evidence",
        f"An ounce of gold was a coin in the hand {seconds:.0f} seconds after its approval, without"
        " a person; a bar of 400 ounces came by Brink's, and of five coins in three parcels the"
        " lost one was replaced, by workers of their own and each provider's protocol.",
    )


@pytest.mark.drill(name="fulfillment")
@pytest.mark.timeout(600)
def test_carrier_that_is_away_delays_its_labels_alone_and_loses_none(
    counter: Counter, record_property: Any
) -> None:
    sandbox, dispatch = counter.world.sandbox, counter.dispatch
    sandbox.schedule_fault("fedex", "*", FaultMode.DOWN, times=1_000_000)
    for _ in range(ORDERS):
        order = dispatch.order(counter.stall.coins(1))
        dispatch.advance(dispatch.shipment(order).id, "packed")
    slowest, until = 0.0, time.monotonic() + AWAY_SECONDS
    while time.monotonic() < until:
        staged_at = time.monotonic()
        user_id = counter.bench.stage()
        wait_until(lambda user_id=user_id: counter.bench.effects(user_id) == 1)
        slowest = max(slowest, time.monotonic() - staged_at)
        time.sleep(0.2)
    assert _count_labels(counter) == (ORDERS, 0, 0)
    assert slowest < OTHERS_WITHIN
    sandbox.faults.clear()
    back_at = time.monotonic()
    wait_until(lambda: _count_labels(counter) == (ORDERS, ORDERS, ORDERS), 300)
    drained = time.monotonic() - back_at
    with counter.world.database.reading() as session:
        assert session.value("SELECT count(*) FROM outbox WHERE dead_at IS NOT NULL") == 0
        assert find_violations(session) == []
    record_property(
        "evidence",
        f"FedEx away for {AWAY_SECONDS} seconds, while jobs wait a fifteenth of their time: a job"
        f" of another queue took {slowest:.1f} s at most, and {drained:.0f} s after it was back"
        f" each of {ORDERS} parcels had one label. No job was lost.",
    )


def _count_labels(counter: Counter) -> tuple[int, int, int]:
    """Return how many parcels, labels, and parcels with a label there are."""
    with counter.world.database.reading() as session:
        [counts] = session.rows(_LABELS)
    return counts


def _receive_coins(counter: Counter, depot: LocationSummary, units: int) -> None:
    sku = counter.stall.range.add(tier("5"), fine="1")
    goods = Goods(counter.world.database, sku, depot)
    goods.receive(units=str(units), cost=f"{units * 4100}.00", spot="4000")


def _receive_large_bar(counter: Counter, depot: LocationSummary) -> None:
    sku = counter.stall.range.add(
        tier("5"), form=ProductForm.BAR, gross="400", fineness="0.995", is_serialized=True
    )
    goods = Goods(counter.world.database, sku, depot)
    goods.receive_bars("BR400, Rand Refinery, 400, 995.0", cost="1600000.00")


def _statuses(counter: Counter, redemption: str) -> list[str]:
    """Return the statuses of the parcels of a redemption, in order of the alphabet."""
    return sorted(str(each["status"]) for each in counter.shown(redemption)["parcels"])


def _replace_lost(counter: Counter, parcel: ParcelRow) -> None:
    """Declare a parcel lost, and have its goods replaced by a second person."""
    people, database = counter.stall.people, counter.world.database
    clerk = counter.dispatch.clerk
    with database.transaction() as session:
        lost = undelivered.declare_lost(session, clerk, parcel.id, evidence="search 4711")
        request = settling.request_settlement(
            session, clerk, lost, Settlement.REPLACE, reason="as the carrier says"
        )
    second_person.approve(database, people.staff(Role.ADMIN), request)
