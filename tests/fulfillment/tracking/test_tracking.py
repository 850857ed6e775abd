"""Each event of a parcel is stored once, and its status published once, in whatever order the
carrier reports them."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations

import pytest
import time_machine

from app.cases.models import Case
from app.fulfillment.carriers.ports import ParcelTrackers, TrackingEvent
from app.fulfillment.carriers.rules import Carrier, TrackingStatus
from app.fulfillment.tracking import queries, rules, service
from app.fulfillment.tracking.errors import ProofNotReady, TrackingNumberUsed
from app.fulfillment.tracking.models import TrackedParcel
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.ports import provide
from app.outbox.models import StagedJob
from app.providers.errors import ProviderUnavailable, ResponseUnreadable
from app.providers.ports import SetAsideRow
from tests.rows import read_values
from tests.scripted_carriers import NOON, ScriptedCarrier, happened
from tests.scripted_rails import CallFault

S = TrackingStatus
JOURNEY = [
    happened(0, S.LABEL_CREATED),
    happened(2, S.PICKED_UP),
    happened(3, None),
    happened(4, S.OUT_FOR_DELIVERY),
    happened(5, S.DELIVERED),
]


class Way:
    """A parcel that is tracked since noon."""

    def __init__(self, database: Database) -> None:
        self.database, self.parcel_id, self.carrier = database, ids.new(), ScriptedCarrier()
        self.number = str(self.parcel_id.int)[-12:]
        provide(ParcelTrackers, ParcelTrackers({Carrier.FEDEX: self.carrier}))
        self.follow()

    def follow(self) -> None:
        with self.database.transaction() as session:
            service.follow(
                session,
                parcel_id=self.parcel_id,
                carrier=Carrier.FEDEX,
                tracking_number=self.number,
                since=NOON,
            )

    def report(self, *events: TrackingEvent) -> None:
        """Let the carrier report events, and these only."""
        self.carrier.events[self.number] = list(events)
        service.track_parcels(self.database, Carrier.FEDEX, [self.number])

    def status(self) -> TrackingStatus | None:
        with self.database.reading() as session:
            track = queries.parcel_track(session, self.parcel_id)
        assert track is not None
        return track.status

    def published(self) -> int:
        """Return how often a change of the parcel was published."""
        args = StagedJob.args["parcel_id"].astext == str(self.parcel_id)
        with self.database.reading() as session:
            tasks = read_values(session, StagedJob.task, args)
        return tasks.count("fulfillment.fetch_proof")

    def events(self) -> int:
        with self.database.reading() as session:
            return len(queries.parcel_events(session, self.parcel_id))

    def poll(self) -> list[list[str]]:
        """Return the numbers of the jobs that a poll stages."""
        with self.database.transaction() as session:
            before = set(read_values(session, StagedJob.id))
            service.poll(session)
            args = read_values(
                session, StagedJob.args, StagedJob.task == service.TRACK_TASK,
                StagedJob.id.not_in(before),
            )  # fmt: skip
        return [job["tracking_numbers"] for job in args]


@pytest.fixture
def way(database: Database, travel: time_machine.Traveller) -> Way:
    with database.transaction() as session:
        session.send("UPDATE tracked_parcels SET due_at = NULL")
    return Way(database)


@pytest.fixture
def travel() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON + timedelta(hours=6), tick=False) as traveller:
        yield traveller


def test_reports_in_any_order_and_often_end_alike(way: Way) -> None:
    for number, order in enumerate(permutations(JOURNEY[1:])):
        if number % 6 == 0:
            other = Way(way.database)
            for event in order:
                other.report(event, event)
            assert (other.status(), other.events()) == (S.DELIVERED, 4)
            assert 1 <= other.published() <= 3


def test_whole_journey_is_stored_and_each_status_published_once(way: Way) -> None:
    for known in range(1, len(JOURNEY) + 1):
        for _ in range(2):
            way.report(*JOURNEY[:known])
    assert (way.status(), way.events(), way.published()) == (S.DELIVERED, 5, 4)
    with way.database.reading() as session:
        track = queries.parcel_track(session, way.parcel_id)
    assert track is not None
    assert track.status_at == JOURNEY[-1].at


@pytest.mark.parametrize("hours", [-25, 32])
def test_event_that_cannot_be_of_the_parcel_is_a_case_and_changes_nothing(
    way: Way, hours: int
) -> None:
    forged = happened(hours, S.DELIVERED, name=f"forged {way.number} {hours}")
    for _ in range(2):
        way.report(JOURNEY[0], forged)
    assert (way.status(), way.events()) == (S.LABEL_CREATED, 1)
    with way.database.reading() as session:
        assert read_values(session, Case.kind, Case.subject == forged.id) == ["provider.row"]


def test_what_cannot_be_read_is_a_case_and_stops_no_other_parcel(way: Way) -> None:
    odd = SetAsideRow(f"odd {way.number}", ResponseUnreadable("no code"), "{}")
    way.carrier.set_aside.append(odd)
    way.report(JOURNEY[0])
    assert way.status() is S.LABEL_CREATED
    with way.database.reading() as session:
        assert read_values(session, Case.kind, Case.subject == odd.provider_ref) == ["provider.row"]


def test_number_of_another_parcel_is_refused(way: Way) -> None:
    way.follow()
    way.parcel_id = ids.new()
    with pytest.raises(TrackingNumberUsed):
        way.follow()


def test_poll_asks_for_the_parcels_that_are_due_in_batches(
    way: Way, travel: time_machine.Traveller
) -> None:
    ways = [way, Way(way.database), Way(way.database)]
    numbers = {each.number for each in ways}
    jobs = way.poll()
    assert sorted(map(len, jobs)) == [1, 2]
    assert {number for job in jobs for number in job} == numbers
    assert way.poll() == []
    # The carrier is away: they are due again all the same.
    ways[-1].carrier.faults = [CallFault.UNAVAILABLE]
    with pytest.raises(ProviderUnavailable):
        way.report(JOURNEY[0])
    travel.shift(timedelta(minutes=3))
    assert {number for job in way.poll() for number in job} == numbers


def test_parcel_is_asked_for_less_often_while_nothing_happens_and_never_after_its_end(
    way: Way, travel: time_machine.Traveller
) -> None:
    pauses = []
    for pause in (timedelta(0), timedelta(minutes=20), timedelta(days=2)):
        travel.shift(pause)
        way.report(JOURNEY[0])
        due = due_at(way)
        assert due is not None
        pauses.append(due - clock.now())
    assert pauses[0] < timedelta(seconds=6)
    assert timedelta(minutes=4) < pauses[1] < timedelta(minutes=6)
    assert pauses[2] == timedelta(hours=1)
    way.report(*JOURNEY)
    assert due_at(way) is None
    assert way.poll() == []


def due_at(way: Way) -> object:
    with way.database.reading() as session:
        [due] = read_values(session, TrackedParcel.due_at, TrackedParcel.parcel_id == way.parcel_id)
    return due


def test_parcel_that_never_arrives_becomes_a_case_and_is_not_asked_for_any_more(
    way: Way, travel: time_machine.Traveller
) -> None:
    way.report(JOURNEY[0])
    travel.shift(rules.TRACKED_MAX)
    for _ in range(2):
        way.report(JOURNEY[0])
    assert due_at(way) is None
    with way.database.reading() as session:
        kinds = read_values(session, Case.kind, Case.subject == way.number)
    assert kinds == [service.CASE_KIND]


def test_proof_of_delivery_is_fetched_once(way: Way) -> None:
    service.fetch_proof(way.database, way.parcel_id)
    assert way.carrier.calls == []
    way.report(*JOURNEY)
    way.carrier.proof = None
    with pytest.raises(ProofNotReady):
        service.fetch_proof(way.database, way.parcel_id)
    with way.database.reading() as session, pytest.raises(NotFound):
        queries.proof_of_delivery(session, way.parcel_id)
    way.carrier.proof = b"%PDF signed"
    for _ in range(2):
        service.fetch_proof(way.database, way.parcel_id)
    with way.database.reading() as session:
        assert queries.proof_of_delivery(session, way.parcel_id) == b"%PDF signed"
    assert way.carrier.calls.count("proof") == 2


def test_old_parcels_are_deleted_once_they_are_tracked_no_longer(
    way: Way, travel: time_machine.Traveller
) -> None:
    way.report(*JOURNEY)
    waiting = Way(way.database)
    travel.shift(service.RETENTION + timedelta(days=1))
    with way.database.transaction() as session:
        service.delete_old(session)
        assert queries.parcel_track(session, way.parcel_id) is None
        assert queries.parcel_track(session, waiting.parcel_id) is not None
        assert queries.parcel_events(session, way.parcel_id) == []
