"""Payouts whose outcome is uncertain: nothing is paid twice, and nothing is given up early."""

import threading
from datetime import timedelta

import pytest
import time_machine

from app.access import Role
from app.cases import service as cases
from app.funding.errors import NotCancellable
from app.funding.ports import Payout, PayoutOrder, PayoutState
from app.funding.withdrawals import service as withdrawals
from app.identity.models import User
from app.kit import clock
from app.kyc import rules
from app.kyc.models import Verification
from app.providers.errors import ProviderRefused, ProviderUnavailable
from app.screening.decisions.case_outcomes import TRUE_MATCH
from app.screening.matching import service as screening
from app.screening.rules import ScreeningSubject
from tests import sanctions
from tests.paying_customer import PayingCustomer
from tests.rows import change_rows
from tests.scripted_rails import CallFault

LATER = timedelta(minutes=16)


def test_refused_lookup_does_not_end_a_payout(customer: PayingCustomer) -> None:
    withdrawal = customer.withdraw()
    customer.send_withdrawal(withdrawal)
    customer.bank.faults = [CallFault.REFUSED]
    customer.send_withdrawal(withdrawal)
    assert (customer.withdrawal_status(withdrawal), customer.held_cents()) == ("sent", 10_000)
    customer.bank.set_state(PayoutState.COMPLETED)
    customer.send_withdrawal(withdrawal)
    assert (customer.withdrawal_status(withdrawal), customer.balances()) == (
        "completed",
        {"USD": "400.00"},
    )


def test_refused_repeated_order_ends_a_payout_only_later(
    customer: PayingCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first order may still be in flight."""
    withdrawal = customer.withdraw()
    customer.bank.faults = [CallFault.UNANSWERED_NOT_DONE]
    customer.send_withdrawal(withdrawal)
    monkeypatch.setattr(customer.bank, "send", refuse_order)
    customer.send_withdrawal(withdrawal)
    assert (customer.withdrawal_status(withdrawal), customer.held_cents()) == ("unknown", 10_000)
    with time_machine.travel(clock.now() + LATER):
        customer.send_withdrawal(withdrawal)
    assert (customer.withdrawal_status(withdrawal), customer.held_cents()) == ("failed", 0)


def refuse_order(order: PayoutOrder) -> Payout:
    raise ProviderRefused("not_today")


@pytest.mark.parametrize("failure", [ProviderUnavailable("away"), ProviderRefused("not_today")])
def test_failed_call_of_one_process_does_not_undo_the_payout_of_another(
    customer: PayingCustomer, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """The first process cannot reach the bank; a second one has paid, and not stored that yet."""
    withdrawal = customer.withdraw()
    paid, first_is_done = threading.Event(), threading.Event()
    second = threading.Thread(target=customer.send_withdrawal, args=(withdrawal,))
    pay = customer.bank.send

    def send(order: PayoutOrder) -> Payout:
        if threading.current_thread() is second:
            made = pay(order)
            paid.set()
            assert first_is_done.wait(10)
            return made
        second.start()
        assert paid.wait(10)
        raise failure

    monkeypatch.setattr(customer.bank, "send", send)
    customer.send_withdrawal(withdrawal)
    with pytest.raises(NotCancellable), customer.database.transaction() as session:
        withdrawals.cancel(session, customer.actor, withdrawal)
    first_is_done.set()
    second.join()
    assert (customer.withdrawal_status(withdrawal), customer.held_cents()) == ("sent", 10_000)


def match_customer(customer: PayingCustomer, name: str) -> None:
    """Let compliance decide that the customer is the listed party with this name."""
    officer = customer.people.staff(Role.COMPLIANCE)
    with customer.database.transaction() as session:
        found = screening.screen(
            session, ScreeningSubject((name,)), about="usr_x", purpose="onboarding",
            person_id=customer.actor.user_id,
        )  # fmt: skip
    assert found.case_id is not None
    with customer.database.transaction() as session:
        cases.close(session, officer, found.case_id, disposition=TRUE_MATCH, reason="It is them")


def test_approved_withdrawal_of_a_listed_party_is_rejected(customer: PayingCustomer) -> None:
    withdrawal = customer.withdraw()
    match_customer(customer, sanctions.LISTED_NAME)
    customer.send_withdrawal(withdrawal)
    assert (customer.withdrawal_status(withdrawal), customer.held_cents()) == ("rejected", 0)
    assert customer.bank.calls == []


@pytest.mark.parametrize("stop", ["suspended", "not verified any more"])
def test_approved_withdrawal_waits_while_its_customer_may_not_be_paid(
    customer: PayingCustomer, stop: str
) -> None:
    withdrawal, customer_id = customer.withdraw(), customer.actor.user_id

    def change(*, is_stopped: bool) -> None:
        with customer.database.transaction() as session:
            if stop == "suspended":
                status = "suspended" if is_stopped else "active"
                change_rows(session, User, User.id == customer_id, status=status)
            else:
                verified = {"status": "approved", "tier": rules.TIER_ENHANCED, "reasons": []}
                revoked = {"status": "rejected", "tier": 0, "reasons": ["cannot_serve"]}
                is_theirs = Verification.user_id == customer_id
                change_rows(session, Verification, is_theirs, **revoked if is_stopped else verified)

    change(is_stopped=True)
    customer.send_withdrawal(withdrawal)
    assert (customer.withdrawal_status(withdrawal), customer.bank.calls) == ("approved", [])
    change(is_stopped=False)
    customer.send_withdrawal(withdrawal)
    assert customer.withdrawal_status(withdrawal) == "sent"
