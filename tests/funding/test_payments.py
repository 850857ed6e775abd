"""Card payments whose outcome is uncertain: none is taken twice."""

import threading
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine

from app.funding.deposits import service as deposits
from app.funding.errors import TooManyCardFailures
from app.funding.models import DepositRow
from app.funding.ports import PaymentState
from app.kit import clock
from tests.paying_customer import PayingCustomer
from tests.rows import change_rows
from tests.scripted_rails import CallFault


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


def test_payment_whose_release_does_not_reach_the_processor_is_released_later(
    customer: PayingCustomer,
) -> None:
    """It is made and given up in one run, because earlier ones did not reach the processor."""
    customer.cards.created_state = PaymentState.PENDING
    deposit = customer.deposit()
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        customer.cards.faults = [None, CallFault.UNAVAILABLE]
        customer.advance_deposit(deposit)
        with customer.database.transaction() as session:
            deposits.give_up(session, deposit)
        customer.advance_deposit(deposit)
    assert customer.cards.calls == ["open", "release", "look", "release"]
    [payment] = customer.cards.payments_by_ref.values()
    assert payment.state is PaymentState.FAILED
