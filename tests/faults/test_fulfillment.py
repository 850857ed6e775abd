"""Shipments, while our process dies at any step, each call of the carrier fails before or after its
effect, and what it reports comes late, twice, in any order, and mixed with what cannot be true.

Each shipment is shipped once with one message of it, each of its parcels has one label that we pay
for and is insured within its cap, and the goods leave the books once, when the customer has them.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from uuid import UUID

import pytest
import time_machine

from app.catalog.rules import USD
from app.fulfillment.carriers.ports import LabelSellers, ParcelTrackers, TrackingEvent
from app.fulfillment.carriers.rules import Carrier, TrackingStatus
from app.fulfillment.labels import service as labels
from app.fulfillment.parcels import queries as parcels_queries
from app.fulfillment.parcels import service as parcels
from app.fulfillment.parcels.queries import ParcelRow
from app.fulfillment.parcels.rules import PlannedParcel
from app.fulfillment.shipments import service as shipments
from app.fulfillment.shipments.errors import ShipmentMovedOn
from app.fulfillment.strategies.rules import FulfillmentRules
from app.fulfillment.tracking import service as tracking
from app.jobs.dispatch import execute_job
from app.kit import clock
from app.kit.money import Amount
from app.kit.ports import provide, resolve
from app.outbox.rules import Backoff
from app.providers.errors import ProviderOutcomeUnknown, ProviderUnavailable
from app.reconciliation.invariants import find_violations
from app.shop.orders.queries import GoodsOrder
from tests import sanctions
from tests.drill import IS_FULL_SIZE, choose_size, rounds, seeded_random
from tests.faults.dying_process import DyingProcess
from tests.fixed_settings import fixed_settings
from tests.fulfillment.dispatch import Dispatch
from tests.people import People, set_prices
from tests.scripted_carriers import ScriptedCarrier
from tests.scripted_rails import CallFault, ProcessKilled
from tests.shop.stall import Stall

Record = Callable[[str, object], None]
S = TrackingStatus
#: About as many trips as a round makes; in a drill each is the last one, before and after.
TRIPS = 60
ROUNDS = choose_size(20, 2_000)
TURNS, PASSES_MAX = 3, 12
CAP = Amount.parse(USD, "10000")
STORY = (S.LABEL_CREATED, S.PICKED_UP, S.IN_TRANSIT, S.OUT_FOR_DELIVERY, S.DELIVERED)
#: A claim of a process that died ends within this time.
LATER = timedelta(minutes=3)
JOBS = [
    "fulfillment.buy_labels", "fulfillment.parcel_moved", "fulfillment.fetch_proof",
    "shop.shipment_changed",
]  # fmt: skip
FAULTS = [None, *(each for each in CallFault if each is not CallFault.REFUSED)]


@dataclass
class Hall:
    """A dispatch room whose process dies, and a carrier that cannot be relied on."""

    dispatch: Dispatch
    process: DyingProcess
    clock: time_machine.Traveller
    carrier: ScriptedCarrier
    problems: list[str] = field(default_factory=list)
    reports: Counter[str] = field(default_factory=Counter)
    faults: int = 0
    parcels: int = 0

    def play(self, chances: Random, trip: int, *, is_sent: bool) -> None:
        """Let an order be packed, labelled and carried while the process dies at this trip."""
        set_prices(self.dispatch.database, AU="4000", AG="50")
        count = chances.randint(1, 5)
        order = self.dispatch.order(self.dispatch.stall.coins(count), quantity=count)
        shipment_id = self.dispatch.shipment(order).id
        self.dispatch.step(shipment_id, "picking")
        self.dispatch.scan_all(shipment_id)
        paid_before = len(self.carrier.paid())
        faults = chances.choices(FAULTS, [4, 1, 1, 1, 1, 1], k=8)
        self.carrier.faults = list(faults)
        self.process.die_at(trip, is_sent=is_sent)
        started_at = clock.now()
        for _ in range(TURNS):
            self._survive(partial(self._pack, shipment_id))
            self._survive(self._work)
            self._report(shipment_id, chances, started_at)
            self._survive(partial(self._track, shipment_id))
            self.clock.shift(LATER)
        self.faults += sum(fault is not None for fault in faults[: 8 - len(self.carrier.faults)])
        self._finish(shipment_id, started_at)
        self._check(order, shipment_id, count, paid_before)

    def _survive(self, act: Callable[[], object]) -> None:
        try:
            act()
        except (ProcessKilled, ProviderUnavailable, ProviderOutcomeUnknown):
            self.process.start()

    def _pack(self, shipment_id: UUID) -> None:
        with suppress(ShipmentMovedOn), self.dispatch.database.transaction() as session:
            shipments.pack(session, self.dispatch.clerk, shipment_id)

    def _work(self) -> bool:
        """Run all pending jobs, once each; return whether there were any."""
        database = self.dispatch.database
        with self.process.unwatched(), database.reading() as session:
            jobs = session.rows(
                "SELECT id FROM outbox WHERE task = ANY (%s) AND done_at IS NULL ORDER BY id",
                (JOBS,),
            )
        for (job_id,) in jobs:
            execute_job(database, job_id, Backoff(tries_max=1000))
        return bool(jobs)

    def _list_parcels(self, shipment_id: UUID) -> list[ParcelRow]:
        with self.process.unwatched(), self.dispatch.database.reading() as session:
            return list(parcels_queries.list_parcels(session, shipment_id))

    def _report(self, shipment_id: UUID, chances: Random, at: datetime) -> None:
        """Let the carrier report some of what happened, some of it again, in any order, and what
        cannot be true: a loss before the label was bought, and a delivery next month."""
        for parcel in self._list_parcels(shipment_id):
            number = parcel.tracking_number
            if number is None:
                continue
            known = chances.sample(STORY, chances.randint(0, 2)) * chances.randint(1, 2)
            chances.shuffle(known)
            forged = [
                TrackingEvent(f"{number} lost", at - timedelta(days=30), S.LOST, "", ""),
                TrackingEvent(f"{number} soon", at + timedelta(days=30), S.DELIVERED, "", ""),
            ]
            reported = [_happened(number, at, status) for status in known]
            if chances.random() < 0.3:
                reported += forged
                self.reports["forged"] += len(forged)
            self.reports["true"] += len(known)
            events = self.carrier.events.setdefault(number, [])
            events[:] = [*reported, *events] if chances.random() < 0.5 else [*events, *reported]

    def _track(self, shipment_id: UUID) -> None:
        for parcel in self._list_parcels(shipment_id):
            if parcel.tracking_number is not None:
                numbers = [parcel.tracking_number]
                tracking.track_parcels(self.dispatch.database, Carrier.FEDEX, numbers)
        self._work()

    def _finish(self, shipment_id: UUID, at: datetime) -> None:
        """Let everything end, without faults, and the carrier report all that happened."""
        self.process.start(for_good=True)
        self.carrier.faults = []
        for _ in range(PASSES_MAX):
            self._pack(shipment_id)
            self._work()
            for parcel in self._list_parcels(shipment_id):
                if parcel.tracking_number is not None:
                    self.carrier.events[parcel.tracking_number] = [
                        _happened(parcel.tracking_number, at, status) for status in STORY
                    ]
            self._track(shipment_id)
            self.clock.shift(LATER)

    def _check(self, order: GoodsOrder, shipment_id: UUID, count: int, paid_before: int) -> None:
        """Compare labels, parcels, statuses, messages and goods with those of one delivery."""
        packed = self._list_parcels(shipment_id)
        self.parcels += len(packed)
        shipment = self.dispatch.shipment(order)
        with self.dispatch.database.reading() as session:
            contents = parcels_queries.units_by_parcel(session, [each.id for each in packed])
            steps = session.rows(
                "SELECT to_status FROM shipment_events WHERE shipment_id = %s ORDER BY id",
                (shipment_id,),
            )
            entries = session.rows(
                "SELECT count(*) FROM entries WHERE reference LIKE %s",
                (f"{shipment.public_id}:%",),
            )
        taken = [step for (step,) in steps]
        messages = self.dispatch.messages_about(shipment)
        paid = self.carrier.paid()[paid_before:]
        numbers = sorted(str(each.tracking_number) for each in packed)
        values = [each.value.units for each in packed]
        units = sum(sum(each.values()) for each in contents.values())
        facts = {
            "statuses": (
                taken,
                taken == ["requested", "picking", "packed", "shipped", "delivered"],
            ),
            "order": (status := str(self.dispatch.now(order).status), status == "delivered"),
            "messages": (messages, messages == ["goods_delivered", "goods_shipped"]),
            "labels": (paid, sorted(paid) == numbers),
            "insurance": (values, bool(values) and max(values) <= CAP.units),
            "contents": (units, units == count),
            "entries": (entries, entries == [(3,)]),
        }
        self.problems += [
            f"{shipment.public_id}: {name} {found}"
            for name, (found, is_right) in facts.items()
            if not is_right
        ]


def _happened(number: str, at: datetime, status: TrackingStatus) -> TrackingEvent:
    later = timedelta(seconds=STORY.index(status))
    return TrackingEvent(f"{number} {status}", at + later, status, "Dallas", "A scan")


@pytest.fixture
def hall(people: People, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    sellers, trackers = resolve(LabelSellers), resolve(ParcelTrackers)
    carrier = ScriptedCarrier(batch_max=100, keeps_documents=True)
    provide(LabelSellers, LabelSellers({Carrier.FEDEX: carrier}))
    provide(ParcelTrackers, ParcelTrackers({Carrier.FEDEX: carrier}))
    sanctions.import_sample_list(people.database)
    rules = FulfillmentRules(jm_parcel_max=CAP, brinks_parcel_max=CAP)
    with time_machine.travel(clock.now()) as traveller, fixed_settings(rules):
        dispatch = Dispatch.open(Stall.open(people))
        yield Hall(dispatch, DyingProcess(monkeypatch), traveller, carrier)
    provide(LabelSellers, sellers)
    provide(ParcelTrackers, trackers)


@pytest.mark.drill(name="fulfillment")
@pytest.mark.timeout(choose_size(120, 7_200))
def test_each_shipment_is_shipped_once_told_once_and_insured_within_its_cap(
    hall: Hall, record_property: Record
) -> None:
    chances = seeded_random("fulfillment")
    for number in rounds(ROUNDS, "shipments"):
        trip = number // 2 % TRIPS + 1 if IS_FULL_SIZE else chances.randint(1, TRIPS)
        hall.play(chances, trip, is_sent=number % 2 == 1)
        assert hall.problems == []
    with hall.dispatch.database.reading() as session:
        assert find_violations(session) == []
    assert hall.process.deaths > 0
    assert hall.reports["forged"] > 0
    record_property(
        "evidence",
        f"{ROUNDS} shipments in {hall.parcels} parcels, the process killed {hall.process.deaths}"
        f" times, {hall.faults} calls of the carrier failed before or after their effect, and"
        f" {hall.reports['true']} reports came in any order, many twice, with"
        f" {hall.reports['forged']} forged ones: each was shipped once with one message, had one"
        " label for each parcel and was insured within its cap.",
    )


@pytest.mark.drill(name="fulfillment")
def test_control_second_label_and_parcel_above_its_cap_are_caught(
    hall: Hall, record_property: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put_all_in_one(goods: list[parcels.PackedUnits], _value_max: int) -> list[PlannedParcel]:
        units = [(each.position, each.units) for each in goods]
        value = sum(each.units * each.unit_value for each in goods)
        return [PlannedParcel(units, value, 1_000)]

    monkeypatch.setattr(labels, "_find", lambda _claim: None)
    monkeypatch.setattr(parcels.rules, "split", put_all_in_one)
    order = hall.dispatch.order(hall.dispatch.stall.coins(5), quantity=5)
    shipment_id = hall.dispatch.shipment(order).id
    hall.dispatch.step(shipment_id, "picking")
    hall.dispatch.scan_all(shipment_id)
    hall.carrier.faults = [CallFault.UNANSWERED_DONE]
    hall._survive(partial(hall._pack, shipment_id))
    hall._survive(hall._work)
    hall.clock.shift(LATER)
    hall._finish(shipment_id, clock.now())
    hall._check(order, shipment_id, 5, 0)
    found = sorted(problem.split(": ")[1].split()[0] for problem in hall.problems)
    assert found == ["insurance", "labels"]
    record_property(
        "evidence",
        "Control: a second label of a parcel and one that is worth more than its cap were caught"
        " by the same checks.",
    )
