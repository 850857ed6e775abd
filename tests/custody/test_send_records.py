"""A send goes out exactly once, whatever fails on the way."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine

from app.cases.models import Case
from app.catalog.rules import PAXG
from app.custody import send_records
from app.custody import service as custody
from app.custody.errors import SendDiffers
from app.custody.incoming_tokens import apply_transfers
from app.custody.ports import (
    Custodian,
    Custodians,
    CustodyTransfer,
    Direction,
    SendOrder,
    TransferState,
)
from app.custody.rules import IN_FLIGHT_MAX, SendState
from app.kit import clock
from app.kit.errors import NotFound
from app.kit.money import Amount
from app.kit.ports import resolve
from app.kit.tasks import JobClaimedElsewhere
from app.outbox.models import StagedJob
from app.providers.errors import ProviderOutcomeUnknown, ProviderUnavailable
from sandbox.faults import FaultMode
from tests.rows import read_values
from tests.sandbox_custodians import NAMES, SEND_OPERATIONS, CustodyHarness
from tests.unchanged_database import database_unchanged

SENT_WITHOUT_ANSWER = [
    *((name, FaultMode.HANG_UP_AFTER) for name in NAMES),
    ("paxos", FaultMode.ERROR_AFTER),
    ("anchorage", FaultMode.GARBAGE),
]
NOT_SENT_WITHOUT_ANSWER = [
    *((name, FaultMode.HANG_UP_BEFORE) for name in NAMES),
    ("primetrust", FaultMode.DOWN),
]
each_custodian = pytest.mark.parametrize("name", NAMES)


class ProcessKilled(BaseException):
    """Stands for the end of the process: nothing catches it."""


def configure_with_preferred(harness: CustodyHarness, name: str) -> dict[str, Custodian]:
    """Configure all custodians; this one is called first, as no other has a known balance."""
    with harness.database.transaction() as session:
        session.send(
            "INSERT INTO custody_balances VALUES (%s, 'PAXG', 10000000000, 10000000000, now())",
            (name,),
        )
    return harness.configure()


@each_custodian
def test_send_is_accepted_and_completes(harness: CustodyHarness, name: str) -> None:
    configure_with_preferred(harness, name)
    status = harness.send("0.5")
    assert (status.state, status.custodian) == (SendState.ACCEPTED, name)
    assert harness.recorded_sends() == [(name, "0.50000000", "pending")]
    assert harness.settlements_staged() == 0
    harness.sandbox.call_control(name, f"/sends/{harness.reference}/completed")
    status = harness.settle()
    assert status.state is SendState.COMPLETED
    assert status.tx_hash.startswith("0x")
    terms = next(terms for terms in resolve(Custodians)[name].terms if terms.asset == PAXG)
    assert status.cost == terms.cost
    assert status.provider_id == resolve(Custodians)[name].provider_id
    assert harness.settlements_staged() == 1
    with database_unchanged(harness.database):
        assert harness.send("0.5") == status
    assert harness.recorded_sends() == [(name, "0.50000000", "completed")]


@pytest.mark.parametrize(("name", "mode"), SENT_WITHOUT_ANSWER)
def test_send_without_an_answer_is_found_in_the_records(
    harness: CustodyHarness, name: str, mode: FaultMode
) -> None:
    configure_with_preferred(harness, name)
    harness.sandbox.schedule_fault(name, SEND_OPERATIONS[name], mode)
    status = harness.send()
    assert (status.state, status.custodian) == (SendState.ACCEPTED, name)
    assert harness.recorded_sends() == [(name, "0.50000000", "pending")]
    assert [what for what, _, _ in harness.events()] == ["planned", "asked", "no_answer", "known"]


@pytest.mark.parametrize(("name", "mode"), NOT_SENT_WITHOUT_ANSWER)
def test_unsent_send_without_an_answer_is_repeated_at_the_same_custodian(
    harness: CustodyHarness, name: str, mode: FaultMode
) -> None:
    configure_with_preferred(harness, name)
    harness.sandbox.schedule_fault(name, SEND_OPERATIONS[name], mode)
    assert harness.send().state is SendState.UNKNOWN
    assert harness.recorded_sends() == []
    status = harness.settle()
    assert (status.state, status.custodian) == (SendState.ACCEPTED, name)
    assert harness.recorded_sends() == [(name, "0.50000000", "pending")]


@pytest.mark.parametrize(
    ("mode", "at_first"),
    [(FaultMode.TIMEOUT_BEFORE, SendState.UNKNOWN), (FaultMode.TIMEOUT_AFTER, SendState.ACCEPTED)],
)
def test_timeout_leaves_the_send_unknown_or_accepted(
    harness: CustodyHarness, mode: FaultMode, at_first: SendState
) -> None:
    harness.configure("paxos", provider_timeout_seconds=0.5)
    harness.sandbox.schedule_fault("paxos", SEND_OPERATIONS["paxos"], mode, seconds=0.8)
    assert harness.send().state is at_first
    assert harness.settle().state is SendState.ACCEPTED
    assert harness.recorded_sends() == [("paxos", "0.50000000", "pending")]


@each_custodian
def test_send_stays_unknown_until_the_custodian_answers(harness: CustodyHarness, name: str) -> None:
    configure_with_preferred(harness, name)
    harness.sandbox.schedule_fault(name, SEND_OPERATIONS[name], FaultMode.HANG_UP_AFTER)
    fault = harness.sandbox.schedule_fault(name, "transfers.list", FaultMode.DOWN, times=9)
    assert harness.send().state is SendState.UNKNOWN
    assert harness.settle().state is SendState.UNKNOWN
    assert harness.send().state is SendState.UNKNOWN
    assert len(harness.recorded_sends()) == 1
    assert [call for call in harness.calls() if call[1] == SEND_OPERATIONS[name]] == [
        (name, SEND_OPERATIONS[name], "unknown")
    ]
    harness.sandbox.store.delete("_sandbox", "faults", fault.id)
    harness.sandbox.faults.clear()
    harness.configure()
    assert harness.settle().state is SendState.ACCEPTED
    assert len(harness.recorded_sends()) == 1


@each_custodian
@pytest.mark.parametrize("was_sent", [True, False])
def test_crash_during_the_call_sends_once(
    harness: CustodyHarness, name: str, was_sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    custodian = configure_with_preferred(harness, name)[name]

    def die(order: SendOrder) -> CustodyTransfer:
        if was_sent:
            original_send(order)
        raise ProcessKilled

    original_send: Callable[[SendOrder], CustodyTransfer] = custodian.send
    monkeypatch.setattr(custodian, "send", die)
    with monkeypatch.context() as crash:
        crash.setattr(send_records, "release_claim", lambda *_: None)
        with suppress(ProcessKilled):
            harness.send()
    assert len(harness.recorded_sends()) == int(was_sent)
    with pytest.raises(JobClaimedElsewhere):
        harness.send()
    harness.configure()
    before = len(harness.calls())
    with time_machine.travel(clock.now() + custody.CLAIM_DURATION + timedelta(seconds=1)):
        status = harness.send()
    assert (status.state, status.custodian) == (SendState.ACCEPTED, name)
    assert harness.recorded_sends() == [(name, "0.50000000", "pending")]
    # The next run reads the records first.
    later = [operation for _, operation, _ in harness.calls()[before:]]
    assert later[0] == "transfers.list"
    assert (SEND_OPERATIONS[name] in later) is not was_sent
    assert [what for what, _, _ in harness.events()][2] == "ended"


UNREACHABLE_PAXOS = {
    "paxos_base_url": "http://127.0.0.1:9/v2",
    "paxos_oauth_url": "http://127.0.0.1:9/token",
}


def test_unreachable_custodian_is_passed_over(harness: CustodyHarness) -> None:
    configure_with_preferred(harness, "paxos")
    harness.configure(**UNREACHABLE_PAXOS)
    status = harness.send()
    assert (status.state, status.custodian) == (SendState.ACCEPTED, "primetrust")
    assert harness.recorded_sends() == [("primetrust", "0.50000000", "pending")]
    assert harness.events() == [
        ("planned", "planned", None),
        ("asked", "planned", "paxos"),
        ("away", "planned", "paxos"),
        ("asked", "planned", "primetrust"),
        ("known", "accepted", "primetrust"),
    ]


@each_custodian
def test_custodian_with_too_low_a_balance_is_passed_over(
    harness: CustodyHarness, name: str
) -> None:
    configure_with_preferred(harness, name)
    harness.set_balance(name, "0.1")
    status = harness.send()
    assert status.state is SendState.ACCEPTED
    assert status.custodian != name
    assert harness.recorded_sends(name) == []
    assert len(harness.recorded_sends()) == 1
    assert (name, SEND_OPERATIONS[name], "refused") in harness.calls()


def test_send_waits_until_a_custodian_has_the_balance(harness: CustodyHarness) -> None:
    for name in NAMES:
        harness.set_balance(name, "0.1")
    assert harness.send().state is SendState.PLANNED
    assert harness.recorded_sends() == []
    harness.set_balance("anchorage", "1")
    assert harness.settle().custodian == "anchorage"
    assert harness.recorded_sends() == [("anchorage", "0.50000000", "pending")]


@each_custodian
def test_refused_send_is_not_tried_elsewhere(harness: CustodyHarness, name: str) -> None:
    configure_with_preferred(harness, name)
    harness.sandbox.schedule_fault(name, SEND_OPERATIONS[name], FaultMode.REFUSED)
    status = harness.send()
    assert (status.state, status.custodian) == (SendState.REFUSED, name)
    assert status.code
    assert harness.recorded_sends() == []
    assert harness.settlements_staged() == 1
    with database_unchanged(harness.database):
        assert harness.settle() == status


def test_refusal_after_no_answer_decides_only_when_nothing_is_in_flight(
    harness: CustodyHarness,
) -> None:
    configure_with_preferred(harness, "paxos")
    harness.sandbox.schedule_fault("paxos", SEND_OPERATIONS["paxos"], FaultMode.HANG_UP_BEFORE)
    assert harness.send().state is SendState.UNKNOWN
    harness.set_balance("paxos", "0.1")
    # The first request may still be in flight, and the balance may suffice by then.
    assert harness.settle().state is SendState.UNKNOWN
    assert harness.recorded_sends() == []
    with time_machine.travel(clock.now() + IN_FLIGHT_MAX + timedelta(minutes=1)):
        status = harness.settle()
    assert (status.state, status.custodian) == (SendState.ACCEPTED, "primetrust")
    assert harness.recorded_sends() == [("primetrust", "0.50000000", "pending")]


@each_custodian
def test_late_first_request_sends_once(
    harness: CustodyHarness, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first request is still in flight when the second one is done."""
    custodian = configure_with_preferred(harness, name)[name]
    late: list[SendOrder] = []

    def lose(order: SendOrder) -> CustodyTransfer:
        late.append(order)
        raise ProviderOutcomeUnknown("it is on its way")

    original_send: Callable[[SendOrder], CustodyTransfer] = custodian.send
    monkeypatch.setattr(custodian, "send", lose)
    assert harness.send().state is SendState.UNKNOWN
    monkeypatch.setattr(custodian, "send", original_send)
    assert harness.settle().state is SendState.ACCEPTED
    assert original_send(late[0]).reference == harness.reference
    assert harness.settle().state is SendState.ACCEPTED
    assert harness.recorded_sends() == [(name, "0.50000000", "pending")]


def test_slow_process_does_not_pass_the_send_on(
    harness: CustodyHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one process waits for an answer, another one takes over; then the first request turns
    out never to have arrived."""
    custodian = configure_with_preferred(harness, "paxos")["paxos"]

    def stall(_order: SendOrder) -> CustodyTransfer:
        monkeypatch.setattr(custodian, "send", original_send)
        with pytest.raises(JobClaimedElsewhere):
            harness.settle()
        with time_machine.travel(clock.now() + custody.CLAIM_DURATION + timedelta(seconds=1)):
            assert harness.settle().state is SendState.ACCEPTED
        raise ProviderUnavailable("it never arrived")

    original_send: Callable[[SendOrder], CustodyTransfer] = custodian.send
    monkeypatch.setattr(custodian, "send", stall)
    assert harness.send().state is SendState.ACCEPTED
    assert harness.recorded_sends() == [("paxos", "0.50000000", "pending")]


@each_custodian
def test_send_of_another_amount_is_disputed(harness: CustodyHarness, name: str) -> None:
    configure_with_preferred(harness, name)
    harness.sandbox.schedule_fault(name, SEND_OPERATIONS[name], FaultMode.WRONG_AMOUNT)
    status = harness.send("0.5")
    assert (status.state, status.code) == (SendState.DISPUTED, "amount_differs")
    assert len(harness.recorded_sends()) == 1
    with harness.database.reading() as session:
        assert read_values(session, Case.kind, Case.key == harness.reference) == ["custody.send"]
    assert harness.settlements_staged() == 1
    with database_unchanged(harness.database):
        assert harness.settle() == status


def test_second_custodian_that_sent_too_is_disputed(harness: CustodyHarness) -> None:
    configure_with_preferred(harness, "anchorage")
    assert harness.send().custodian == "anchorage"
    second_transfer = CustodyTransfer(
        "elsewhere",
        Direction.OUT,
        TransferState.FAILED,
        Amount.parse(PAXG, "0.5"),
        "0x1",
        clock.now(),
        reference=harness.reference,
    )
    paxos = resolve(Custodians)["paxos"]
    with harness.database.transaction() as session:
        apply_transfers(session, paxos, [second_transfer])
    assert harness.settle().state is SendState.ACCEPTED
    completed_transfer = CustodyTransfer(
        "elsewhere",
        Direction.OUT,
        TransferState.COMPLETED,
        Amount.parse(PAXG, "0.5"),
        "0x1",
        clock.now(),
        reference=harness.reference,
    )
    with harness.database.transaction() as session:
        apply_transfers(session, paxos, [completed_transfer])
    status = harness.settle()
    assert (status.state, status.code) == (SendState.DISPUTED, "also_sent_elsewhere")


@each_custodian
def test_failed_send_is_settled(harness: CustodyHarness, name: str) -> None:
    configure_with_preferred(harness, name)
    harness.send()
    harness.sandbox.call_control(name, f"/sends/{harness.reference}/failed")
    assert harness.settle().state is SendState.FAILED
    assert harness.settlements_staged() == 1
    assert harness.recorded_sends() == [(name, "0.50000000", "failed")]


def test_reference_belongs_to_one_send(harness: CustodyHarness) -> None:
    harness.send("0.5")
    with database_unchanged(harness.database), pytest.raises(SendDiffers):
        harness.send("0.6")
    with database_unchanged(harness.database), pytest.raises(NotFound):
        custody.settle(harness.database, "wdr_unknown")


def test_unsettled_send_is_polled(harness: CustodyHarness) -> None:
    harness.sandbox.schedule_fault("paxos", SEND_OPERATIONS["paxos"], FaultMode.HANG_UP_BEFORE)
    configure_with_preferred(harness, "paxos")
    assert harness.send().state is SendState.UNKNOWN
    with time_machine.travel(clock.now() + timedelta(seconds=31)):
        for _ in range(2):
            with harness.database.transaction() as session:
                custody.follow_sends(session)
        assert harness.settlements_staged("custody.settle_send") == 1
        with harness.database.reading() as session:
            job = StagedJob.args["reference"].astext == harness.reference
            assert read_values(session, StagedJob.provider, job) == ["paxos"]
        harness.run_jobs()
        assert harness.recorded_sends() == [("paxos", "0.50000000", "pending")]
        harness.sandbox.call_control("paxos", f"/sends/{harness.reference}/completed")
    with time_machine.travel(clock.now() + timedelta(seconds=65)):
        with harness.database.transaction() as session:
            custody.follow_sends(session)
        harness.run_jobs()
    assert harness.settle().state is SendState.COMPLETED


def test_wallet_address_of_a_send_is_sealed(harness: CustodyHarness) -> None:
    harness.send()
    with harness.database.reading() as session:
        row = session.row(
            "SELECT s::text, address_sealed FROM custody_sends s WHERE reference = %s",
            (harness.reference,),
        )
    assert row is not None
    assert "a1a1a1" not in row[0]
    assert b"a1a1a1" not in row[1]
