"""Debts: whatever frees units on an account pays its owner's debt, in the same transaction."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from app.access import Role
from app.audit.actions import AuditAction
from app.audit.models import AuditRecord
from app.catalog.provider_ids import STRIPE
from app.catalog.rules import TRADABLE, USD, XAU, Wallet
from app.funding import queries as funding_queries
from app.funding.errors import ReceivableOutstanding
from app.funding.receivables import service as receivables
from app.funding.transfers import service as transfers
from app.funding.withdrawals import service as withdrawals
from app.kit import clock, ids
from app.kit.money import Amount
from app.kit.pipeline import Row
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.privacy.personal_data_tables import list_erasure_blockers
from app.trading import service as trading
from app.trading.service import RequestedConversion
from tests.mailbox import run_pending_jobs
from tests.paying_customer import PayingCustomer, second_account, usd
from tests.people import credit, set_prices
from tests.rows import read_values
from tests.unchanged_database import database_unchanged


def owe(customer: PayingCustomer, text: str, code: str = "USD") -> None:
    """Let a payment of the customer be taken back."""
    amount = Amount.parse(TRADABLE[code], text)
    with customer.database.transaction() as session:
        receivables.record_receivable(
            session, customer.actor.user_id, reference=f"test:{uuid4()}", owed=amount,
            taken_from=chart.processor(amount.asset, STRIPE),
        )  # fmt: skip


def free_and_owed(customer: PayingCustomer, code: str = "USD") -> tuple[str, str]:
    """Return what is available to the customer and what they owe, by the books and the balance."""
    asset, user_id = TRADABLE[code], customer.actor.user_id
    with customer.database.reading() as session:
        owed = receivables.amount_owed(session, user_id, asset)
        balances = ledger_queries.customer_balances(session, user_id)
        posted = ledger_queries.account_balance(session, chart.receivable(user_id, asset))
    assert posted == owed.units
    free = sum(balance.posted - balance.held for balance in balances if balance.asset == code)
    return str(Amount(asset, free)), str(owed)


@pytest.fixture
def debtor(customer: PayingCustomer) -> PayingCustomer:
    """Return a customer who owes 80.00 dollars and holds half an ounce of gold."""
    owe(customer, "580.00")
    assert free_and_owed(customer) == ("0.00", "80.00")
    with customer.database.transaction() as session:
        credit(session, customer.actor.user_id, "0.5", "XAU-s")
    return customer


def test_dollars_of_a_sale_go_to_the_debt_in_the_same_transaction(debtor: PayingCustomer) -> None:
    set_prices(debtor.database, AU="4000")

    def sell() -> Amount:
        wish = RequestedConversion(XAU, USD, Amount(XAU, 2_003_000), None)
        with debtor.database.transaction() as session:
            return trading.convert_at_market(session, debtor.actor, wish).received

    owed = usd("80.00") - sell()
    assert 0 < owed.units < 100
    assert free_and_owed(debtor) == ("0.00", str(owed))
    received = sell()
    assert free_and_owed(debtor) == (str(received - owed), "0.00")


def _pay_by_card(debtor: PayingCustomer) -> None:
    debtor.advance_deposit(debtor.deposit("60.00"))


def _credit(debtor: PayingCustomer) -> None:
    with debtor.database.transaction() as session:
        credit(session, debtor.actor.user_id, "60.00", "USD")


def _convert(debtor: PayingCustomer) -> None:
    reference = uuid4().hex
    with debtor.database.transaction() as session:
        ledger.post(
            session,
            cause="test",
            reference=reference,
            posted_at=clock.now(),
            postings=[
                ledger.debit(chart.customer(debtor.actor.user_id, XAU), Amount(XAU, 1)),
                ledger.credit(chart.position(XAU), Amount(XAU, 1)),
                ledger.debit(chart.position(USD), usd("60.00")),
                ledger.credit(chart.customer(debtor.actor.user_id, USD), usd("60.00")),
            ],
        )


@pytest.mark.parametrize("free", [_pay_by_card, _credit, _convert])
def test_dollars_that_come_in_go_to_the_debt(
    debtor: PayingCustomer, free: Callable[[PayingCustomer], None]
) -> None:
    free(debtor)
    assert free_and_owed(debtor) == ("0.00", "20.00")
    free(debtor)
    assert free_and_owed(debtor) == ("40.00", "0.00")


@pytest.mark.parametrize("end", ["cancelled", "rejected", "not sent, as the customer owes"])
def test_dollars_of_a_released_withdrawal_go_to_the_debt(
    customer: PayingCustomer, end: str
) -> None:
    withdrawal_id = customer.withdraw("500.00")
    owe(customer, "520.00")
    assert free_and_owed(customer) == ("0.00", "520.00")
    if end == "cancelled":
        with customer.database.transaction() as session:
            withdrawals.cancel(session, customer.actor, withdrawal_id)
    elif end == "rejected":
        officer = customer.people.staff(Role.COMPLIANCE)
        with customer.database.transaction() as session:
            withdrawals.reject(session, officer, withdrawal_id, reason="a test of debts")
    else:
        customer.send_withdrawal(withdrawal_id)
    assert free_and_owed(customer) == ("0.00", "20.00")


@pytest.mark.parametrize("end", ["expired", "posted in part"])
def test_dollars_of_a_settled_hold_go_to_the_debt(customer: PayingCustomer, end: str) -> None:
    account, hold_id, placed_at = chart.customer(customer.actor.user_id, USD), uuid4(), clock.now()
    with customer.database.transaction() as session:
        ledger.place_hold(
            session, hold_id=hold_id, account=account, amount=usd("500.00"), cause="test",
            placed_at=placed_at, expires_at=placed_at + timedelta(minutes=1),
        )  # fmt: skip
    owe(customer, "520.00")
    with customer.database.transaction() as session:
        if end == "expired":
            ledger.expire_holds(session, now=placed_at + timedelta(minutes=1))
        else:
            fee = usd("30.00")
            ledger.post(
                session, cause="test", reference=uuid4().hex, posted_at=placed_at,
                hold_ids=[hold_id],
                postings=[ledger.debit(account, fee), ledger.credit(chart.fees(USD), fee)],
            )  # fmt: skip
    assert free_and_owed(customer) == ("0.00", "20.00" if end == "expired" else "50.00")


def test_each_asset_pays_its_own_debt(customer: PayingCustomer) -> None:
    set_prices(customer.database, AU="4000", PAXG="4000")
    owe(customer, "2.0", "PAXG")
    with customer.database.transaction() as session:
        credit(session, customer.actor.user_id, "1.5", "XAU-s")
    with customer.database.transaction() as session:
        transfers.transfer(
            session, customer.actor, amount=Amount.parse(XAU, "1.5"),
            origin=Wallet.TRADING, destination=Wallet.FUNDING,
        )  # fmt: skip
    assert free_and_owed(customer, "PAXG") == ("0.00000000", "0.50000000")
    assert free_and_owed(customer) == ("500.00", "0.00")
    # A debt in any asset keeps every withdrawal back.
    with pytest.raises(ReceivableOutstanding):
        customer.withdraw()
    with customer.database.transaction() as session:
        credit(session, customer.actor.user_id, "0.5", "PAXG")
    customer.withdraw()


def test_debt_keeps_withdrawals_from_the_persons_other_accounts_back(
    customer: PayingCustomer,
) -> None:
    other = second_account(customer)
    with other.database.reading() as session:
        assert funding_queries.valued_balances(session, other.actor.user_id).withdrawable_usd
    waiting = other.withdraw("200.00")
    owe(customer, "580.00")
    with database_unchanged(other.database), pytest.raises(ReceivableOutstanding):
        other.withdraw("100.00")
    with other.database.reading() as session:
        stated = funding_queries.valued_balances(session, other.actor.user_id)
    assert str(stated.withdrawable_usd) == "0.00"
    other.send_withdrawal(waiting)
    assert (other.withdrawal_status(waiting), other.bank.calls) == ("rejected", [])
    with customer.database.transaction() as session:
        credit(session, customer.actor.user_id, "80.00", "USD")
    other.withdraw("500.00")


def test_debt_that_ends_returns_what_was_collected(customer: PayingCustomer) -> None:
    owe(customer, "520.00")
    with customer.database.transaction() as session:
        receivables.reverse_receivable(
            session, customer.actor.user_id, reference=f"test:{uuid4()}", amount=usd("520.00"),
            returned_to=chart.processor(USD, STRIPE),
        )  # fmt: skip
    assert free_and_owed(customer) == ("500.00", "0.00")


def told_of(customer: PayingCustomer) -> list[Row]:
    """Return the values of the messages about collected debts."""
    with customer.database.reading() as session:
        return session.rows(
            "SELECT args -> 'values' FROM outbox WHERE args ->> 'kind' = 'debt_collected'"
            " AND args ->> 'user_id' = %s",
            (str(customer.actor.user_id),),
        )


def test_collection_is_audited_and_told(customer: PayingCustomer) -> None:
    owe(customer, "520.00")
    run_pending_jobs(customer.database, "funding.debt_collected")
    with customer.database.reading() as session:
        [collected] = read_values(
            session,
            AuditRecord.after,
            AuditRecord.on_behalf_of == customer.actor.user_id,
            AuditRecord.action == AuditAction.RECEIVABLE_COLLECTED,
        )
    assert (collected["asset"], collected["amount"]) == ("USD", "500.00")
    assert ids.try_decode("col", collected["entry"]) is not None
    # The message about the payment that was taken back says it already.
    assert told_of(customer) == []
    with customer.database.transaction() as session:
        credit(session, customer.actor.user_id, "15.00", "USD")
    run_pending_jobs(customer.database, "funding.debt_collected")
    [(values,)] = told_of(customer)
    assert (values["amount"], values["owed"]) == ("15.00", "5.00")


def test_debt_prevents_erasure(customer: PayingCustomer) -> None:
    owe(customer, "520.00")
    with customer.database.reading() as session:
        blockers = list_erasure_blockers(session, customer.actor.user_id)
    assert "debts.USD" in {blocker.field for blocker in blockers}
