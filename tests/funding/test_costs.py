"""What providers keep is booked when they say so, once, and again when it changes."""

from dataclasses import replace
from uuid import UUID

import pytest

from app.cases.models import Case
from app.catalog.rules import USD
from app.funding.deposits import queries as deposit_queries
from app.funding.fees import PaymentFees
from app.funding.ports import PayoutState
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.reconciliation import service as reconciliation
from tests.fixed_settings import fixed_settings
from tests.paying_customer import PayingCustomer, usd
from tests.rows import read_values
from tests.unchanged_database import database_unchanged


@pytest.fixture
def customer(lone_customer: PayingCustomer) -> PayingCustomer:
    return lone_customer


def booked(customer: PayingCustomer) -> int:
    """Return the cents of all costs."""
    with customer.database.reading() as session:
        return ledger_queries.account_balance(session, chart.processing_costs(USD))


def compare(customer: PayingCustomer, source: str) -> tuple[int, int]:
    """Compare with a provider's list; return what was booked late, and the differences."""
    runs = {run.source: run for run in reconciliation.reconcile_all(customer.database)}
    assert runs[source].failure is None
    return runs[source].healed, runs[source].differences


def set_card_cost(customer: PayingCustomer, cost: str) -> None:
    for ref, payment in customer.cards.payments_by_ref.items():
        customer.cards.payments_by_ref[ref] = replace(payment, cost=usd(cost))


def set_payout_cost(customer: PayingCustomer, cost: str) -> None:
    for reference, payout in customer.bank.payouts_by_reference.items():
        customer.bank.payouts_by_reference[reference] = replace(payout, cost=usd(cost))


@pytest.fixture
def deposit(customer: PayingCustomer) -> UUID:
    """Return a card deposit whose fee the processor has not stated yet."""
    customer.cards.cost = None
    deposit_id = customer.deposit("100.00")
    customer.advance_deposit(deposit_id)
    assert customer.deposit_status(deposit_id) == "credited"
    return deposit_id


def test_card_fee_that_comes_later_is_booked_when_it_comes(
    customer: PayingCustomer, deposit: UUID
) -> None:
    before = booked(customer)
    with database_unchanged(customer.database, apart_from=["deposits"]):
        customer.advance_deposit(deposit)
    set_card_cost(customer, "3.20")
    for _ in range(2):
        customer.advance_deposit(deposit)
    assert booked(customer) - before == 320
    with customer.database.reading() as session:
        assert deposit_queries.deposit(session, deposit).cost_units == 320
    assert customer.balances() == {"USD": "600.00"}


def test_nightly_comparison_books_a_late_card_fee_and_its_changes(
    customer: PayingCustomer, deposit: UUID
) -> None:
    before, source = booked(customer), f"{customer.cards.name} payments"
    assert compare(customer, source) == (0, 0)
    for cost in ("3.20", "3.00", "3.20", "0.30", "3.20"):
        set_card_cost(customer, cost)
        assert compare(customer, source) == (1, 0)
        assert compare(customer, source) == (0, 0)
        assert booked(customer) - before == int(cost.replace(".", ""))


def test_nightly_comparison_books_a_late_cost_of_a_payout(customer: PayingCustomer) -> None:
    before, source = booked(customer), f"{customer.bank.name} payouts"
    customer.bank.payout_state = PayoutState.COMPLETED
    customer.send_withdrawal(customer.withdraw("100.00"))
    assert (booked(customer) - before, compare(customer, source)) == (0, (0, 0))
    for cost in ("0.25", "0.20"):
        set_payout_cost(customer, cost)
        assert compare(customer, source) == (1, 0)
        assert compare(customer, source) == (0, 0)
        assert booked(customer) - before == usd(cost).units
    # It comes back, and the bank keeps its fee.
    customer.bank.set_state(PayoutState.RETURNED, "R03")
    assert compare(customer, source) == (1, 0)
    assert booked(customer) - before == 20
    assert customer.balances() == {"USD": "500.00"}


def test_provider_that_charges_more_than_the_fee_opens_one_case(customer: PayingCustomer) -> None:
    def cases() -> list[str]:
        with customer.database.reading() as session:
            keys = read_values(session, Case.key, Case.kind == "payment_cost")
        return sorted(keys)

    with fixed_settings(PaymentFees()):
        before = cases()
        customer.cards.cost = usd("3.20")
        customer.advance_deposit(customer.deposit("100.00"))
        assert cases() == before
        customer.cards.cost = usd("3.21")
        for _ in range(2):
            customer.advance_deposit(customer.deposit("100.00"))
        customer.bank.payout_state = PayoutState.COMPLETED
        for cost in ("0.25", "0.26"):
            withdrawal = customer.withdraw("50.00")
            customer.send_withdrawal(withdrawal)
            set_payout_cost(customer, cost)
            compare(customer, f"{customer.bank.name} payouts")
    assert set(cases()) >= {"bank withdrawal USD", "card deposit USD"}
    assert len(cases()) == len(set(cases()))
