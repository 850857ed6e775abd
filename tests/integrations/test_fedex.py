"""Labels and tracking over FedEx's protocol, against the sandbox."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from app.catalog.rules import USD
from app.config.providers import sandbox_secret
from app.fulfillment.carriers.ports import (
    Consignment,
    LabelOrder,
    LabelSellers,
    Rate,
)
from app.fulfillment.carriers.rules import Carrier, Speed, TrackingStatus, current_status
from app.fulfillment.labels import service as labels
from app.integrations.fedex.adapter import Fedex
from app.integrations.fedex.client import FedexClient
from app.integrations.http_calls import ATTEMPTS_MAX, ProviderCaller
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.money import Amount
from app.kit.ports import provide
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable
from app.providers.service import CallLog
from sandbox.app import run_periodic_tasks
from sandbox.faults import FaultMode
from sandbox.providers import fedex as sandbox_fedex
from tests.integrations.test_stripe import UNCERTAIN_FAULTS
from tests.provider_sandbox import Sandbox
from tests.scripted_carriers import consignment

NAME = "fedex"
S = TrackingStatus
#: After these FedEx has certainly done nothing, or says so.
HARMLESS_FAULTS = (FaultMode.LIMITED, FaultMode.UNAUTHORIZED)
SHIPS_ON = date(2031, 3, 3)


class FedexSetup:
    """FedEx's adapter, and a reference that no other test uses."""

    def __init__(
        self,
        database: Database,
        sandbox: Sandbox,
        secret: str = sandbox_secret(NAME),
        timeout: float = 5,
    ) -> None:
        client = FedexClient(
            f"{sandbox.url}/{NAME}", client_id="pbcex", client_secret=secret,
            timeout_seconds=timeout,
        )  # fmt: skip
        self.fedex = Fedex(
            client,
            ProviderCaller(NAME, CallLog(database)),
            account=sandbox_fedex.ACCOUNT,
            search_lag=timedelta(0),
        )
        self.reference, self._sandbox = ids.encode("lbl", ids.new()), sandbox

    def order(self, sent: Consignment | None = None, speed: Speed = Speed.GROUND) -> LabelOrder:
        return LabelOrder(self.reference, speed, sent or consignment(), SHIPS_ON)

    def buy(self, street: str = "22 Elm Street") -> str:
        """Buy a label to a street, and return its number."""
        sent = consignment()
        sent = replace(sent, recipient=replace(sent.recipient, street=street))
        return self.fedex.buy_label(self.order(sent)).tracking_number

    def find(self) -> str | None:
        found = self.fedex.find_label(self.reference, clock.now().date())
        return found.tracking_number if found else None

    def parcels(self) -> list[dict[str, Any]]:
        """Return the parcels that FedEx has with the reference."""
        return self._sandbox.store.find(NAME, "parcel", reference=self.reference)

    def move(self, times: int = 1) -> None:
        for _ in range(times):
            run_periodic_tasks(self._sandbox.app)

    def statuses(self, number: str) -> list[TrackingStatus | None]:
        """Return the statuses of the events that FedEx reports of a parcel, by their time."""
        [tracking] = self.fedex.track([number])
        ordered = sorted(tracking.events, key=lambda event: event.at)
        return [event.status for event in ordered]


@pytest.fixture
def setup(database: Database, sandbox: Sandbox) -> FedexSetup:
    return FedexSetup(database, sandbox)


def test_rates_are_what_our_account_pays_for_each_speed(setup: FedexSetup) -> None:
    # 1.5 kg are 4 pounds.
    assert list(setup.fedex.rates(consignment(), SHIPS_ON)) == [
        Rate(Speed.OVERNIGHT, Amount.parse(USD, "82.25"), date(2031, 3, 4)),
        Rate(Speed.TWO_DAY, Amount.parse(USD, "42.90"), date(2031, 3, 5)),
        Rate(Speed.GROUND, Amount.parse(USD, "24.23"), date(2031, 3, 7)),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("FEDEX_2_DAY", "not an object"),
        ({"serviceType": "FEDEX_2_DAY"}, "no list of ratedShipmentDetails"),
        ({"serviceType": "FEDEX_2_DAY", "ratedShipmentDetails": []}, "cannot be read"),
        ({"charge": {"totalNetCharge": 12.5, "currency": "CAD"}}, "not in dollars"),
        ({"charge": {"totalNetCharge": "12.50", "currency": "USD"}}, "not a number"),
        ({"charge": {"totalNetCharge": True, "currency": "USD"}}, "not a number"),
        ({"charge": {"totalNetCharge": -1, "currency": "USD"}}, "negative"),
    ],
)
def test_rate_that_cannot_be_read_is_set_aside(
    setup: FedexSetup, sandbox: Sandbox, row: Any, reason: str
) -> None:
    if isinstance(row, dict) and "charge" in row:
        row = {"serviceType": "FEDEX_2_DAY", "ratedShipmentDetails": [row["charge"]]}
    sandbox.add_odd_row(NAME, "rates.quote", row)
    rates = setup.fedex.rates(consignment(), SHIPS_ON)
    assert len(rates) == 3
    [odd] = rates.set_aside
    assert reason in str(odd.cause)


def test_service_that_we_do_not_use_is_left_out(setup: FedexSetup, sandbox: Sandbox) -> None:
    sandbox.add_odd_row(NAME, "rates.quote", {"serviceType": "SMART_POST"})
    rates = setup.fedex.rates(consignment(), SHIPS_ON)
    assert (len(rates), len(rates.set_aside)) == (3, 0)


def test_label_is_for_an_adult_s_signature_insured_and_discreet(setup: FedexSetup) -> None:
    label = setup.fedex.buy_label(setup.order(consignment("1250.01"), Speed.TWO_DAY))
    assert label.document is not None
    assert label.document.startswith(b"%PDF")
    assert label.cost == Amount.parse(USD, "42.90")
    [parcel] = setup.parcels()
    assert parcel["number"] == label.tracking_number
    sold = parcel["label"]
    [item] = sold["requestedPackageLineItems"]
    assert item["packageSpecialServices"]["signatureOptionType"] == "ADULT"
    assert item["declaredValue"] == {"amount": 1251, "currency": "USD"}
    assert item["weight"] == {"units": "LB", "value": 4}
    assert item["dimensions"] == {"length": 25, "width": 20, "height": 10, "units": "CM"}
    assert sold["blockInsightVisibility"] is True
    assert sold["recipients"][0]["address"] == {
        "streetLines": ["22 Elm Street"],
        "city": "Dallas",
        "stateOrProvinceCode": "TX",
        "postalCode": "75201",
        "countryCode": "US",
    }


def test_refusal_has_fedex_s_code(setup: FedexSetup, sandbox: Sandbox) -> None:
    sandbox.schedule_fault(NAME, "shipments.create", FaultMode.REFUSED)
    with pytest.raises(ProviderRefused, match="ADDRESSSTATEORPROVINCECODE"):
        setup.buy()
    over = consignment(str(sandbox_fedex.VALUE_MAX + 1))
    with pytest.raises(ProviderRefused, match="DECLAREDVALUE"):
        setup.fedex.buy_label(setup.order(over))


@pytest.mark.parametrize("mode", [*UNCERTAIN_FAULTS, *HARMLESS_FAULTS])
def test_label_is_never_bought_twice(
    database: Database, setup: FedexSetup, sandbox: Sandbox, mode: FaultMode
) -> None:
    provide(LabelSellers, LabelSellers({Carrier.FEDEX: setup.fedex}))
    parcel_id = ids.new()

    def buy() -> str:
        return labels.buy_label(
            database,
            parcel_id=parcel_id,
            carrier=Carrier.FEDEX,
            speed=Speed.GROUND,
            consignment=consignment(),
            ships_on=SHIPS_ON,
        ).tracking_number

    before = set(numbers(sandbox))
    sandbox.schedule_fault(NAME, "shipments.create", mode)
    with suppress(ProviderOutcomeUnknown):
        buy()
    bought = {buy(), buy()}
    assert {number for number in numbers(sandbox) if number not in before} == bought
    assert len(bought) == 1


def numbers(sandbox: Sandbox) -> list[str]:
    """Return the numbers of the labels that we pay for."""
    parcels = sandbox.store.find(NAME, "parcel", cancelled=False)
    return [parcel["number"] for parcel in parcels]


@pytest.mark.parametrize(
    "mode",
    [FaultMode.HANG_UP_AFTER, FaultMode.ERROR_AFTER, FaultMode.GARBAGE, FaultMode.TIMEOUT_AFTER],
)
def test_repeating_the_call_would_buy_twice(
    database: Database, sandbox: Sandbox, mode: FaultMode
) -> None:
    """The control: FedEx recognises no repetition, and the faults sell what we do not hear of."""
    setup = FedexSetup(database, sandbox, timeout=0.3)
    sandbox.schedule_fault(NAME, "shipments.create", mode, seconds=0.5)
    with pytest.raises(ProviderOutcomeUnknown):
        setup.buy()
    assert setup.find() == setup.parcels()[0]["number"]
    setup.buy()
    assert [parcel["cancelled"] for parcel in setup.parcels()] == [False, False]


def test_label_is_found_by_its_reference_until_it_is_cancelled(setup: FedexSetup) -> None:
    assert setup.find() is None
    number = setup.buy()
    assert setup.find() == number
    for _ in range(2):
        setup.fedex.cancel_label(number, setup.reference)
    assert setup.find() is None


def test_label_of_a_parcel_that_fedex_has_is_not_cancelled(setup: FedexSetup) -> None:
    number = setup.buy()
    setup.move()
    with pytest.raises(ProviderRefused, match="TENDERED"):
        setup.fedex.cancel_label(number, setup.reference)
    with pytest.raises(ProviderRefused, match=r"NOT\.FOUND"):
        setup.fedex.cancel_label("79", setup.reference)


@pytest.mark.parametrize(
    ("street", "end"),
    [
        ("22 Elm Street", S.DELIVERED),
        ("Lost Lane 5", S.LOST),
        ("Damaged Lane 5", S.DAMAGED),
        ("Returned Lane 5", S.RETURNED),
        ("Held Lane 5", S.HELD),
        ("Wrong Lane 5", S.ADDRESS_CORRECTION),
    ],
)
def test_parcel_travels_by_itself(setup: FedexSetup, street: str, end: TrackingStatus) -> None:
    number = setup.buy(street)
    assert setup.statuses(number) == [S.LABEL_CREATED]
    setup.move()
    assert set(setup.statuses(number)) == {S.LABEL_CREATED, S.PICKED_UP}
    setup.move(4)
    [tracking] = setup.fedex.track([number])
    reached = [(event.at, event.status) for event in tracking.events if event.status]
    assert current_status(reached) is end
    assert tracking.expected_on == clock.now().date() + timedelta(days=3)
    assert {event.place for event in tracking.events} == {"MEMPHIS", "DALLAS"}


@pytest.mark.parametrize("mode", [FaultMode.REPEATED, FaultMode.REORDERED])
def test_repeated_and_reordered_events_are_the_same_events(
    setup: FedexSetup, sandbox: Sandbox, mode: FaultMode
) -> None:
    number = setup.buy()
    setup.move(4)
    [expected] = setup.fedex.track([number])
    sandbox.schedule_fault(NAME, "tracking.get", mode)
    [tracking] = setup.fedex.track([number])
    assert sorted(event.id for event in tracking.events) == sorted(e.id for e in expected.events)


def test_scan_that_changes_nothing_has_no_status(setup: FedexSetup, sandbox: Sandbox) -> None:
    number = setup.buy()
    sandbox.call_control(NAME, "/move", number=number, step="delayed")
    assert None in setup.statuses(number)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"trackingNumber": "790000000000"}, "not one that was asked for"),
        ({"trackResults": [{"trackingNumberInfo": {"trackingNumber": "790"}}]}, "another parcel"),
        ({"trackResults": [{"error": {"code": "TRACKING.DATA.NOTUNIQUE"}}]}, "NOTUNIQUE"),
        ({"trackResults": "none"}, "no list of trackResults"),
    ],
)
def test_result_that_cannot_be_read_is_set_aside(
    setup: FedexSetup, sandbox: Sandbox, changes: dict[str, Any], reason: str
) -> None:
    number = setup.buy()
    sandbox.add_odd_row(NAME, "tracking.get", {"trackingNumber": number, **changes})
    listing = setup.fedex.track([number])
    assert [tracking.tracking_number for tracking in listing] == [number]
    [odd] = listing.set_aside
    assert reason in str(odd.cause)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"date": "2031-03-03T12:00:00"}, "no time zone"),
        ({"date": "yesterday"}, "RFC 3339"),
        ({"eventType": None}, "no eventType"),
        ({"scanLocation": "Dallas"}, "cannot be read"),
    ],
)
def test_parcel_with_a_scan_that_cannot_be_read_is_set_aside(
    setup: FedexSetup, sandbox: Sandbox, changes: dict[str, Any], reason: str
) -> None:
    number = setup.buy()
    scan = {"date": "2031-03-03T12:00:00Z", "eventType": "DL", **changes}
    result = {"trackingNumberInfo": {"trackingNumber": number}, "scanEvents": [scan]}
    row = {"trackingNumber": number, "trackResults": [result]}
    sandbox.add_odd_row(NAME, "tracking.get", row)
    [odd] = setup.fedex.track([number]).set_aside
    assert reason in str(odd.cause)


def test_answer_about_another_parcel_is_set_aside(setup: FedexSetup, sandbox: Sandbox) -> None:
    number = setup.buy()
    sandbox.schedule_fault(NAME, "tracking.get", FaultMode.FOREIGN)
    listing = setup.fedex.track([number])
    assert (len(listing), len(listing.set_aside)) == (0, 1)


def test_number_that_fedex_does_not_know_has_no_events(setup: FedexSetup) -> None:
    [tracking] = setup.fedex.track(["790000000001"])
    assert tracking.events == ()


def test_proof_of_delivery_is_there_once_the_parcel_is(setup: FedexSetup) -> None:
    number = setup.buy()
    assert setup.fedex.fetch_proof(number) is None
    setup.move(4)
    proof = setup.fedex.fetch_proof(number)
    assert proof is not None
    assert proof.startswith(b"%PDF")
    assert b"Ada Diaz" in proof


def _rates(setup: FedexSetup) -> None:
    setup.fedex.rates(consignment(), SHIPS_ON)


def _find(setup: FedexSetup) -> None:
    setup.find()


def _track(setup: FedexSetup) -> None:
    setup.fedex.track(["790000000001"])


def _prove(setup: FedexSetup) -> None:
    setup.fedex.fetch_proof("790000000001")


@pytest.mark.parametrize(
    ("act", "operation"),
    [
        (_rates, "rates.quote"),
        (_find, "references.find"),
        (_track, "tracking.get"),
        (_prove, "documents.get"),
    ],
)
def test_read_survives_a_fault_and_gives_up_after_several(
    setup: FedexSetup, sandbox: Sandbox, act: Callable[[FedexSetup], None], operation: str
) -> None:
    for mode in (FaultMode.HANG_UP_BEFORE, *HARMLESS_FAULTS):
        sandbox.schedule_fault(NAME, operation, mode)
    act(setup)
    sandbox.schedule_fault(NAME, operation, FaultMode.GARBAGE, times=ATTEMPTS_MAX)
    with pytest.raises(ProviderOutcomeUnknown):
        act(setup)


def test_cancelling_survives_a_timeout_after_its_effect(
    setup: FedexSetup, sandbox: Sandbox
) -> None:
    number = setup.buy()
    sandbox.schedule_fault(NAME, "shipments.cancel", FaultMode.HANG_UP_AFTER)
    setup.fedex.cancel_label(number, setup.reference)
    assert setup.find() is None


def test_expired_token_is_renewed(setup: FedexSetup, sandbox: Sandbox) -> None:
    setup.find()
    [*_, token] = sandbox.store.find(NAME, "token")
    sandbox.store.put(NAME, "token", token["token"], {**token, "until": 0})
    assert setup.find() is None
    assert len(sandbox.store.find(NAME, "token")) >= 2


def test_wrong_secret_does_nothing(database: Database, sandbox: Sandbox) -> None:
    setup = FedexSetup(database, sandbox, "another secret")
    with pytest.raises(ProviderUnavailable, match="There is no token"):
        setup.buy()
    assert setup.parcels() == []


def test_account_that_is_not_ours_is_refused(setup: FedexSetup) -> None:
    setup.fedex._account = "1"
    with pytest.raises(ProviderRefused, match="ACCOUNT"):
        setup.buy()
