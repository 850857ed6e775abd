"""What a provider's no decides, and what it does not; two processes at one payment; what came up
since a withdrawal was asked for."""

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from app.access import Role
from app.approvals.errors import SelfApproval
from app.cases import service as cases
from app.funding.errors import NotCancellable, TooManyCardFailures
from app.funding.ports import PaymentMethod, Payout, PayoutOrder, PayoutState
from app.funding.withdrawals import service as withdrawals
from app.funding.withdrawals import withdrawal_approval
from app.kit import clock
from app.providers.errors import ProviderRefused, ProviderUnavailable
from app.screening.decisions.case_decisions import TRUE_MATCH
from app.screening.matching import service as screening
from app.screening.rules import ScreeningSubject
from tests import sanctions
from tests.rails import Mood
from tests.till import Till, lift

LATER = timedelta(minutes=16)


def test_that_it_will_not_say_ends_no_payout(till: Till) -> None:
    withdrawal = till.withdraw()
    till.send(withdrawal)
    till.bank.moods = [Mood.REFUSED]
    till.send(withdrawal)
    assert (till.status(withdrawal), till.held()) == ("sent", 10_000)
    till.bank.become(PayoutState.COMPLETED)
    till.send(withdrawal)
    assert (till.status(withdrawal), till.has()) == ("completed", {"USD": "400.00"})


def test_that_it_will_not_pay_when_asked_again_decides_only_later(till: Till) -> None:
    """The first order may be on its way still."""
    withdrawal = till.withdraw()
    till.bank.moods = [Mood.LOST_BEFORE]
    till.send(withdrawal)
    send, till.bank.send = till.bank.send, refuse  # type: ignore[method-assign]  # for this test
    till.send(withdrawal)
    assert (till.status(withdrawal), till.held()) == ("unknown", 10_000)
    with time_machine.travel(clock.now() + LATER):
        till.send(withdrawal)
    assert (till.status(withdrawal), till.held()) == ("failed", 0)
    till.bank.send = send  # type: ignore[method-assign]


def refuse(order: PayoutOrder) -> Payout:
    raise ProviderRefused("not_today")


@pytest.mark.parametrize("failure", [ProviderUnavailable("away"), ProviderRefused("not_today")])
def test_what_one_process_was_told_decides_nothing_about_another(
    till: Till, failure: Exception
) -> None:
    """The first cannot reach the bank; a second has it paid, and has not written that down yet."""
    withdrawal = till.withdraw()
    paid, first_is_done = threading.Event(), threading.Event()
    second = threading.Thread(target=till.send, args=(withdrawal,))
    pay = till.bank.send

    def send(order: PayoutOrder) -> Payout:
        if threading.current_thread() is second:
            made = pay(order)
            paid.set()
            assert first_is_done.wait(10)
            return made
        second.start()
        assert paid.wait(10)
        raise failure

    till.bank.send = send  # type: ignore[method-assign]  # for this test
    till.send(withdrawal)
    with pytest.raises(NotCancellable), till.database.transaction() as session:
        withdrawals.cancel(session, till.actor, withdrawal)
    first_is_done.set()
    second.join()
    assert (till.status(withdrawal), till.held()) == ("sent", 10_000)


def test_a_captured_card_is_not_failed_by_a_no_to_a_question(till: Till) -> None:
    deposit = till.deposit()
    till.cards.moods = [None, Mood.LOST_AFTER]  # type: ignore[list-item]  # the capture's answer
    till.advance(deposit)
    assert till.deposit_status(deposit) == "unknown"
    till.cards.moods = [Mood.REFUSED]
    till.advance(deposit)
    assert till.deposit_status(deposit) == "unknown"
    till.advance(deposit)
    assert (till.deposit_status(deposit), till.has()) == ("credited", {"USD": "600.00"})
    assert till.cards.calls.count("open") == 1


def test_what_a_processor_has_forgotten_is_not_opened_again(till: Till) -> None:
    deposit = till.deposit()
    till.cards.moods = [Mood.LOST_AFTER]
    till.advance(deposit)
    with time_machine.travel(clock.now() + timedelta(hours=21)):
        till.advance(deposit)
    assert till.cards.calls == ["open", "find", "capture"]
    assert till.deposit_status(deposit) == "credited"


def test_of_two_that_look_at_once_one_asks_for_the_payment(till: Till) -> None:
    till.cards.repeatable = False
    deposit = till.deposit()
    other = threading.Thread(target=till.advance, args=(deposit,))
    with till.database.transaction() as session:
        session.send("UPDATE deposits SET opened_at = now() WHERE id = %s", (deposit,))
        session.flush()
        other.start()
        time.sleep(0.3)
    other.join()
    assert till.cards.calls == ["find"]


def test_many_cards_at_once_are_not_tried(till: Till) -> None:
    for _ in range(3):
        till.deposit()
    with pytest.raises(TooManyCardFailures):
        till.deposit()


def test_what_was_announced_long_ago_counts_when_it_comes(till: Till) -> None:
    deposit = till.deposit("1.00", PaymentMethod.BANK)
    with till.database.transaction() as session:
        session.send(
            "UPDATE deposits SET requested_at = requested_at - interval '25 hours' WHERE id = %s",
            (deposit,),
        )
    till.arrive(f"in_{deposit}", "900000.00")
    till.look(deposit)
    with till.database.reading() as session:
        told = session.rows(
            "SELECT count(*) FROM cases WHERE kind = 'deposit_limit' AND person_id = %s",
            (till.actor.user_id,),
        )
    assert told == [(1,)]


@pytest.fixture
def rich(till: Till) -> Till:
    till.actor = till.people.customer(USD="20000")
    lift(till.database, till.actor.user_id)
    return till


def decide(till: Till, name: str) -> None:
    """Compliance takes the customer for the listed party of this name."""
    officer = till.people.staff(Role.COMPLIANCE)
    with till.database.transaction() as session:
        found = screening.screen(
            session, ScreeningSubject((name,)), about="usr_x", purpose="onboarding",
            person_id=till.actor.user_id,
        )  # fmt: skip
    assert found.case_id is not None
    with till.database.transaction() as session:
        cases.close(session, officer, found.case_id, disposition=TRUE_MATCH, reason="It is them")


def test_a_listed_party_is_not_paid_what_was_approved(till: Till) -> None:
    withdrawal = till.withdraw()
    decide(till, sanctions.LISTED_NAME)
    till.send(withdrawal)
    assert (till.status(withdrawal), till.held()) == ("rejected", 0)
    assert till.bank.calls == []


def test_a_withdrawal_is_screened_again_when_it_is_released(rich: Till, tmp_path: Path) -> None:
    withdrawal = rich.withdraw("10000.00")
    assert rich.status(withdrawal) == "awaiting_approval"
    listed = sanctions.write_files(tmp_path, [(990001, "LOVELACE, Ada", "individual", "")])
    sanctions.import_folder(rich.database, listed)
    try:
        with rich.database.transaction() as session:
            checker = rich.people.staff(Role.COMPLIANCE)
            withdrawals.release(session, checker, withdrawal, reason="It is fine")
        assert rich.status(withdrawal) == "in_review"
        rich.send(withdrawal)
        assert rich.bank.calls == []
    finally:
        sanctions.import_sample_list(rich.database)


def test_nobody_asks_for_the_release_of_their_own(rich: Till) -> None:
    withdrawal = rich.withdraw("10000.00")
    with rich.database.transaction() as session:
        session.send("UPDATE users SET role = 'ADMIN' WHERE id = %s", (rich.actor.user_id,))
    permitted = rich.people.staff(Role.ADMIN).permissions
    maker = type(rich.actor)(
        rich.actor.user_id, None, rich.actor.email, Role.ADMIN, permitted, email_confirmed=True
    )
    with pytest.raises(SelfApproval), rich.database.transaction() as session:
        withdrawal_approval.request_release(session, maker, withdrawal, reason="My own money")


def test_an_announcement_ends_and_is_not_looked_at_any_more(till: Till) -> None:
    deposit = till.deposit("50.00", PaymentMethod.BANK)
    till.look(deposit)
    with time_machine.travel(clock.now() + timedelta(days=31)):
        till.look(deposit)
        assert till.deposit_status(deposit) == "failed"
        calls = len(till.bank.calls)
        till.look(deposit)
        assert len(till.bank.calls) == calls
