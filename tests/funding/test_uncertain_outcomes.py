"""Refusals and lost answers of providers, concurrent processes, and checks before sending."""

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine

from app.access import Role
from app.approvals.errors import SelfApproval
from app.cases import service as cases
from app.catalog.rules import PaymentMethod
from app.funding.errors import NotCancellable, TooManyCardFailures
from app.funding.models import DepositRow
from app.funding.ports import Payout, PayoutOrder, PayoutState
from app.funding.withdrawals import service as withdrawals
from app.funding.withdrawals import withdrawal_approval
from app.identity.models import User
from app.kit import clock
from app.providers.errors import ProviderRefused, ProviderUnavailable
from app.screening.decisions.case_outcomes import TRUE_MATCH
from app.screening.matching import service as screening
from app.screening.rules import ScreeningSubject
from tests import sanctions
from tests.paying_customer import PayingCustomer, verify_without_evidence
from tests.rows import change_rows
from tests.scripted_rails import CallFault

LATER = timedelta(minutes=16)


def test_refused_lookup_does_not_end_a_payout(customer: PayingCustomer) -> None:
    withdrawal = customer.withdraw()
    customer.send_withdrawal(withdrawal)
    customer.bank.faults = [CallFault.REFUSED]
    customer.send_withdrawal(withdrawal)
    assert (customer.withdrawal_status(withdrawal), customer.held_cents()) == ("sent", 10_000)
    customer.bank.set_state(PayoutState.COMPLETED)
    customer.send_withdrawal(withdrawal)
    assert (customer.withdrawal_status(withdrawal), customer.balances()) == (
        "completed",
        {"USD": "400.00"},
    )


def test_refused_repeated_order_ends_a_payout_only_later(
    customer: PayingCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first order may still be in flight."""
    withdrawal = customer.withdraw()
    customer.bank.faults = [CallFault.UNANSWERED_NOT_DONE]
    customer.send_withdrawal(withdrawal)
    monkeypatch.setattr(customer.bank, "send", refuse_order)
    customer.send_withdrawal(withdrawal)
    assert (customer.withdrawal_status(withdrawal), customer.held_cents()) == ("unknown", 10_000)
    with time_machine.travel(clock.now() + LATER):
        customer.send_withdrawal(withdrawal)
    assert (customer.withdrawal_status(withdrawal), customer.held_cents()) == ("failed", 0)


def refuse_order(order: PayoutOrder) -> Payout:
    raise ProviderRefused("not_today")


@pytest.mark.parametrize("failure", [ProviderUnavailable("away"), ProviderRefused("not_today")])
def test_failed_call_of_one_process_does_not_undo_the_payout_of_another(
    customer: PayingCustomer, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """The first process cannot reach the bank; a second one has paid, and not stored that yet."""
    withdrawal = customer.withdraw()
    paid, first_is_done = threading.Event(), threading.Event()
    second = threading.Thread(target=customer.send_withdrawal, args=(withdrawal,))
    pay = customer.bank.send

    def send(order: PayoutOrder) -> Payout:
        if threading.current_thread() is second:
            made = pay(order)
            paid.set()
            assert first_is_done.wait(10)
            return made
        second.start()
        assert paid.wait(10)
        raise failure

    monkeypatch.setattr(customer.bank, "send", send)
    customer.send_withdrawal(withdrawal)
    with pytest.raises(NotCancellable), customer.database.transaction() as session:
        withdrawals.cancel(session, customer.actor, withdrawal)
    first_is_done.set()
    second.join()
    assert (customer.withdrawal_status(withdrawal), customer.held_cents()) == ("sent", 10_000)


def test_refused_lookup_does_not_fail_a_captured_card_payment(customer: PayingCustomer) -> None:
    deposit = customer.deposit()
    customer.cards.faults = [None, CallFault.UNANSWERED_DONE]  # the capture's answer
    customer.advance_deposit(deposit)
    assert customer.deposit_status(deposit) == "unknown"
    customer.cards.faults = [CallFault.REFUSED]
    customer.advance_deposit(deposit)
    assert customer.deposit_status(deposit) == "unknown"
    customer.advance_deposit(deposit)
    assert (customer.deposit_status(deposit), customer.balances()) == (
        "credited",
        {"USD": "600.00"},
    )
    assert customer.cards.calls.count("open") == 1


def test_payment_older_than_the_idempotency_key_is_not_created_again(
    customer: PayingCustomer,
) -> None:
    deposit = customer.deposit()
    customer.cards.faults = [CallFault.UNANSWERED_DONE]
    customer.advance_deposit(deposit)
    with time_machine.travel(clock.now() + timedelta(hours=21)):
        customer.advance_deposit(deposit)
    assert customer.cards.calls == ["open", "find", "capture"]
    assert customer.deposit_status(deposit) == "credited"


def test_concurrent_checks_create_one_payment(customer: PayingCustomer) -> None:
    customer.cards.repeatable = False
    deposit = customer.deposit()
    other = threading.Thread(target=customer.advance_deposit, args=(deposit,))
    with customer.database.transaction() as session:
        change_rows(session, DepositRow, DepositRow.id == deposit, opened_at=sa.func.now())
        session.flush()
        other.start()
        time.sleep(0.3)
    other.join()
    assert customer.cards.calls == ["find"]


def test_undecided_card_payments_count_as_failures(customer: PayingCustomer) -> None:
    for _ in range(3):
        customer.deposit()
    with pytest.raises(TooManyCardFailures):
        customer.deposit()


def test_old_announcement_counts_for_the_limit_when_it_is_credited(
    customer: PayingCustomer,
) -> None:
    deposit = customer.deposit("1.00", PaymentMethod.BANK)
    with customer.database.transaction() as session:
        session.send(
            "UPDATE deposits SET requested_at = requested_at - interval '25 hours' WHERE id = %s",
            (deposit,),
        )
    customer.receive_transfer(f"in_{deposit}", "900000.00")
    customer.fetch_transfers(deposit)
    with customer.database.reading() as session:
        case_counts = session.rows(
            "SELECT count(*) FROM cases WHERE kind = 'deposit_limit' AND person_id = %s",
            (customer.actor.user_id,),
        )
    assert case_counts == [(1,)]


@pytest.fixture
def wealthy_customer(customer: PayingCustomer) -> PayingCustomer:
    customer.actor = customer.people.customer(USD="20000")
    verify_without_evidence(customer.database, customer.actor.user_id)
    return customer


def match_customer(customer: PayingCustomer, name: str) -> None:
    """Let compliance decide that the customer is the listed party with this name."""
    officer = customer.people.staff(Role.COMPLIANCE)
    with customer.database.transaction() as session:
        found = screening.screen(
            session, ScreeningSubject((name,)), about="usr_x", purpose="onboarding",
            person_id=customer.actor.user_id,
        )  # fmt: skip
    assert found.case_id is not None
    with customer.database.transaction() as session:
        cases.close(session, officer, found.case_id, disposition=TRUE_MATCH, reason="It is them")


def test_approved_withdrawal_of_a_listed_party_is_rejected(customer: PayingCustomer) -> None:
    withdrawal = customer.withdraw()
    match_customer(customer, sanctions.LISTED_NAME)
    customer.send_withdrawal(withdrawal)
    assert (customer.withdrawal_status(withdrawal), customer.held_cents()) == ("rejected", 0)
    assert customer.bank.calls == []


def test_release_screens_the_payee_again(wealthy_customer: PayingCustomer, tmp_path: Path) -> None:
    withdrawal = wealthy_customer.withdraw("10000.00")
    assert wealthy_customer.withdrawal_status(withdrawal) == "awaiting_approval"
    listed = sanctions.write_files(tmp_path, [(990001, "LOVELACE, Ada", "individual", "")])
    sanctions.import_folder(wealthy_customer.database, listed)
    try:
        with wealthy_customer.database.transaction() as session:
            checker = wealthy_customer.people.staff(Role.COMPLIANCE)
            withdrawals.release(session, checker, withdrawal, reason="It is fine")
        assert wealthy_customer.withdrawal_status(withdrawal) == "in_review"
        wealthy_customer.send_withdrawal(withdrawal)
        assert wealthy_customer.bank.calls == []
    finally:
        sanctions.import_sample_list(wealthy_customer.database)


def test_staff_cannot_request_the_release_of_their_own_withdrawal(
    wealthy_customer: PayingCustomer,
) -> None:
    withdrawal = wealthy_customer.withdraw("10000.00")
    with wealthy_customer.database.transaction() as session:
        change_rows(session, User, User.id == wealthy_customer.actor.user_id, role="ADMIN")
    permissions = wealthy_customer.people.staff(Role.ADMIN).permissions
    maker = type(wealthy_customer.actor)(
        wealthy_customer.actor.user_id,
        None,
        wealthy_customer.actor.email,
        Role.ADMIN,
        permissions,
        email_confirmed=True,
    )
    with pytest.raises(SelfApproval), wealthy_customer.database.transaction() as session:
        withdrawal_approval.request_release(session, maker, withdrawal, reason="My own money")


def test_announcement_lapses_after_ten_days(customer: PayingCustomer) -> None:
    deposit, start = customer.deposit("50.00", PaymentMethod.BANK), clock.now()
    customer.fetch_transfers(deposit)
    with time_machine.travel(start + timedelta(days=10, minutes=-5)):
        customer.fetch_transfers(deposit)
        assert customer.deposit_status(deposit) == "pending"
    with time_machine.travel(start + timedelta(days=10)):
        customer.fetch_transfers(deposit)
        assert customer.deposit_status(deposit) == "failed"
        calls = len(customer.bank.calls)
        customer.fetch_transfers(deposit)
        assert len(customer.bank.calls) == calls
