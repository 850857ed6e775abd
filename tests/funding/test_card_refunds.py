"""Refunds to cards: made once whatever happens on the way, or kept in the balance."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine

from app.funding.card_refunds import queries
from app.funding.card_refunds import service as card_refunds
from app.funding.card_refunds.queries import CardRefund
from app.kit import clock
from app.kit.ids import PublicId
from app.providers.errors import ProviderOutcomeUnknown, ProviderUnavailable
from app.reconciliation.invariants import find_violations
from tests.card_deposits import CardDeposit, pay_by_card
from tests.paying_customer import PayingCustomer, usd
from tests.scripted_rails import CallFault, ProcessKilled

ACT = PublicId("rfd_01J")


@pytest.fixture
def deposit(customer: PayingCustomer) -> CardDeposit:
    """Return a deposit of 100.00 of a customer who has 600.00 since."""
    return pay_by_card(customer)


def refundable(deposit: CardDeposit) -> str:
    with deposit.customer.database.transaction() as session:
        return str(card_refunds.lock_refundable(session, deposit.id))


def request(deposit: CardDeposit, amount: str) -> UUID:
    customer = deposit.customer
    with customer.database.transaction() as session:
        return card_refunds.request(
            session, deposit.id, customer.actor.user_id, usd(amount), because_of=ACT
        )


def advance(customer: PayingCustomer, refund_id: UUID) -> CardRefund:
    """Run the job once, whatever its outcome, and return the refund as it is then."""
    with suppress(ProviderUnavailable, ProviderOutcomeUnknown, ProcessKilled):
        card_refunds.advance(customer.database, refund_id)
    return refund_now(customer, refund_id)


def refund_now(customer: PayingCustomer, refund_id: UUID) -> CardRefund:
    with customer.database.transaction() as session:
        refund = queries.lock_refund(session, refund_id)
    assert refund is not None
    return refund


def assert_sound(customer: PayingCustomer) -> None:
    with customer.database.reading() as session:
        assert find_violations(session) == []


@pytest.mark.parametrize("fault", [None, *(each for each in CallFault if each.name != "REFUSED")])
def test_refund_is_made_once_whatever_happens_to_the_call(
    deposit: CardDeposit, fault: CallFault | None
) -> None:
    customer = deposit.customer
    refund_id = request(deposit, "40.00")
    assert (customer.held_cents(), refundable(deposit)) == (4000, "60.00")
    if fault is not None:
        customer.cards.faults.append(fault)
        assert advance(customer, refund_id).status == "requested"
        assert customer.balances() == {"USD": "600.00"}
    for _ in range(2):
        assert advance(customer, refund_id).status == "refunded"
    assert [each.amount for each in customer.cards.refunds_by_ref.values()] == [usd("40.00")]
    assert (customer.held_cents(), customer.balances()) == (0, {"USD": "560.00"})
    assert (refundable(deposit), deposit.status) == ("60.00", "taken_back")
    assert customer.message_kinds() == ["deposit_credited"]
    assert_sound(customer)


def test_webhook_that_overtakes_the_answer_books_the_refund(deposit: CardDeposit) -> None:
    customer = deposit.customer
    refund_id = request(deposit, "40.00")
    customer.cards.faults.append(CallFault.CRASH_AFTER)
    advance(customer, refund_id)
    [made] = customer.cards.refunds_by_ref.values()
    deposit.apply(made)
    assert refund_now(customer, refund_id).status == "refunded"
    advance(customer, refund_id)
    assert (customer.held_cents(), customer.balances()) == (0, {"USD": "560.00"})


def test_refund_that_the_processor_refuses_stays_in_the_balance(deposit: CardDeposit) -> None:
    customer = deposit.customer
    refund_id = request(deposit, "40.00")
    customer.cards.faults.append(CallFault.REFUSED)
    refused = advance(customer, refund_id)
    assert (refused.status, refused.code) == ("failed", "card_declined")
    assert (customer.held_cents(), customer.balances()) == (0, {"USD": "600.00"})
    assert refundable(deposit) == "100.00"
    assert_sound(customer)


def test_refund_that_the_bank_returns_is_in_the_balance_again(deposit: CardDeposit) -> None:
    customer = deposit.customer
    refund_id = request(deposit, "40.00")
    advance(customer, refund_id)
    [made] = customer.cards.refunds_by_ref.values()
    deposit.apply(replace(made, state="won"))
    assert refund_now(customer, refund_id).status == "failed"
    assert customer.balances() == {"USD": "600.00"}


def test_lost_answer_of_long_ago_is_looked_for_and_only_then_asked_for_again(
    deposit: CardDeposit,
) -> None:
    """The processor forgets our key after a day; its list of refunds knows what it made."""
    customer = deposit.customer
    made_id, lost_id = request(deposit, "40.00"), request(deposit, "5.00")
    customer.cards.faults.append(CallFault.UNANSWERED_DONE)
    advance(customer, made_id)
    customer.cards.faults.append(CallFault.UNANSWERED_NOT_DONE)
    advance(customer, lost_id)
    with time_machine.travel(clock.now() + timedelta(hours=31), tick=False):
        assert advance(customer, made_id).status == "refunded"
        assert advance(customer, lost_id).status == "requested"
        assert advance(customer, lost_id).status == "refunded"
    assert [each.amount for each in customer.cards.refunds_by_ref.values()] == [
        usd("40.00"), usd("5.00"),
    ]  # fmt: skip
    assert customer.balances() == {"USD": "555.00"}


def test_disputed_payment_is_not_refunded_as_well(deposit: CardDeposit) -> None:
    deposit.dispute("open")
    assert refundable(deposit) == "0.00"
    deposit.dispute("won")
    assert refundable(deposit) == "100.00"
