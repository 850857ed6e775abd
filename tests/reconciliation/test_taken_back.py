"""Disputes and refunds that no webhook reported: booked the same night, each on its own."""

from dataclasses import replace

import pytest

from app.catalog.rules import USD
from app.funding.ports import Dispute, DisputeKind
from app.funding.receivables import service as receivables
from app.kit import ids
from app.kit.money import Amount
from app.providers.ports import Listing
from tests.paying_customer import PayingCustomer, usd
from tests.reconciliation.test_service import count_cases, reconcile_source

FEE, NO_FEE = usd("15.00"), Amount(USD, 0)


@pytest.fixture
def payment_ref(customer: PayingCustomer) -> str:
    """Return the processor's id of a credited payment of 100.00."""
    customer.advance_deposit(customer.deposit())
    [ref] = customer.cards.payments_by_ref
    return ref


def disputed(customer: PayingCustomer, payment_ref: str, state: str, amount: str) -> Dispute:
    dispute = Dispute(f"dp_{ids.new()}", payment_ref, state, usd(amount), FEE)
    customer.cards.disputes_by_ref[dispute.provider_ref] = dispute
    return dispute


def owed(customer: PayingCustomer) -> str:
    with customer.database.reading() as session:
        return str(receivables.amount_owed(session, customer.actor.user_id))


def test_several_disputes_of_one_payment_are_booked_beside_one_that_raises(
    customer: PayingCustomer, payment_ref: str
) -> None:
    source = f"{customer.cards.name} disputes"
    lost = disputed(customer, payment_ref, "open", "30.00")
    unknown_state = disputed(customer, payment_ref, "unheard of", "10.00")
    won = disputed(customer, payment_ref, "open", "20.00")
    run = reconcile_source(customer, source)
    assert (run.compared, run.healed) == (3, 2)
    assert run.failure is not None
    assert run.failure.startswith("1 unclear")
    assert customer.balances() == {"USD": "550.00"}
    del customer.cards.disputes_by_ref[unknown_state.provider_ref]
    for dispute, state in ((lost, "lost"), (won, "won")):
        ref = dispute.provider_ref
        customer.cards.disputes_by_ref[ref] = replace(dispute, state=state)
    assert reconcile_source(customer, source).healed == 2
    assert reconcile_source(customer, source).healed == 0
    assert customer.balances() == {"USD": "570.00"}


@pytest.mark.parametrize(
    ("first", "then", "left"), [("won", "lost", "500"), ("lost", "won", "600")]
)
def test_end_that_changes_is_followed_though_it_is_no_longer_listed(
    customer: PayingCustomer,
    payment_ref: str,
    monkeypatch: pytest.MonkeyPatch,
    first: str,
    then: str,
    left: str,
) -> None:
    source = f"{customer.cards.name} disputes"
    dispute = disputed(customer, payment_ref, first, "100.00")
    assert reconcile_source(customer, source).healed == 1
    customer.cards.disputes_by_ref[dispute.provider_ref] = replace(dispute, state=then)
    monkeypatch.setattr(customer.cards, "disputes", lambda _since: Listing([]))
    assert reconcile_source(customer, source).healed == 1
    assert reconcile_source(customer, source).healed == 0
    assert customer.balances() == {"USD": f"{left}.00"}


def test_refund_at_the_dashboard_is_owed_the_same_night(
    customer: PayingCustomer, payment_ref: str
) -> None:
    customer.withdraw("600.00")
    for amount in ("50.00", "30.00"):
        refund = Dispute(
            f"re_{ids.new()}", payment_ref, "lost", usd(amount), NO_FEE, DisputeKind.REFUND
        )
        customer.cards.refunds_by_ref[refund.provider_ref] = refund
    run = reconcile_source(customer, f"{customer.cards.name} refunds")
    assert (run.compared, run.healed, run.differences) == (2, 2, 0)
    assert owed(customer) == "80.00"
    assert reconcile_source(customer, f"{customer.cards.name} refunds").healed == 0


def test_amount_that_differs_is_a_case(customer: PayingCustomer, payment_ref: str) -> None:
    source = f"{customer.cards.name} disputes"
    dispute = disputed(customer, payment_ref, "open", "30.00")
    assert reconcile_source(customer, source).differences == 0
    changed = replace(dispute, amount=usd("30.01"))
    customer.cards.disputes_by_ref[dispute.provider_ref] = changed
    for _ in range(2):
        assert reconcile_source(customer, source).differences == 1
    assert count_cases(customer, dispute.provider_ref) == 1
