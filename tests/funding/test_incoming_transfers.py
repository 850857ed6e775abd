"""Bank transfers that come late, and announcements that lapse."""

from datetime import timedelta

import time_machine

from app.cases.models import Case
from app.catalog.rules import PaymentMethod
from app.funding.models import DepositRow
from app.kit import clock
from tests.paying_customer import PayingCustomer
from tests.rows import change_rows, count_rows


def test_old_announcement_counts_for_the_limit_when_it_is_credited(
    customer: PayingCustomer,
) -> None:
    deposit = customer.deposit("1.00", PaymentMethod.BANK)
    with customer.database.transaction() as session:
        change_rows(
            session,
            DepositRow,
            DepositRow.id == deposit,
            requested_at=DepositRow.requested_at - timedelta(hours=25),
        )
    customer.receive_transfer(f"in_{deposit}", "900000.00")
    customer.fetch_transfers(deposit)
    with customer.database.reading() as session:
        case_count = count_rows(
            session,
            Case,
            Case.kind == "deposit_limit",
            Case.person_id == customer.actor.user_id,
        )
    assert case_count == 1


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
