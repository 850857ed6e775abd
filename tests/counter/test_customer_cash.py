"""Cash of customers: one entry, one movement and one receipt, or nothing."""

from dataclasses import replace
from uuid import UUID

import pytest

from app.access import Actor, Role
from app.catalog.rules import USD
from app.counter.cash import customers
from app.counter.cash import service as cash_service
from app.counter.cash.errors import CustomerOnHold, OwnCash
from app.counter.cash.service import CashPayment
from app.counter.drawers.errors import NoOpenDrawer, SecondPersonMissing, TooFewPieces
from app.counter.drawers.rules import CashPieces
from app.counter.receipts import queries as receipts_queries
from app.counter.receipts import service as receipts
from app.funding.card_money import CardMoneyRules
from app.funding.errors import CardMoneyUnsettled, DailyLimitExceeded, VerificationRequired
from app.kit.db import Database
from app.kit.errors import Invalid, PermissionDenied
from app.kit.money import Amount
from app.kyc.rules import KycRules
from app.ledger.errors import InsufficientFunds
from app.screening.matching import service as screening
from app.screening.rules import ScreeningSubject
from tests import sanctions
from tests.counter.tills import Branch, cash
from tests.fixed_settings import fixed_settings
from tests.mailbox import Mailbox, run_pending_jobs
from tests.paying_customer import create_paying_customer, verify_without_evidence
from tests.people import People, credit


@pytest.fixture
def branch(people: People) -> Branch:
    branch = Branch.with_cash(people)
    branch.open_drawer(pieces=cash(usd_10000=20, usd_2000=10, usd_1000=5, usd_100=20, usd_1=99))
    return branch


@pytest.fixture
def customer(people: People, sanctions_list: None) -> Actor:
    """Return a verified customer without money."""
    customer = people.customer()
    verify_without_evidence(people.database, customer.user_id)
    return customer


def usd(text: str) -> Amount:
    return Amount.parse(USD, text)


def payment(customer: Actor, amount: str, pieces: CashPieces) -> CashPayment:
    return CashPayment(customer.user_id, usd(amount), pieces, "passport")


def deposit(branch: Branch, of: CashPayment, teller: Actor | None = None) -> UUID:
    with branch.database.transaction() as session:
        return cash_service.deposit(session, teller or branch.teller, of)


def withdraw(branch: Branch, of: CashPayment) -> UUID:
    with branch.database.transaction() as session:
        return cash_service.withdraw(session, branch.teller, of)


def test_deposit_is_credited_and_in_the_drawer(branch: Branch, customer: Actor) -> None:
    receipt_id = deposit(branch, payment(customer, "300.01", cash(usd_10000=3, usd_1=1)))
    assert branch.people.balances(customer) == {"USD": "300.01"}
    with branch.database.reading() as session:
        receipt = receipts_queries.get_receipt(session, branch.teller, receipt_id)
    assert (receipt.number, receipt.title, str(receipt.amount)) == (1, "Cash deposit", "300.01")


def test_change_comes_out_of_the_drawer(branch: Branch, customer: Actor) -> None:
    with pytest.raises(Invalid, match=r"Give back 69\.50 USD, such as 3 × \$20, 9 × \$1, 50 × 1¢"):
        deposit(branch, payment(customer, "130.50", cash(usd_10000=2)))
    given = cash(usd_10000=2, usd_2000=-3, usd_100=-9, usd_1=-50)
    deposit(branch, payment(customer, "130.50", given))
    assert branch.people.balances(customer) == {"USD": "130.50"}


def test_withdrawal_takes_from_balance_and_drawer(branch: Branch, customer: Actor) -> None:
    with branch.database.transaction() as session:
        credit(session, customer.user_id, "500.00", "USD")
        suggested = cash_service.suggest_payout(session, branch.teller, usd("270.07"))
    assert suggested == cash(usd_10000=2, usd_2000=3, usd_1000=1, usd_1=7)
    withdraw(branch, payment(customer, "270.07", suggested))
    assert branch.people.balances(customer) == {"USD": "229.93"}
    with pytest.raises(Invalid, match="You counted"):
        withdraw(branch, payment(customer, "100.00", cash(usd_10000=2)))
    with pytest.raises(InsufficientFunds):
        withdraw(branch, payment(customer, "300.00", cash(usd_10000=3)))
    with pytest.raises(TooFewPieces):
        withdraw(branch, payment(customer, "50.00", cash(usd_5000=1)))


def test_large_payments_take_a_second_person(branch: Branch, customer: Actor) -> None:
    with branch.database.transaction() as session:
        credit(session, customer.user_id, "9000.00", "USD")
    large = payment(customer, "5000.00", cash(usd_10000=50))
    with pytest.raises(SecondPersonMissing):
        withdraw(branch, large)
    with pytest.raises(SecondPersonMissing):
        deposit(branch, payment(customer, "25000.00", cash(usd_10000=250)))
    with pytest.raises(Invalid, match="at most"):
        deposit(branch, payment(customer, "50000.01", cash(usd_10000=500, usd_1=1)))
    deposit(branch, payment(customer, "4999.00", cash(usd_10000=49, usd_1000=9, usd_100=9)))
    withdraw(branch, replace(large, witness_id=branch.hire().user_id))
    assert branch.people.balances(customer) == {"USD": "8999.00"}


def test_cash_counts_towards_the_limits_of_the_tier(branch: Branch, customer: Actor) -> None:
    limits = {f"daily_tier_{tier}": usd("1000.00") for tier in (1, 2, 3)}
    with fixed_settings(KycRules(**limits)):
        deposit(branch, payment(customer, "1000.00", cash(usd_10000=10)))
        with pytest.raises(DailyLimitExceeded):
            deposit(branch, payment(customer, "0.01", cash(usd_1=1)))


def test_card_money_is_not_paid_out_in_cash(branch: Branch) -> None:
    paying = create_paying_customer(branch.database, branch.people)
    deposit_id = paying.deposit("200.00")
    paying.advance_deposit(deposit_id)
    with fixed_settings(CardMoneyRules()):
        with pytest.raises(CardMoneyUnsettled):
            withdraw(branch, payment(paying.actor, "600.00", cash(usd_10000=6)))
        withdraw(branch, payment(paying.actor, "500.00", cash(usd_10000=5)))


def test_customer_without_a_verified_identity_is_not_served(branch: Branch, people: People) -> None:
    with pytest.raises(VerificationRequired):
        deposit(branch, payment(people.customer(), "100.00", cash(usd_10000=1)))


def test_customer_with_an_undecided_hit_is_not_served(branch: Branch, customer: Actor) -> None:
    with branch.database.transaction() as session:
        screening.screen(
            session, ScreeningSubject((sanctions.LISTED_NAME,)), about="usr_x",
            purpose="onboarding", person_id=customer.user_id,
        )  # fmt: skip
    with pytest.raises(CustomerOnHold):
        deposit(branch, payment(customer, "100.00", cash(usd_10000=1)))
    assert branch.people.balances(customer) == {}


def test_tellers_serve_customers_and_not_themselves(branch: Branch, customer: Actor) -> None:
    small = payment(customer, "1.00", cash(usd_100=1))
    with pytest.raises(OwnCash):
        deposit(branch, replace(small, customer_id=branch.teller.user_id))
    with pytest.raises(NoOpenDrawer):
        deposit(branch, small, branch.hire())
    with pytest.raises(PermissionDenied):
        deposit(branch, small, branch.people.staff(Role.COMPLIANCE))


def test_receipts_are_numbered_and_later_prints_are_copies(
    branch: Branch, customer: Actor, mailbox: Mailbox
) -> None:
    small = payment(customer, "1.00", cash(usd_100=1))
    first, second = deposit(branch, small), deposit(branch, small)
    with branch.database.transaction() as session:
        receipts.issue_copy(session, branch.teller, second)
        receipts.email_copy(session, branch.teller, second)
        numbered = [
            receipts_queries.get_receipt(session, branch.teller, each) for each in (first, second)
        ]
    assert [(receipt.number, receipt.copy) for receipt in numbered] == [(1, 0), (2, 2)]
    run_pending_jobs(branch.database)
    subjects = [email.subject for email in mailbox.sent_to(customer.email)]
    assert f"Copy of receipt {numbered[1].name}" in subjects


def test_customer_is_found_by_what_they_and_their_document_say(
    database: Database, customer: Actor
) -> None:
    with database.reading() as session:
        by_email = customers.find_customers(session, customer.email.upper())
        assert [each.id for each in by_email] == [customer.user_id]
        assert customers.find_customers(session, "Ada Lovelace") == []
