"""A parcel has one label that we pay for, whatever fails while it is bought."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine

from app.fulfillment.carriers.ports import LabelSellers
from app.fulfillment.carriers.rules import Carrier, Speed
from app.fulfillment.labels import queries, service
from app.fulfillment.labels.errors import LabelBoughtElsewhere
from app.fulfillment.labels.models import ParcelLabel
from app.fulfillment.labels.queries import BoughtLabel
from app.fulfillment.tracking import queries as tracking_queries
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.ports import provide
from app.kit.tasks import JobClaimedElsewhere
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable
from tests.rows import change_rows, read_values
from tests.scripted_carriers import SHIPS_ON, ScriptedCarrier, consignment
from tests.scripted_rails import CallFault, ProcessKilled

FAILURES = (ProviderUnavailable, ProviderOutcomeUnknown, ProcessKilled)


class Counter:
    """A parcel, and the carrier at which its label is bought."""

    def __init__(self, database: Database) -> None:
        self.database, self.parcel_id, self.carrier = database, ids.new(), ScriptedCarrier()
        provide(LabelSellers, LabelSellers({Carrier.FEDEX: self.carrier}))

    def buy(self, speed: Speed = Speed.GROUND) -> BoughtLabel:
        return service.buy_label(
            self.database,
            parcel_id=self.parcel_id,
            carrier=Carrier.FEDEX,
            speed=speed,
            consignment=consignment(),
            ships_on=SHIPS_ON,
        )

    def cancel(self) -> None:
        service.cancel_label(self.database, self.parcel_id)

    def statuses(self) -> list[object]:
        with self.database.reading() as session:
            found = read_values(
                session, ParcelLabel.status, ParcelLabel.parcel_id == self.parcel_id
            )
        return sorted(map(str, found))

    def tracked_number(self) -> str | None:
        with self.database.reading() as session:
            track = tracking_queries.parcel_track(session, self.parcel_id)
        return track.tracking_number if track else None


@pytest.fixture
def counter(database: Database) -> Counter:
    return Counter(database)


@pytest.fixture
def travel() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(clock.now()) as traveller:
        yield traveller


def test_label_is_bought_once_and_its_parcel_tracked(counter: Counter) -> None:
    label = counter.buy()
    assert counter.buy().id == label.id
    assert (counter.carrier.calls, counter.carrier.paid()) == (["buy"], [label.tracking_number])
    assert counter.tracked_number() == label.tracking_number
    with counter.database.reading() as session:
        assert queries.label_document(session, counter.parcel_id) == b"%PDF label"
    assert label.cost is not None
    assert str(label.cost) == "12.50"


@pytest.mark.parametrize(
    "faults",
    [
        [CallFault.UNAVAILABLE],
        [CallFault.UNANSWERED_NOT_DONE],
        [CallFault.UNANSWERED_DONE],
        [CallFault.CRASH_BEFORE],
        [CallFault.CRASH_AFTER],
        # The search fails too, then the cancelling of what it found, before and after its effect.
        [CallFault.UNANSWERED_DONE, CallFault.UNAVAILABLE, None, CallFault.UNAVAILABLE],
        [CallFault.UNANSWERED_DONE, None, CallFault.CRASH_BEFORE],
        [CallFault.UNANSWERED_DONE, None, CallFault.UNANSWERED_DONE],
        [CallFault.UNANSWERED_DONE, None, CallFault.CRASH_AFTER],
        [CallFault.CRASH_AFTER, None, None, CallFault.CRASH_AFTER],
    ],
    ids=lambda faults: "-".join(fault.name.lower() if fault else "fine" for fault in faults),
)
@pytest.mark.parametrize("keeps_documents", [True, False])
def test_failures_leave_one_label_that_we_pay_for(
    counter: Counter, faults: list[CallFault | None], keeps_documents: bool
) -> None:
    counter.carrier.faults, counter.carrier.keeps_documents = list(faults), keeps_documents
    for _ in range(len(faults) + 1):
        with suppress(*FAILURES):
            counter.buy()
    label = counter.buy()
    assert counter.carrier.paid() == [label.tracking_number] == [counter.tracked_number()]
    assert counter.statuses().count("bought") == 1


def test_without_the_search_a_label_would_be_bought_twice(counter: Counter) -> None:
    """The control: the failures above do sell labels of which we do not hear."""
    counter.carrier.faults, counter.carrier.is_searchable = [CallFault.UNANSWERED_DONE], False
    with pytest.raises(ProviderOutcomeUnknown):
        counter.buy()
    counter.buy()
    assert len(counter.carrier.paid()) == 2


def test_label_that_the_search_may_not_find_yet_is_not_bought_again(
    counter: Counter, travel: time_machine.Traveller
) -> None:
    counter.carrier.search_lag = timedelta(minutes=15)
    counter.carrier.faults = [CallFault.UNANSWERED_NOT_DONE]
    for _ in range(2):
        with pytest.raises(ProviderOutcomeUnknown):
            counter.buy()
    assert counter.carrier.calls == ["buy", "find"]
    travel.shift(timedelta(minutes=16))
    label = counter.buy()
    assert counter.carrier.paid() == [label.tracking_number]


def test_refusal_orders_nothing_and_the_next_call_orders_anew(counter: Counter) -> None:
    counter.carrier.faults = [CallFault.REFUSED]
    with pytest.raises(ProviderRefused):
        counter.buy()
    assert counter.statuses() == ["refused"]
    counter.buy(Speed.OVERNIGHT)
    assert (counter.statuses(), len(counter.carrier.paid())) == (["bought", "refused"], 1)


def test_label_of_another_speed_is_not_bought_beside_the_first(counter: Counter) -> None:
    counter.buy()
    with pytest.raises(LabelBoughtElsewhere):
        counter.buy(Speed.OVERNIGHT)
    counter.cancel()
    label = counter.buy(Speed.OVERNIGHT)
    assert counter.carrier.paid() == [label.tracking_number] == [counter.tracked_number()]


@pytest.mark.parametrize("failure", [None, CallFault.UNANSWERED_DONE, CallFault.CRASH_AFTER])
def test_cancelled_label_costs_nothing_and_is_not_tracked(
    counter: Counter, failure: CallFault | None
) -> None:
    counter.carrier.faults = [failure]
    with suppress(*FAILURES):
        counter.buy()
    counter.cancel()
    counter.cancel()
    assert (counter.carrier.paid(), counter.tracked_number()) == ([], None)
    assert counter.statuses() == ["cancelled"]
    with counter.database.reading() as session, pytest.raises(NotFound):
        queries.label_document(session, counter.parcel_id)


def test_label_of_a_parcel_that_the_carrier_has_is_not_cancelled(counter: Counter) -> None:
    counter.buy()
    counter.carrier.has_parcel = True
    with pytest.raises(ProviderRefused, match="TENDERED"):
        counter.cancel()
    assert counter.statuses() == ["bought"]


def test_label_that_another_process_buys_is_left_to_it(
    counter: Counter, travel: time_machine.Traveller
) -> None:
    counter.carrier.faults = [CallFault.UNANSWERED_DONE]
    with pytest.raises(ProviderOutcomeUnknown):
        counter.buy()
    set_claim(counter, ids.new())
    for act in (counter.buy, counter.cancel):
        with pytest.raises(JobClaimedElsewhere):
            act()
    assert counter.carrier.calls == ["buy"]
    travel.shift(service.CLAIM_DURATION)
    label = counter.buy()
    assert counter.carrier.paid() == [label.tracking_number]


def set_claim(counter: Counter, claim_id: UUID) -> None:
    until = clock.now() + service.CLAIM_DURATION
    with counter.database.transaction() as session:
        condition = ParcelLabel.parcel_id == counter.parcel_id
        change_rows(session, ParcelLabel, condition, claim_id=claim_id, claimed_until=until)


def test_carrier_that_is_not_configured_does_nothing(counter: Counter) -> None:
    provide(LabelSellers, LabelSellers({}))
    with pytest.raises(ProviderUnavailable, match="FedEx is not configured"):
        counter.buy()
    assert counter.statuses() == []


def test_document_is_emptied_after_a_month(
    counter: Counter, travel: time_machine.Traveller
) -> None:
    counter.buy()
    for age, has_document in ((timedelta(days=29), True), (timedelta(days=2), False)):
        travel.shift(age)
        with counter.database.transaction() as session:
            service.empty_documents(session)
        with counter.database.reading() as session:
            sealed = read_values(
                session, ParcelLabel.document_sealed, ParcelLabel.parcel_id == counter.parcel_id
            )
        assert (sealed != [None]) is has_document
