"""A withdrawal to a new destination waits, its owner hears of it, and can cancel it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine

from app.funding import poll
from app.funding.withdrawals import queries as withdrawal_queries
from app.funding.withdrawals import service as withdrawals
from app.funding.withdrawals.new_destinations import DestinationRules
from app.funding.withdrawals.queries import Withdrawal
from tests.fixed_settings import fixed_settings
from tests.paying_customer import BANK_ACCOUNT, PayingCustomer

#: Within the prices and the verification that the customer has.
WAIT = timedelta(hours=6)
OTHER_ACCOUNT = {**BANK_ACCOUNT, "accountNumber": "000123456780"}


@pytest.fixture(autouse=True)
def wait(customer: PayingCustomer) -> Iterator[None]:
    with fixed_settings(DestinationRules(wait_hours=6)):
        yield


@pytest.fixture
def clock(customer: PayingCustomer) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime.now(UTC), tick=False) as traveller:
        yield traveller


def read(customer: PayingCustomer, withdrawal_id: UUID) -> Withdrawal:
    with customer.database.reading() as session:
        return withdrawal_queries.withdrawal(session, withdrawal_id)


def staged(customer: PayingCustomer, task: str, withdrawal_id: UUID) -> int:
    with customer.database.reading() as session:
        return int(
            session.value(
                "SELECT count(*) FROM outbox WHERE task = %s AND args ->> 'withdrawal_id' = %s",
                (task, str(withdrawal_id)),
            )
        )


def notices(customer: PayingCustomer) -> int:
    with customer.database.reading() as session:
        return int(
            session.value(
                "SELECT count(*) FROM outbox WHERE task = 'messages.send_mail'"
                " AND args ->> 'kind' = 'new_destination' AND args ->> 'user_id' = %s",
                (str(customer.actor.user_id),),
            )
        )


def test_withdrawal_to_a_new_destination_is_sent_after_the_wait(
    customer: PayingCustomer, clock: time_machine.Traveller
) -> None:
    withdrawal_id = customer.withdraw()
    withdrawal = read(customer, withdrawal_id)
    assert withdrawal.waits_until == withdrawal.requested_at + WAIT
    assert (withdrawal.status, customer.held_cents()) == ("approved", 10_000)
    assert (notices(customer), staged(customer, "funding.send_withdrawal", withdrawal_id)) == (1, 0)
    clock.shift(WAIT - timedelta(seconds=1))
    with customer.database.transaction() as session:
        poll.poll_payments(session)
    customer.send_withdrawal(withdrawal_id)
    assert (customer.bank.calls, staged(customer, "funding.send_withdrawal", withdrawal_id)) == (
        [],
        0,
    )
    clock.shift(timedelta(seconds=1))
    with customer.database.transaction() as session:
        poll.poll_payments(session)
    assert staged(customer, "funding.send_withdrawal", withdrawal_id) == 1
    customer.send_withdrawal(withdrawal_id)
    assert customer.withdrawal_status(withdrawal_id) == "sent"


def test_destination_is_known_from_its_first_use_on(
    customer: PayingCustomer, clock: time_machine.Traveller
) -> None:
    first = read(customer, customer.withdraw("10.00"))
    clock.shift(timedelta(hours=1))
    second = read(customer, customer.withdraw("10.00"))
    assert second.waits_until == first.waits_until
    clock.shift(WAIT)
    known = customer.withdraw("10.00")
    assert read(customer, known).waits_until is None
    assert staged(customer, "funding.send_withdrawal", known) == 1
    assert notices(customer) == 2
    assert read(customer, customer.withdraw("10.00", **OTHER_ACCOUNT)).waits_until is not None


def test_cancelled_withdrawal_makes_no_destination_known(
    customer: PayingCustomer, clock: time_machine.Traveller
) -> None:
    stolen = customer.withdraw()
    with customer.database.transaction() as session:
        withdrawals.cancel(session, customer.actor, stolen)
    assert customer.held_cents() == 0
    clock.shift(WAIT)
    assert read(customer, customer.withdraw()).waits_until is not None
