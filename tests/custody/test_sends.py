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
from tests.custodians import NAMES, SENDS, Desk
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


def now_first(desk: Desk, name: str) -> dict[str, Custodian]:
    """All custodians, and this one is asked first: no other is known to have enough."""
    with desk.database.transaction() as session:
        session.send(
            "INSERT INTO custody_balances VALUES (%s, 'PAXG', 10000000000, 10000000000, now())",
            (name,),
        )
    return desk.open()


@each_custodian
def test_it_goes_out_and_completes(desk: Desk, name: str) -> None:
    now_first(desk, name)
    status = desk.send("0.5")
    assert (status.state, status.custodian) == (SendState.ACCEPTED, name)
    assert desk.sent() == [(name, "0.50000000", "pending")]
    assert desk.told() == 0
    desk.sandbox.call_control(name, f"/sends/{desk.reference}/completed")
    status = desk.settle()
    assert status.state is SendState.COMPLETED
    assert status.tx_hash.startswith("0x")
    terms = next(each for each in resolve(Custodians)[name].terms if each.asset == PAXG)
    assert status.cost == terms.cost
    assert status.provider_id == resolve(Custodians)[name].provider_id
    assert desk.told() == 1
    with database_unchanged(desk.database):
        assert desk.send("0.5") == status
    assert desk.sent() == [(name, "0.50000000", "completed")]


@pytest.mark.parametrize(("name", "mode"), APPLIED)
def test_done_without_an_answer_is_found(desk: Desk, name: str, mode: FaultMode) -> None:
    now_first(desk, name)
    desk.sandbox.schedule_fault(name, SENDS[name], mode)
    status = desk.send()
    assert (status.state, status.custodian) == (SendState.ACCEPTED, name)
    assert desk.sent() == [(name, "0.50000000", "pending")]
    assert [what for what, _, _ in desk.events()] == ["planned", "asked", "no_answer", "known"]


@pytest.mark.parametrize(("name", "mode"), NOT_APPLIED)
def test_not_done_without_an_answer_is_sent_again_there_and_nowhere_else(
    desk: Desk, name: str, mode: FaultMode
) -> None:
    now_first(desk, name)
    desk.sandbox.schedule_fault(name, SENDS[name], mode)
    assert desk.send().state is SendState.UNKNOWN
    assert desk.sent() == []
    status = desk.settle()
    assert (status.state, status.custodian) == (SendState.ACCEPTED, name)
    assert desk.sent() == [(name, "0.50000000", "pending")]


@pytest.mark.parametrize(
    ("mode", "at_first"),
    [(FaultMode.TIMEOUT_BEFORE, SendState.UNKNOWN), (FaultMode.TIMEOUT_AFTER, SendState.ACCEPTED)],
)
def test_no_answer_in_time(desk: Desk, mode: FaultMode, at_first: SendState) -> None:
    desk.open("paxos", provider_timeout_seconds=0.5)
    desk.sandbox.schedule_fault("paxos", SENDS["paxos"], mode, seconds=0.8)
    assert desk.send().state is at_first
    assert desk.settle().state is SendState.ACCEPTED
    assert desk.sent() == [("paxos", "0.50000000", "pending")]


@each_custodian
def test_unknown_stays_unknown_until_the_custodian_says(desk: Desk, name: str) -> None:
    now_first(desk, name)
    desk.sandbox.schedule_fault(name, SENDS[name], FaultMode.HANG_UP_AFTER)
    fault = desk.sandbox.schedule_fault(name, "transfers.list", FaultMode.DOWN, times=9)
    assert desk.send().state is SendState.UNKNOWN
    assert desk.settle().state is SendState.UNKNOWN
    assert desk.send().state is SendState.UNKNOWN
    assert len(desk.sent()) == 1
    assert [each for each in desk.calls() if each[1] == SENDS[name]] == [
        (name, SENDS[name], "unknown")
    ]
    desk.sandbox.store.delete("_sandbox", "faults", fault.id)
    desk.sandbox.faults.clear()
    desk.open()
    assert desk.settle().state is SendState.ACCEPTED
    assert len(desk.sent()) == 1


@each_custodian
@pytest.mark.parametrize("was_sent", [True, False])
def test_killed_between_the_two_transactions(
    desk: Desk, name: str, was_sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    custodian = now_first(desk, name)[name]

    def die(order: SendOrder) -> CustodyTransfer:
        if was_sent:
            really(order)
        raise Killed

    really: Callable[[SendOrder], CustodyTransfer] = custodian.send
    monkeypatch.setattr(custodian, "send", die)
    with monkeypatch.context() as at_death:
        at_death.setattr(sends, "release_claim", lambda *_: None)
        with suppress(Killed):
            desk.send()
    assert len(desk.sent()) == int(was_sent)
    with pytest.raises(JobClaimedElsewhere):
        desk.send()
    desk.open()
    before = len(desk.calls())
    with time_machine.travel(clock.now() + custody.CLAIM_DURATION + timedelta(seconds=1)):
        status = desk.send()
    assert (status.state, status.custodian) == (SendState.ACCEPTED, name)
    assert desk.sent() == [(name, "0.50000000", "pending")]
    # The next run looks first.
    later = [operation for _, operation, _ in desk.calls()[before:]]
    assert later[0] == "transfers.list"
    assert (SENDS[name] in later) is not was_sent
    assert [what for what, _, _ in desk.events()][2] == "ended"


DEAD = {
    "paxos_base_url": "http://127.0.0.1:9/v2",
    "paxos_oauth_url": "http://127.0.0.1:9/token",
}


def test_who_cannot_be_reached_is_passed_over(desk: Desk) -> None:
    now_first(desk, "paxos")
    desk.open(**DEAD)
    status = desk.send()
    assert (status.state, status.custodian) == (SendState.ACCEPTED, "primetrust")
    assert desk.sent() == [("primetrust", "0.50000000", "pending")]
    assert desk.events() == [
        ("planned", "planned", None),
        ("asked", "planned", "paxos"),
        ("away", "planned", "paxos"),
        ("asked", "planned", "primetrust"),
        ("known", "accepted", "primetrust"),
    ]


@each_custodian
def test_who_has_too_little_is_passed_over(desk: Desk, name: str) -> None:
    now_first(desk, name)
    desk.balance(name, "0.1")
    status = desk.send()
    assert status.state is SendState.ACCEPTED
    assert status.custodian != name
    assert desk.sent(name) == []
    assert len(desk.sent()) == 1
    assert (name, SENDS[name], "refused") in desk.calls()


def test_the_same_amount_can_wait_until_somebody_has_it(desk: Desk) -> None:
    for name in NAMES:
        desk.balance(name, "0.1")
    assert desk.send().state is SendState.PLANNED
    assert desk.sent() == []
    desk.balance("anchorage", "1")
    assert desk.settle().custodian == "anchorage"
    assert desk.sent() == [("anchorage", "0.50000000", "pending")]


@each_custodian
def test_a_refusal_is_not_shopped_around(desk: Desk, name: str) -> None:
    now_first(desk, name)
    desk.sandbox.schedule_fault(name, SENDS[name], FaultMode.REFUSED)
    status = desk.send()
    assert (status.state, status.custodian) == (SendState.REFUSED, name)
    assert status.code
    assert desk.sent() == []
    assert desk.told() == 1
    with database_unchanged(desk.database):
        assert desk.settle() == status


def test_after_no_answer_a_refusal_decides_only_when_nothing_is_on_its_way(desk: Desk) -> None:
    now_first(desk, "paxos")
    desk.sandbox.schedule_fault("paxos", SENDS["paxos"], FaultMode.HANG_UP_BEFORE)
    assert desk.send().state is SendState.UNKNOWN
    desk.balance("paxos", "0.1")
    # What was asked first may still come to it, and by then there may be enough.
    assert desk.settle().state is SendState.UNKNOWN
    assert desk.sent() == []
    with time_machine.travel(clock.now() + IN_FLIGHT_MAX + timedelta(minutes=1)):
        status = desk.settle()
    assert (status.state, status.custodian) == (SendState.ACCEPTED, "primetrust")
    assert desk.sent() == [("primetrust", "0.50000000", "pending")]


@each_custodian
def test_what_comes_late_comes_once(desk: Desk, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first request is still on its way when the second is done."""
    custodian = now_first(desk, name)[name]
    late: list[SendOrder] = []

    def lose(order: SendOrder) -> CustodyTransfer:
        late.append(order)
        raise ProviderOutcomeUnknown("it is on its way")

    really: Callable[[SendOrder], CustodyTransfer] = custodian.send
    monkeypatch.setattr(custodian, "send", lose)
    assert desk.send().state is SendState.UNKNOWN
    monkeypatch.setattr(custodian, "send", really)
    assert desk.settle().state is SendState.ACCEPTED
    assert really(late[0]).reference == desk.reference
    assert desk.settle().state is SendState.ACCEPTED
    assert desk.sent() == [(name, "0.50000000", "pending")]


def test_who_was_too_slow_does_not_pass_it_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one process waits for an answer, another takes over; then the first hears that its own
    request never arrived."""
    custodian = now_first(desk, "paxos")["paxos"]

    def stall(_order: SendOrder) -> CustodyTransfer:
        monkeypatch.setattr(custodian, "send", really)
        with pytest.raises(JobClaimedElsewhere):
            desk.settle()
        with time_machine.travel(clock.now() + custody.CLAIM_DURATION + timedelta(seconds=1)):
            assert desk.settle().state is SendState.ACCEPTED
        raise ProviderUnavailable("it never arrived")

    really: Callable[[SendOrder], CustodyTransfer] = custodian.send
    monkeypatch.setattr(custodian, "send", stall)
    assert desk.send().state is SendState.ACCEPTED
    assert desk.sent() == [("paxos", "0.50000000", "pending")]


@each_custodian
def test_another_amount_than_was_asked_for_is_disputed(desk: Desk, name: str) -> None:
    now_first(desk, name)
    desk.sandbox.schedule_fault(name, SENDS[name], FaultMode.WRONG_AMOUNT)
    status = desk.send("0.5")
    assert (status.state, status.code) == (SendState.DISPUTED, "amount_differs")
    assert len(desk.sent()) == 1
    with desk.database.reading() as session:
        assert session.rows("SELECT kind FROM cases WHERE key = %s", (desk.reference,)) == [
            ("custody.send",)
        ]
    assert desk.told() == 1
    with database_unchanged(desk.database):
        assert desk.settle() == status


def test_who_sent_it_as_well_is_noticed(desk: Desk) -> None:
    now_first(desk, "anchorage")
    assert desk.send().custodian == "anchorage"
    also = CustodyTransfer(
        "elsewhere",
        Direction.OUT,
        TransferState.FAILED,
        Amount.parse(PAXG, "0.5"),
        "0x1",
        clock.now(),
        reference=desk.reference,
    )
    paxos = resolve(Custodians)["paxos"]
    with desk.database.transaction() as session:
        apply_transfers(session, paxos, [also])
    assert desk.settle().state is SendState.ACCEPTED
    moved = CustodyTransfer(
        "elsewhere",
        Direction.OUT,
        TransferState.COMPLETED,
        Amount.parse(PAXG, "0.5"),
        "0x1",
        clock.now(),
        reference=desk.reference,
    )
    with desk.database.transaction() as session:
        apply_transfers(session, paxos, [moved])
    status = desk.settle()
    assert (status.state, status.code) == (SendState.DISPUTED, "also_sent_elsewhere")


@each_custodian
def test_what_failed_there_is_over(desk: Desk, name: str) -> None:
    now_first(desk, name)
    desk.send()
    desk.sandbox.call_control(name, f"/sends/{desk.reference}/failed")
    assert desk.settle().state is SendState.FAILED
    assert desk.told() == 1
    assert desk.sent() == [(name, "0.50000000", "failed")]


def test_a_reference_is_one_send(desk: Desk) -> None:
    desk.send("0.5")
    with database_unchanged(desk.database), pytest.raises(SendDiffers):
        desk.send("0.6")
    with database_unchanged(desk.database), pytest.raises(NotFound):
        custody.settle(desk.database, "wdr_unknown")


def test_what_is_not_over_is_followed(desk: Desk) -> None:
    desk.sandbox.schedule_fault("paxos", SENDS["paxos"], FaultMode.HANG_UP_BEFORE)
    now_first(desk, "paxos")
    assert desk.send().state is SendState.UNKNOWN
    with time_machine.travel(clock.now() + timedelta(seconds=31)):
        for _ in range(2):
            with desk.database.transaction() as session:
                custody.follow_sends(session)
        assert desk.told("custody.settle_send") == 1
        desk.work()
        assert desk.sent() == [("paxos", "0.50000000", "pending")]
        desk.sandbox.call_control("paxos", f"/sends/{desk.reference}/completed")
    with time_machine.travel(clock.now() + timedelta(seconds=65)):
        with desk.database.transaction() as session:
            custody.follow_sends(session)
        desk.work()
    assert desk.settle().state is SendState.COMPLETED


def test_where_it_goes_is_sealed(desk: Desk) -> None:
    desk.send()
    with desk.database.reading() as session:
        row = session.row(
            "SELECT s::text, address_sealed FROM custody_sends s WHERE reference = %s",
            (desk.reference,),
        )
    assert row is not None
    assert "a1a1a1" not in row[0]
    assert b"a1a1a1" not in row[1]
