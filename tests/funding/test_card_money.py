"""Money paid in by card can be traded at once and withdrawn once it has settled."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.catalog.rules import USD, XAU, Metal
from app.funding import card_money
from app.funding import queries as funding_queries
from app.funding.card_money import CardMoneyRules
from app.funding.disputes import service as disputes
from app.funding.errors import CardMoneyUnsettled
from app.funding.models import DepositRow
from app.funding.ports import Dispute
from app.funding.queries import ValuedBalances
from app.kit import clock
from app.kit.money import Amount
from app.pricing import service as pricing
from app.pricing.rules import HaltReason
from app.trading import service as trading
from app.trading.service import RequestedConversion
from tests.fixed_settings import fixed_settings
from tests.paying_customer import PayingCustomer, usd
from tests.people import credit, set_prices
from tests.unchanged_database import database_unchanged

DAYS = CardMoneyRules().withheld_days


@pytest.fixture(autouse=True)
def _rules(customer: PayingCustomer):
    """The customer has 500 dollars of their own, and 300 by card."""
    with fixed_settings(CardMoneyRules()):
        deposit_id = customer.deposit("300.00")
        customer.advance_deposit(deposit_id)
        yield


def age_deposits(customer: PayingCustomer, by: timedelta) -> None:
    with customer.database.transaction() as session:
        session.write(
            sa.update(DepositRow)
            .where(DepositRow.user_id == customer.actor.user_id)
            .values(credited_at=DepositRow.credited_at - by)
        )


def balances(customer: PayingCustomer) -> ValuedBalances:
    with customer.database.reading() as session:
        return funding_queries.valued_balances(session, customer.actor.user_id)


def assert_withdrawable(customer: PayingCustomer, amount: str) -> None:
    """Check that so much can be withdrawn and no cent more, and that the balances say so."""
    assert balances(customer).withdrawable_usd == usd(amount)
    one_more = str(usd(amount) + Amount(USD, 1))
    with database_unchanged(customer.database), pytest.raises(CardMoneyUnsettled) as refusal:
        customer.withdraw(one_more)
    assert amount in str(refusal.value)
    customer.withdraw(amount)


def test_card_money_is_withheld_until_it_has_settled(customer: PayingCustomer) -> None:
    stated = balances(customer)
    assert stated.withheld_usd == usd("300.00")
    assert stated.withheld_until is not None
    assert timedelta(0) < stated.withheld_until - clock.now() <= timedelta(days=DAYS)
    assert_withdrawable(customer, "500.00")
    age_deposits(customer, timedelta(days=DAYS))
    stated = balances(customer)
    assert (stated.withheld_usd, stated.withheld_until) == (Amount(USD, 0), None)
    customer.withdraw("300.00")


def test_card_money_is_withheld_on_its_last_day(customer: PayingCustomer) -> None:
    age_deposits(customer, timedelta(days=DAYS) - timedelta(minutes=5))
    assert_withdrawable(customer, "500.00")


def test_what_was_bought_with_card_money_is_withheld_too(customer: PayingCustomer) -> None:
    """Gold bought with all dollars is worth less than them: the loss is the customer's."""
    set_prices(customer.database, AU="4000", AG="50", PT="1600", PD="1500", CU="0.4")
    with customer.database.transaction() as session:
        trading.convert_at_market(
            session, customer.actor, RequestedConversion(USD, XAU, usd("400.00"), None)
        )
    [gold] = [each for each in balances(customer).trading if each.total]
    assert gold.usd_value is not None
    withdrawable = usd("100.00") + gold.usd_value
    assert balances(customer).withdrawable_usd == withdrawable
    with customer.database.reading() as session:
        card_money.check_withdrawable(session, customer.actor.user_id, withdrawable)
        with pytest.raises(CardMoneyUnsettled):
            card_money.check_withdrawable(
                session, customer.actor.user_id, withdrawable + Amount(USD, 1)
            )


def test_gold_that_cannot_be_sold_covers_no_card_money(customer: PayingCustomer) -> None:
    """The price of a halted market may be wrong: that may be why it was halted."""
    set_prices(customer.database, AU="40000", PAXG="40000")
    with customer.database.transaction() as session:
        credit(session, customer.actor.user_id, "0.1", "XAU-s")
        credit(session, customer.actor.user_id, "0.1", "PAXG")
    assert balances(customer).withdrawable_usd == usd("8484.00")
    try:
        with customer.database.transaction() as session:
            pricing.halt_market(
                session, None, Metal.AU, HaltReason.PRICES, note="Ten times too high"
            )
        assert_withdrawable(customer, "500.00")
    finally:
        set_prices(customer.database, AU="4000", PAXG="4000")


def test_amounts_that_are_held_already_are_not_counted_twice(customer: PayingCustomer) -> None:
    customer.withdraw("200.00")
    assert_withdrawable(customer, "300.00")


def test_nothing_is_withdrawable_when_card_money_was_lost(customer: PayingCustomer) -> None:
    with customer.database.reading() as session:
        withheld = card_money.withheld_money(session, customer.actor.user_id)
    assert str(withheld.withdrawable(usd("299.99"))) == "0.00"
    assert withheld.withdrawable(usd("300.01")) == usd("0.01")


def test_disputed_card_money_is_not_withheld_beside_its_debt(customer: PayingCustomer) -> None:
    [ref] = customer.cards.payments_by_ref
    dispute = Dispute(f"dp_{ref}", ref, "lost", usd("120.00"), usd("15.00"))
    with customer.database.transaction() as session:
        disputes.apply_dispute(session, "stripe", customer.cards.provider_id, dispute)
    # 120 of the 300 were collected from the balance; the rest can still be taken back.
    assert balances(customer).withheld_usd == usd("180.00")
    assert_withdrawable(customer, "500.00")
