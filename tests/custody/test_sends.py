"""A send goes out once, whatever breaks: never twice, never not at all."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine

from app.catalog.rules import PAXG
from app.custody import sends
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
from app.providers.errors import ProviderOutcomeUnknown, ProviderUnavailable
from sandbox.faults import FaultMode
from tests.sandbox_custodians import NAMES, SEND_OPERATIONS, CustodyHarness
from tests.unchanged_database import database_unchanged

APPLIED = [
    *((name, FaultMode.HANG_UP_AFTER) for name in NAMES),
    ("paxos", FaultMode.ERROR_AFTER),
    ("anchorage", FaultMode.GARBAGE),
]
NOT_APPLIED = [
    *((name, FaultMode.HANG_UP_BEFORE) for name in NAMES),
    ("primetrust", FaultMode.DOWN),
]
each_custodian = pytest.mark.parametrize("name", NAMES)


class Killed(BaseException):
    """The process is no more: nothing catches this."""


def now_first(harness: CustodyHarness, name: str) -> dict[str, Custodian]:
    """All custodians, and this one is asked first: no other is known to have enough."""
    with harness.database.transaction() as session:
        session.send(
            "INSERT INTO custody_balances VALUES (%s, 'PAXG', 10000000000, 10000000000, now())",
            (name,),
        )
    return harness.configure()


@each_custodian
def test_it_goes_out_and_completes(harness: CustodyHarness, name: str) -> None:
    now_first(harness, name)
    status = harness.send("0.5")
    assert (status.state, status.custodian) == (SendState.ACCEPTED, name)
    assert harness.recorded_sends() == [(name, "0.50000000", "pending")]
    assert harness.settlements_staged() == 0
    harness.sandbox.call_control(name, f"/sends/{harness.reference}/completed")
    status = harness.settle()
    assert status.state is SendState.COMPLETED
    assert status.tx_hash.startswith("0x")
    terms = next(each for each in resolve(Custodians)[name].terms if each.asset == PAXG)
    assert status.cost == terms.cost
    assert status.provider_id == resolve(Custodians)[name].provider_id
    assert harness.settlements_staged() == 1
    with database_unchanged(harness.database):
        assert harness.send("0.5") == status
    assert harness.recorded_sends() == [(name, "0.50000000", "completed")]


@pytest.mark.parametrize(("name", "mode"), APPLIED)
def test_done_without_an_answer_is_found(
    harness: CustodyHarness, name: str, mode: FaultMode
) -> None:
    now_first(harness, name)
    harness.sandbox.schedule_fault(name, SEND_OPERATIONS[name], mode)
    status = harness.send()
    assert (status.state, status.custodian) == (SendState.ACCEPTED, name)
    assert harness.recorded_sends() == [(name, "0.50000000", "pending")]
    assert [what for what, _, _ in harness.events()] == ["planned", "asked", "no_answer", "known"]


@pytest.mark.parametrize(("name", "mode"), NOT_APPLIED)
def test_not_done_without_an_answer_is_sent_again_there_and_nowhere_else(
    harness: CustodyHarness, name: str, mode: FaultMode
) -> None:
    now_first(harness, name)
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
def test_no_answer_in_time(harness: CustodyHarness, mode: FaultMode, at_first: SendState) -> None:
    harness.configure("paxos", provider_timeout_seconds=0.5)
    harness.sandbox.schedule_fault("paxos", SEND_OPERATIONS["paxos"], mode, seconds=0.8)
    assert harness.send().state is at_first
    assert harness.settle().state is SendState.ACCEPTED
    assert harness.recorded_sends() == [("paxos", "0.50000000", "pending")]


@each_custodian
def test_unknown_stays_unknown_until_the_custodian_says(harness: CustodyHarness, name: str) -> None:
    now_first(harness, name)
    harness.sandbox.schedule_fault(name, SEND_OPERATIONS[name], FaultMode.HANG_UP_AFTER)
    fault = harness.sandbox.schedule_fault(name, "transfers.list", FaultMode.DOWN, times=9)
    assert harness.send().state is SendState.UNKNOWN
    assert harness.settle().state is SendState.UNKNOWN
    assert harness.send().state is SendState.UNKNOWN
    assert len(harness.recorded_sends()) == 1
    assert [each for each in harness.calls() if each[1] == SEND_OPERATIONS[name]] == [
        (name, SEND_OPERATIONS[name], "unknown")
    ]
    harness.sandbox.store.delete("_sandbox", "faults", fault.id)
    harness.sandbox.faults.clear()
    harness.configure()
    assert harness.settle().state is SendState.ACCEPTED
    assert len(harness.recorded_sends()) == 1


@each_custodian
@pytest.mark.parametrize("was_sent", [True, False])
def test_killed_between_the_two_transactions(
    harness: CustodyHarness, name: str, was_sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    custodian = now_first(harness, name)[name]

    def die(order: SendOrder) -> CustodyTransfer:
        if was_sent:
            really(order)
        raise Killed

    really: Callable[[SendOrder], CustodyTransfer] = custodian.send
    monkeypatch.setattr(custodian, "send", die)
    with monkeypatch.context() as at_death:
        at_death.setattr(sends, "release_claim", lambda *_: None)
        with suppress(Killed):
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
    # The next run looks first.
    later = [operation for _, operation, _ in harness.calls()[before:]]
    assert later[0] == "transfers.list"
    assert (SEND_OPERATIONS[name] in later) is not was_sent
    assert [what for what, _, _ in harness.events()][2] == "ended"


DEAD = {
    "paxos_base_url": "http://127.0.0.1:9/v2",
    "paxos_oauth_url": "http://127.0.0.1:9/token",
}


def test_who_cannot_be_reached_is_passed_over(harness: CustodyHarness) -> None:
    now_first(harness, "paxos")
    harness.configure(**DEAD)
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
def test_who_has_too_little_is_passed_over(harness: CustodyHarness, name: str) -> None:
    now_first(harness, name)
    harness.set_balance(name, "0.1")
    status = harness.send()
    assert status.state is SendState.ACCEPTED
    assert status.custodian != name
    assert harness.recorded_sends(name) == []
    assert len(harness.recorded_sends()) == 1
    assert (name, SEND_OPERATIONS[name], "refused") in harness.calls()


def test_the_same_amount_can_wait_until_somebody_has_it(harness: CustodyHarness) -> None:
    for name in NAMES:
        harness.set_balance(name, "0.1")
    assert harness.send().state is SendState.PLANNED
    assert harness.recorded_sends() == []
    harness.set_balance("anchorage", "1")
    assert harness.settle().custodian == "anchorage"
    assert harness.recorded_sends() == [("anchorage", "0.50000000", "pending")]


@each_custodian
def test_a_refusal_is_not_shopped_around(harness: CustodyHarness, name: str) -> None:
    now_first(harness, name)
    harness.sandbox.schedule_fault(name, SEND_OPERATIONS[name], FaultMode.REFUSED)
    status = harness.send()
    assert (status.state, status.custodian) == (SendState.REFUSED, name)
    assert status.code
    assert harness.recorded_sends() == []
    assert harness.settlements_staged() == 1
    with database_unchanged(harness.database):
        assert harness.settle() == status


def test_after_no_answer_a_refusal_decides_only_when_nothing_is_on_its_way(
    harness: CustodyHarness,
) -> None:
    now_first(harness, "paxos")
    harness.sandbox.schedule_fault("paxos", SEND_OPERATIONS["paxos"], FaultMode.HANG_UP_BEFORE)
    assert harness.send().state is SendState.UNKNOWN
    harness.set_balance("paxos", "0.1")
    # What was asked first may still come to it, and by then there may be enough.
    assert harness.settle().state is SendState.UNKNOWN
    assert harness.recorded_sends() == []
    with time_machine.travel(clock.now() + IN_FLIGHT_MAX + timedelta(minutes=1)):
        status = harness.settle()
    assert (status.state, status.custodian) == (SendState.ACCEPTED, "primetrust")
    assert harness.recorded_sends() == [("primetrust", "0.50000000", "pending")]


@each_custodian
def test_what_comes_late_comes_once(
    harness: CustodyHarness, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first request is still on its way when the second is done."""
    custodian = now_first(harness, name)[name]
    late: list[SendOrder] = []

    def lose(order: SendOrder) -> CustodyTransfer:
        late.append(order)
        raise ProviderOutcomeUnknown("it is on its way")

    really: Callable[[SendOrder], CustodyTransfer] = custodian.send
    monkeypatch.setattr(custodian, "send", lose)
    assert harness.send().state is SendState.UNKNOWN
    monkeypatch.setattr(custodian, "send", really)
    assert harness.settle().state is SendState.ACCEPTED
    assert really(late[0]).reference == harness.reference
    assert harness.settle().state is SendState.ACCEPTED
    assert harness.recorded_sends() == [(name, "0.50000000", "pending")]


def test_who_was_too_slow_does_not_pass_it_on(
    harness: CustodyHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one process waits for an answer, another takes over; then the first hears that its own
    request never arrived."""
    custodian = now_first(harness, "paxos")["paxos"]

    def stall(_order: SendOrder) -> CustodyTransfer:
        monkeypatch.setattr(custodian, "send", really)
        with pytest.raises(JobClaimedElsewhere):
            harness.settle()
        with time_machine.travel(clock.now() + custody.CLAIM_DURATION + timedelta(seconds=1)):
            assert harness.settle().state is SendState.ACCEPTED
        raise ProviderUnavailable("it never arrived")

    really: Callable[[SendOrder], CustodyTransfer] = custodian.send
    monkeypatch.setattr(custodian, "send", stall)
    assert harness.send().state is SendState.ACCEPTED
    assert harness.recorded_sends() == [("paxos", "0.50000000", "pending")]


@each_custodian
def test_another_amount_than_was_asked_for_is_disputed(harness: CustodyHarness, name: str) -> None:
    now_first(harness, name)
    harness.sandbox.schedule_fault(name, SEND_OPERATIONS[name], FaultMode.WRONG_AMOUNT)
    status = harness.send("0.5")
    assert (status.state, status.code) == (SendState.DISPUTED, "amount_differs")
    assert len(harness.recorded_sends()) == 1
    with harness.database.reading() as session:
        assert session.rows("SELECT kind FROM cases WHERE key = %s", (harness.reference,)) == [
            ("custody.send",)
        ]
    assert harness.settlements_staged() == 1
    with database_unchanged(harness.database):
        assert harness.settle() == status


def test_who_sent_it_as_well_is_noticed(harness: CustodyHarness) -> None:
    now_first(harness, "anchorage")
    assert harness.send().custodian == "anchorage"
    also = CustodyTransfer(
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
        apply_transfers(session, paxos, [also])
    assert harness.settle().state is SendState.ACCEPTED
    moved = CustodyTransfer(
        "elsewhere",
        Direction.OUT,
        TransferState.COMPLETED,
        Amount.parse(PAXG, "0.5"),
        "0x1",
        clock.now(),
        reference=harness.reference,
    )
    with harness.database.transaction() as session:
        apply_transfers(session, paxos, [moved])
    status = harness.settle()
    assert (status.state, status.code) == (SendState.DISPUTED, "also_sent_elsewhere")


@each_custodian
def test_what_failed_there_is_over(harness: CustodyHarness, name: str) -> None:
    now_first(harness, name)
    harness.send()
    harness.sandbox.call_control(name, f"/sends/{harness.reference}/failed")
    assert harness.settle().state is SendState.FAILED
    assert harness.settlements_staged() == 1
    assert harness.recorded_sends() == [(name, "0.50000000", "failed")]


def test_a_reference_is_one_send(harness: CustodyHarness) -> None:
    harness.send("0.5")
    with database_unchanged(harness.database), pytest.raises(SendDiffers):
        harness.send("0.6")
    with database_unchanged(harness.database), pytest.raises(NotFound):
        custody.settle(harness.database, "wdr_unknown")


def test_what_is_not_over_is_followed(harness: CustodyHarness) -> None:
    harness.sandbox.schedule_fault("paxos", SEND_OPERATIONS["paxos"], FaultMode.HANG_UP_BEFORE)
    now_first(harness, "paxos")
    assert harness.send().state is SendState.UNKNOWN
    with time_machine.travel(clock.now() + timedelta(seconds=31)):
        for _ in range(2):
            with harness.database.transaction() as session:
                custody.follow_sends(session)
        assert harness.settlements_staged("custody.settle_send") == 1
        harness.run_jobs()
        assert harness.recorded_sends() == [("paxos", "0.50000000", "pending")]
        harness.sandbox.call_control("paxos", f"/sends/{harness.reference}/completed")
    with time_machine.travel(clock.now() + timedelta(seconds=65)):
        with harness.database.transaction() as session:
            custody.follow_sends(session)
        harness.run_jobs()
    assert harness.settle().state is SendState.COMPLETED


def test_where_it_goes_is_sealed(harness: CustodyHarness) -> None:
    harness.send()
    with harness.database.reading() as session:
        row = session.row(
            "SELECT s::text, address_sealed FROM custody_sends s WHERE reference = %s",
            (harness.reference,),
        )
    assert row is not None
    assert "a1a1a1" not in row[0]
    assert b"a1a1a1" not in row[1]
