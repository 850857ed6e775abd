"""Tracking over UPS's protocol, against the sandbox."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.config.providers import sandbox_secret
from app.fulfillment.carriers.rules import TrackingStatus, current_status
from app.integrations.http_calls import ATTEMPTS_MAX, ProviderCaller
from app.integrations.ups.adapter import Ups
from app.integrations.ups.client import UpsClient
from app.kit import clock, ids
from app.kit.db import Database
from app.providers.errors import ProviderOutcomeUnknown, ProviderUnavailable
from app.providers.service import CallLog
from sandbox.app import run_periodic_tasks
from sandbox.faults import FaultMode
from tests.integrations.test_fedex import HARMLESS_FAULTS
from tests.provider_sandbox import Sandbox

NAME = "ups"
S = TrackingStatus


class UpsSetup:
    """UPS's adapter, and what partners send."""

    def __init__(
        self, database: Database, sandbox: Sandbox, secret: str = sandbox_secret(NAME)
    ) -> None:
        client = UpsClient(
            f"{sandbox.url}/{NAME}", client_id="pbcex", client_secret=secret, timeout_seconds=5
        )
        self.ups = Ups(client, ProviderCaller(NAME, CallLog(database)))
        self._sandbox = sandbox

    def send(self, street: str = "22 Elm Street") -> str:
        """Let a partner send a parcel to a street, and return its number."""
        parcel = self._sandbox.call_control(
            NAME, "/parcels", reference=ids.encode("lbl", ids.new()), origin="Dallas",
            street=street, city="Austin", recipient="Ada Diaz",
        )  # fmt: skip
        return str(parcel["number"])

    def move(self, times: int) -> None:
        for _ in range(times):
            run_periodic_tasks(self._sandbox.app)

    def change(self, number: str, **changes: object) -> None:
        """Change what UPS knows of a parcel."""
        parcel = self._sandbox.store.get(NAME, "parcel", number)
        assert parcel is not None
        self._sandbox.store.put(NAME, "parcel", number, {**parcel, **changes})


@pytest.fixture
def setup(database: Database, sandbox: Sandbox) -> UpsSetup:
    return UpsSetup(database, sandbox)


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
@pytest.mark.parametrize("mode", [None, FaultMode.REPEATED, FaultMode.REORDERED])
def test_parcel_of_a_partner_travels_by_itself(
    setup: UpsSetup, sandbox: Sandbox, street: str, end: TrackingStatus, mode: FaultMode | None
) -> None:
    number = setup.send(street)
    setup.move(5)
    if mode:
        sandbox.schedule_fault(NAME, "tracking.get", mode)
    [tracking] = setup.ups.track([number])
    reached = [(event.at, event.status) for event in tracking.events if event.status]
    assert current_status(reached) is end
    assert len(tracking.events) == (4 if end in {S.LOST, S.DAMAGED, S.HELD} else 5) - (
        end is S.ADDRESS_CORRECTION
    )
    assert tracking.expected_on == clock.now().date() + timedelta(days=3)
    assert {event.place for event in tracking.events} == {"DALLAS", "AUSTIN"}


def test_number_that_ups_does_not_know_has_no_events(setup: UpsSetup) -> None:
    [tracking] = setup.ups.track(["1Z999AA10123456784"])
    assert tracking.events == ()


def test_answer_about_another_parcel_is_set_aside(setup: UpsSetup, sandbox: Sandbox) -> None:
    number = setup.send()
    sandbox.schedule_fault(NAME, "tracking.get", FaultMode.FOREIGN)
    listing = setup.ups.track([number])
    assert (len(listing), [row.provider_ref for row in listing.set_aside]) == (0, [number])


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"shipment": [{"package": ["1Z"]}]}, "not an object"),
        ({"shipment": [{"package": [{"trackingNumber": "1Z1"}]}]}, "no list of activity"),
        (
            {"shipment": [{"package": [{"trackingNumber": "1Z1", "activity": [{}]}]}]},
            "no gmtDate",
        ),
    ],
)
def test_parcel_that_cannot_be_read_is_set_aside(
    database: Database, details: dict[str, Any], reason: str
) -> None:
    class Scripted:
        def get_details(self, _number: str) -> dict[str, Any]:
            return details

    [odd] = Ups(Scripted(), ProviderCaller(NAME, CallLog(database))).track(["1Z1"]).set_aside
    assert reason in str(odd.cause)


@pytest.mark.parametrize("details", [{}, {"shipment": [{"warnings": [{"code": "TW0001"}]}]}])
def test_number_named_in_a_warning_only_is_unknown(
    database: Database, details: dict[str, Any]
) -> None:
    class Scripted:
        def get_details(self, _number: str) -> dict[str, Any]:
            return details

    ups = Ups(Scripted(), ProviderCaller(NAME, CallLog(database)))
    [tracking] = ups.track(["1Z1"])
    assert (tracking.events, ups.fetch_proof("1Z1")) == ((), None)


def test_proof_of_delivery_is_there_once_the_parcel_is(setup: UpsSetup) -> None:
    number = setup.send()
    assert setup.ups.fetch_proof(number) is None
    setup.move(4)
    proof = setup.ups.fetch_proof(number)
    assert proof is not None
    assert proof.startswith(b"%PDF")
    assert b"Ada Diaz" in proof


@pytest.mark.parametrize(
    "act",
    [lambda ups: ups.track(["1Z2"]), lambda ups: ups.fetch_proof("1Z2")],
    ids=["track", "prove"],
)
def test_read_survives_faults_and_gives_up_after_several(
    setup: UpsSetup, sandbox: Sandbox, act: Callable[[Ups], object]
) -> None:
    for mode in (FaultMode.HANG_UP_BEFORE, *HARMLESS_FAULTS):
        sandbox.schedule_fault(NAME, "tracking.get", mode)
    act(setup.ups)
    sandbox.schedule_fault(NAME, "tracking.get", FaultMode.GARBAGE, times=ATTEMPTS_MAX)
    with pytest.raises(ProviderOutcomeUnknown):
        act(setup.ups)


def test_wrong_secret_does_nothing(database: Database, sandbox: Sandbox) -> None:
    with pytest.raises(ProviderUnavailable, match="There is no token"):
        UpsSetup(database, sandbox, "another secret").ups.track(["1Z2"])
