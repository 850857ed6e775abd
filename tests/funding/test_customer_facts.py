"""What staff read of a customer before they decide."""

from uuid import uuid4

import pytest

from app.access import Actor, Role
from app.cases import service as cases
from app.funding import customer_facts
from app.funding.card_money import CardMoneyRules
from app.funding.withdrawals import payout_waits
from app.funding.withdrawals import queries as withdrawal_queries
from app.funding.withdrawals.payout_waits import PayoutWait
from app.identity.accounts import account_status
from app.kit import clock, ids
from app.kyc.models import Verification
from app.kyc.rules import ReasonCode, VerificationStatus
from tests.card_deposits import pay_by_card
from tests.fixed_settings import fixed_settings
from tests.paying_customer import PayingCustomer
from tests.recorded_trips import record_trips
from tests.rows import change_rows

MONEY = {"Available", "Card money withheld", "Last deposits", "Origin of the money"}


@pytest.fixture
def officer(wealthy_customer: PayingCustomer) -> Actor:
    """Return a person who works on payments and cases."""
    return wealthy_customer.people.staff(Role.COMPLIANCE)


def describe(customer: PayingCustomer, reader: Actor) -> dict[str, str]:
    with customer.database.reading() as session:
        return dict(customer_facts.describe_customer(session, reader, customer.actor.user_id))


def open_case(customer: PayingCustomer, title: str) -> str:
    """Open a case about the customer, and return its id."""
    with customer.database.transaction() as session:
        case_id = cases.open_case(
            session, kind="structuring", key=uuid4().hex, subject="test", title=title, facts={},
            person_id=customer.actor.user_id,
        )  # fmt: skip
    return ids.encode("cas", case_id)


def test_origin_and_bounds_of_the_money_are_stated(
    wealthy_customer: PayingCustomer, officer: Actor
) -> None:
    deposit = pay_by_card(wealthy_customer)
    wealthy_customer.withdraw("1000.00")
    with fixed_settings(CardMoneyRules()):
        facts = describe(wealthy_customer, officer)
    today = f"{clock.now():%d %b %Y}".lstrip("0")
    assert facts["Account"] == "Active"
    assert facts["Tier"] == "3, up to 250,000.00 USD a day"
    assert facts["Left of it today"] == "249,000.00 USD to withdraw, 249,900.00 USD to deposit"
    assert facts["Card money withheld"].startswith("100.00 USD, until ")
    assert facts["Origin of the money"] == "Card 100.00 USD (1 deposit)"
    assert facts["Last deposits"] == (
        f"Card 100.00 USD, credited, {today}: {ids.encode('dep', deposit.id)}"
    )
    assert facts["Owed to PBCEx"] == "Nothing"


def test_suspension_and_open_cases_are_stated_to_those_who_may_read_them(
    wealthy_customer: PayingCustomer, officer: Actor
) -> None:
    assert describe(wealthy_customer, officer)["Open cases"] == "None"
    opened = open_case(wealthy_customer, "Many small payouts")
    with wealthy_customer.database.transaction() as session:
        account_status.suspend_customer(
            session, None, wealthy_customer.actor.user_id, reason="a test suspends them"
        )
    facts = describe(wealthy_customer, officer)
    assert facts["Account"].startswith("Suspended since ")
    assert facts["Account"].endswith(": a test suspends them")
    assert facts["Open cases"] == f"Many small payouts: {opened}"
    support = describe(wealthy_customer, wealthy_customer.people.staff(Role.INVENTORY))
    assert not ({"Open cases"} | MONEY) & set(support)


def test_number_of_statements_does_not_grow_with_the_history(
    wealthy_customer: PayingCustomer, officer: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips = record_trips(monkeypatch)

    def count_trips() -> int:
        trips.clear()
        describe(wealthy_customer, officer)
        return len(trips)

    before = count_trips()
    for number in range(4):
        pay_by_card(wealthy_customer)
        open_case(wealthy_customer, f"Case {number}")
    assert count_trips() == before <= 20


def test_approved_payout_says_what_it_waits_for(wealthy_customer: PayingCustomer) -> None:
    withdrawal_id = wealthy_customer.withdraw("10.00")

    def wait() -> PayoutWait | None:
        with wealthy_customer.database.reading() as session:
            withdrawal = withdrawal_queries.withdrawal(session, withdrawal_id)
            return payout_waits.find_wait(session, withdrawal)

    assert wait() is None
    with wealthy_customer.database.transaction() as session:
        change_rows(
            session,
            Verification,
            Verification.user_id == wealthy_customer.actor.user_id,
            status=VerificationStatus.REJECTED,
            tier=0,
            expires_at=None,
            reasons=[ReasonCode.IDENTITY_NOT_VERIFIED],
        )
    assert wait() is PayoutWait.UNVERIFIED
    with wealthy_customer.database.transaction() as session:
        account_status.suspend_customer(
            session, None, wealthy_customer.actor.user_id, reason="a test suspends them"
        )
    assert wait() is PayoutWait.SUSPENDED
