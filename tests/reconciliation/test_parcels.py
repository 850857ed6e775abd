"""Labels and deliveries of which nothing was heard."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine

from app.cases.models import Case
from app.fulfillment.carriers.ports import LabelSellers, ParcelTrackers
from app.fulfillment.carriers.rules import Carrier, Speed, TrackingStatus
from app.fulfillment.labels import service as labels
from app.fulfillment.labels.models import ParcelLabel
from app.fulfillment.tracking import queries as tracking_queries
from app.fulfillment.tracking import service as tracking
from app.fulfillment.tracking.models import TrackedParcel
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.ports import provide
from app.providers.errors import ProviderOutcomeUnknown
from app.reconciliation.parcels import UNUSED_MAX
from app.reconciliation.queries import ReconciliationRun, latest_runs
from app.reconciliation.service import compare_source
from tests.rows import delete_rows, read_values
from tests.scripted_carriers import NOON, SHIPS_ON, ScriptedCarrier, consignment, happened
from tests.scripted_rails import CallFault


@pytest.fixture
def carrier(database: Database) -> ScriptedCarrier:
    """A carrier that has only the parcels of the test."""
    with database.transaction() as session:
        delete_rows(session, TrackedParcel)
        delete_rows(session, ParcelLabel)
    carrier = ScriptedCarrier(batch_max=1)
    provide(LabelSellers, LabelSellers({Carrier.FEDEX: carrier}))
    provide(ParcelTrackers, ParcelTrackers({Carrier.FEDEX: carrier}))
    return carrier


@pytest.fixture
def travel() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON + timedelta(minutes=1)) as traveller:
        yield traveller


def buy(database: Database) -> tuple[UUID, str]:
    """Buy a label; return its parcel and number."""
    parcel_id = ids.new()
    label = labels.buy_label(
        database, parcel_id=parcel_id, carrier=Carrier.FEDEX, speed=Speed.GROUND,
        consignment=consignment(), ships_on=SHIPS_ON,
    )  # fmt: skip
    return parcel_id, label.tracking_number


def report(
    database: Database, carrier: ScriptedCarrier, number: str, status: TrackingStatus
) -> None:
    carrier.events[number] = [happened(1, status)]
    tracking.track_parcels(database, Carrier.FEDEX, [number])


def compare(database: Database, source: str) -> ReconciliationRun:
    compare_source(database, source, clock.now() - timedelta(days=10))
    with database.reading() as session:
        [run] = [run for run in latest_runs(session) if run.source == source]
    return run


def titles(database: Database, number: str) -> list[str]:
    """Return the titles of the cases about a parcel."""
    with database.reading() as session:
        return read_values(session, Case.title, Case.subject == number)


def test_label_with_which_nothing_was_sent_is_one_case(
    database: Database, carrier: ScriptedCarrier, travel: time_machine.Traveller
) -> None:
    (_, sent), (_, unused), (_, unknown) = (buy(database) for _ in range(3))
    report(database, carrier, sent, TrackingStatus.PICKED_UP)
    report(database, carrier, unused, TrackingStatus.LABEL_CREATED)
    assert compare(database, "fedex labels").compared == 0
    travel.shift(UNUSED_MAX)
    assert [compare(database, "fedex labels").differences for _ in range(2)] == [2, 2]
    assert titles(database, sent) == []
    for number in (unused, unknown):
        assert titles(database, number) == [
            "A label was bought, and its parcel is not at the carrier"
        ]


def test_label_whose_purchase_was_given_up_is_cancelled(
    database: Database, carrier: ScriptedCarrier, travel: time_machine.Traveller
) -> None:
    carrier.faults = [CallFault.UNANSWERED_DONE]
    with pytest.raises(ProviderOutcomeUnknown):
        buy(database)
    assert (compare(database, "fedex labels").healed, len(carrier.paid())) == (0, 1)
    travel.shift(timedelta(hours=7))
    run = compare(database, "fedex labels")
    assert (run.healed, run.failure, carrier.paid()) == (1, None, [])
    assert compare(database, "fedex labels").healed == 0


def test_proof_of_a_delivery_is_fetched_or_its_lack_is_a_case(
    database: Database, carrier: ScriptedCarrier, travel: time_machine.Traveller
) -> None:
    parcel_id, number = buy(database)
    report(database, carrier, number, TrackingStatus.DELIVERED)
    carrier.proof = None
    assert compare(database, "fedex deliveries").compared == 0
    travel.shift(timedelta(days=3))
    assert compare(database, "fedex deliveries").differences == 1
    assert titles(database, number) == ["A carrier has no proof of a delivery"]
    carrier.proof = b"%PDF"
    assert compare(database, "fedex deliveries").healed == 1
    with database.reading() as session:
        assert tracking_queries.proof_of_delivery(session, parcel_id) == b"%PDF"
