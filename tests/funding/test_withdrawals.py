"""Withdrawals are paid once, are never lost, and show an unknown outcome as unknown."""

import re
from dataclasses import replace
from typing import Any

import pytest

from app.access import Actor, Role
from app.approvals import queries as approvals_queries
from app.approvals import service as approvals
from app.approvals.errors import ApprovalOutdated
from app.cases import queries as cases_queries
from app.cases import registry as cases_registry
from app.cases import service as cases
from app.cases.models import Case
from app.catalog.rules import PAXG, PaymentMethod
from app.funding.disputes import service as disputes
from app.funding.errors import (
    DailyLimitExceeded,
    NotCancellable,
    OwnWithdrawal,
    ReceivableOutstanding,
    VerificationRequired,
    WrongWithdrawalStatus,
)
from app.funding.ports import Dispute, PayoutState
from app.funding.receivables import service as receivables
from app.funding.withdrawals import service as withdrawals
from app.funding.withdrawals import withdrawal_approval
from app.identity.models import User
from app.kit import ids
from app.kit.errors import Invalid, NotFound
from app.kit.money import Amount
from app.kyc.submission import service as submission
from app.ledger import chart
from app.ledger.errors import InsufficientFunds
from tests.mailbox import run_pending_jobs
from tests.paying_customer import BANK_ACCOUNT, PayingCustomer, usd, verify_without_evidence
from tests.recorded_trips import record_trips
from tests.rows import change_rows, read_values
from tests.sanctions import LISTED_NAME
from tests.scripted_rails import CallFault
from tests.unchanged_database import database_unchanged


def test_withdrawal_is_held_sent_and_completed(customer: PayingCustomer) -> None:
    withdrawal = customer.withdraw("120.00")
    assert (customer.withdrawal_status(withdrawal), customer.held_cents()) == ("approved", 12_000)
    customer.send_withdrawal(withdrawal)
    assert (customer.withdrawal_status(withdrawal), customer.held_cents()) == ("sent", 12_000)
    customer.bank.set_state(PayoutState.COMPLETED)
    customer.send_withdrawal(withdrawal)
    customer.send_withdrawal(withdrawal)
    assert (customer.withdrawal_status(withdrawal), customer.held_cents()) == ("completed", 0)
    assert customer.balances() == {"USD": "380.00"}
    assert customer.message_kinds() == [
        "withdrawal_requested",
        "withdrawal_sent",
        "withdrawal_completed",
    ]


def test_withdrawal_reads_who_the_customer_is_in_its_first_trip_and_never_again(
    customer: PayingCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips = record_trips(monkeypatch)
    customer.withdraw()
    read = [
        number
        for number, trip in enumerate(trips)
        for text in trip
        if re.search(r"FROM (users|verifications)\b", text)
    ]
    # Account, verifications, the person's accounts, sealed names.
    assert read == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "faults",
    [
        [CallFault.UNAVAILABLE],
        [CallFault.UNAVAILABLE, CallFault.UNAVAILABLE],
        [CallFault.UNANSWERED_NOT_DONE],
        [CallFault.UNANSWERED_DONE],
        [CallFault.CRASH_BEFORE],
        [CallFault.CRASH_AFTER],
        [CallFault.UNANSWERED_NOT_DONE, CallFault.UNANSWERED_NOT_DONE],
        [CallFault.UNANSWERED_DONE, CallFault.UNAVAILABLE],
        [CallFault.CRASH_BEFORE, None, CallFault.UNANSWERED_DONE],
        [CallFault.CRASH_AFTER, CallFault.CRASH_AFTER, CallFault.UNANSWERED_NOT_DONE],
    ],
)
def test_withdrawal_is_paid_once_despite_failed_calls(
    customer: PayingCustomer, faults: list[CallFault | None]
) -> None:
    withdrawal = customer.withdraw()
    customer.bank.payout_state = PayoutState.COMPLETED
    customer.bank.faults = list(faults)
    for _ in range(6):
        customer.send_withdrawal(withdrawal)
    assert customer.withdrawal_status(withdrawal) == "completed"
    assert len(customer.bank.payouts_by_reference) == 1
    assert customer.balances() == {"USD": "400.00"}


def test_unanswered_payout_is_unknown_until_the_provider_finds_it(customer: PayingCustomer) -> None:
    withdrawal = customer.withdraw()
    customer.bank.faults = [CallFault.UNANSWERED_DONE, CallFault.UNANSWERED_NOT_DONE]
    customer.send_withdrawal(withdrawal)
    assert customer.withdrawal_status(withdrawal) == "unknown"
    customer.send_withdrawal(withdrawal)
    assert customer.withdrawal_status(withdrawal) == "unknown"
    with customer.database.transaction() as session, pytest.raises(NotCancellable):
        withdrawals.cancel(session, customer.actor, withdrawal)
    customer.send_withdrawal(withdrawal)
    assert customer.withdrawal_status(withdrawal) == "sent"
    assert customer.bank.calls == ["send", "find", "find"]


def test_failed_payout_releases_the_hold(customer: PayingCustomer) -> None:
    withdrawal = customer.withdraw()
    customer.bank.faults = [CallFault.REFUSED]
    customer.send_withdrawal(withdrawal)
    assert (customer.withdrawal_status(withdrawal), customer.held_cents()) == ("failed", 0)
    other = customer.withdraw()
    customer.send_withdrawal(other)
    customer.bank.set_state(PayoutState.FAILED, "account_closed")
    customer.send_withdrawal(other)
    assert (customer.withdrawal_status(other), customer.held_cents()) == ("failed", 0)
    assert customer.balances() == {"USD": "500.00"}


def test_returned_payout_is_credited_again(customer: PayingCustomer) -> None:
    withdrawal = customer.withdraw()
    customer.bank.payout_state = PayoutState.COMPLETED
    customer.send_withdrawal(withdrawal)
    assert customer.balances() == {"USD": "400.00"}
    customer.bank.set_state(PayoutState.RETURNED, "R03")
    for _ in range(2):
        customer.send_withdrawal(withdrawal)
    assert customer.withdrawal_status(withdrawal) == "returned"
    assert customer.balances() == {"USD": "500.00"}


def test_payout_of_another_amount_opens_a_case(customer: PayingCustomer) -> None:
    customer.bank.payout_state, customer.bank.wrong_amount = PayoutState.COMPLETED, usd("1.00")
    withdrawal = customer.withdraw()
    customer.send_withdrawal(withdrawal)
    assert (customer.withdrawal_status(withdrawal), customer.held_cents()) == ("sending", 10_000)
    with customer.database.reading() as session:
        row = session.row(
            "SELECT count(*) FROM cases WHERE kind = 'payout_amount' AND person_id = %s",
            (customer.actor.user_id,),
        )
    assert row == (1,)


def test_withdrawal_can_be_cancelled_by_its_owner_before_it_is_sent(
    customer: PayingCustomer,
) -> None:
    withdrawal = customer.withdraw()
    stranger = customer.people.customer()
    with (
        database_unchanged(customer.database),
        pytest.raises(NotFound),
        customer.database.transaction() as session,
    ):
        withdrawals.cancel(session, stranger, withdrawal)
    with customer.database.transaction() as session:
        withdrawals.cancel(session, customer.actor, withdrawal)
    customer.send_withdrawal(withdrawal)
    assert (customer.withdrawal_status(withdrawal), customer.held_cents(), customer.bank.calls) == (
        "cancelled",
        0,
        [],
    )


class TestRefusals:
    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"accountHolder": "Charles Babbage"}, "destination.accountHolder"),
            ({"routingNumber": "110000001"}, "destination.routingNumber"),
            ({"routingNumber": "12"}, "destination.routingNumber"),
            ({"accountNumber": "12a4"}, "destination.accountNumber"),
            ({"accountNumber": ""}, "destination.accountNumber"),
            ({"phone": "+15550100"}, "destination.phone"),
        ],
    )
    def test_invalid_destination_is_refused(
        self, customer: PayingCustomer, changed: dict[str, str], field: str
    ) -> None:
        with database_unchanged(customer.database), pytest.raises(Invalid) as refusal:
            customer.withdraw(**{**BANK_ACCOUNT, **changed})
        assert refusal.value.field == field

    @pytest.mark.parametrize("method", [PaymentMethod.CARD])
    def test_card_is_refused_as_payout_method(
        self, customer: PayingCustomer, method: PaymentMethod
    ) -> None:
        with (
            database_unchanged(customer.database),
            pytest.raises(Invalid, match="method"),
            customer.database.transaction() as session,
        ):
            withdrawals.request(
                session, customer.actor, method=method, amount=usd("5"), destination={}
            )

    def test_withdrawal_above_the_balance_is_refused(self, customer: PayingCustomer) -> None:
        with database_unchanged(customer.database), pytest.raises(InsufficientFunds):
            customer.withdraw("500.01")

    def test_withdrawal_below_a_dollar_is_refused(self, customer: PayingCustomer) -> None:
        with database_unchanged(customer.database), pytest.raises(Invalid, match=r"1\.00 USD"):
            customer.withdraw("0.99")

    def test_withdrawal_above_the_daily_limit_is_refused(self, customer: PayingCustomer) -> None:
        customer.actor = customer.people.customer(USD="300000")
        with customer.database.transaction() as session:
            submission.grant_tier_3(session, customer.actor.user_id, note="test")
        customer.withdraw("249999.00")
        with database_unchanged(customer.database), pytest.raises(DailyLimitExceeded):
            customer.withdraw("1.01")
        customer.withdraw("1.00")

    def test_unverified_customer_cannot_withdraw(self, customer: PayingCustomer) -> None:
        customer.actor = customer.people.customer(USD="10")
        with database_unchanged(customer.database), pytest.raises(VerificationRequired):
            customer.withdraw("5.00")

    def test_customer_with_a_receivable_cannot_withdraw(self, customer: PayingCustomer) -> None:
        deposit = customer.deposit()
        customer.advance_deposit(deposit)
        withdrawal = customer.withdraw("10.00")
        [ref] = customer.cards.payments_by_ref
        with customer.database.transaction() as session:
            dispute = Dispute(f"dp_{ref}", ref, "open", usd("595.00"), usd("15.00"))
            disputes.apply_dispute(session, "stripe", customer.cards.provider_id, dispute)
        with database_unchanged(customer.database), pytest.raises(ReceivableOutstanding):
            customer.withdraw("5.00")
        # A withdrawal that was requested before is not sent either.
        customer.send_withdrawal(withdrawal)
        assert (customer.withdrawal_status(withdrawal), customer.bank.calls) == ("rejected", [])

    def test_receivable_in_tokens_blocks_a_withdrawal_of_dollars(
        self, customer: PayingCustomer
    ) -> None:
        withdrawal = customer.withdraw("10.00")
        owed = Amount.parse(PAXG, "0.5")
        with customer.database.transaction() as session:
            receivables.record_receivable(
                session, customer.actor.user_id, reference=ids.encode("tst", ids.new()), owed=owed,
                taken_from=chart.custody(PAXG, customer.bank.provider_id),
            )  # fmt: skip
        with database_unchanged(customer.database), pytest.raises(ReceivableOutstanding):
            customer.withdraw("5.00")
        customer.send_withdrawal(withdrawal)
        assert (customer.withdrawal_status(withdrawal), customer.bank.calls) == ("rejected", [])


class TestLargeWithdrawals:
    @pytest.fixture
    def large(self, customer: PayingCustomer) -> Any:
        customer.actor = customer.people.customer(USD="20000")
        with customer.database.transaction() as session:
            submission.grant_tier_3(session, customer.actor.user_id, note="test")
        return customer.withdraw("10000.00")

    def test_large_withdrawal_waits_for_maker_and_checker(
        self, customer: PayingCustomer, large: Any
    ) -> None:
        assert customer.withdrawal_status(large) == "awaiting_approval"
        customer.send_withdrawal(large)
        assert customer.bank.calls == []
        maker, checker = (customer.people.staff(Role.COMPLIANCE) for _ in range(2))
        request_id = self.request_release(customer, maker, large)
        self.approve(customer, checker, request_id)
        assert customer.withdrawal_status(large) == "approved"
        customer.send_withdrawal(large)
        assert customer.withdrawal_status(large) == "sent"

    def test_large_withdrawal_is_rejected_by_one_member_of_staff(
        self, customer: PayingCustomer, large: Any
    ) -> None:
        staff = customer.people.staff(Role.COMPLIANCE)
        with customer.database.transaction() as session:
            withdrawals.reject(session, staff, large, reason="The story does not hold")
        assert (customer.withdrawal_status(large), customer.held_cents()) == ("rejected", 0)
        with (
            database_unchanged(customer.database),
            pytest.raises(WrongWithdrawalStatus),
            customer.database.transaction() as session,
        ):
            withdrawals.reject(session, staff, large, reason="The story does not hold")

    def test_own_old_withdrawal_is_not_rejected_by_a_member_of_staff(
        self, customer: PayingCustomer, large: Any
    ) -> None:
        staff = customer.people.staff(Role.COMPLIANCE)
        owner = replace(staff, user_id=customer.actor.user_id)
        with (
            database_unchanged(customer.database),
            pytest.raises(OwnWithdrawal),
            customer.database.transaction() as session,
        ):
            withdrawals.reject(session, owner, large, reason="Better not after all")

    def test_cancelled_withdrawal_is_not_released(
        self, customer: PayingCustomer, large: Any
    ) -> None:
        maker, checker = (customer.people.staff(Role.COMPLIANCE) for _ in range(2))
        request_id = self.request_release(customer, maker, large)
        with customer.database.transaction() as session:
            withdrawals.cancel(session, customer.actor, large)
        with pytest.raises(ApprovalOutdated):
            self.approve(customer, checker, request_id)
        assert customer.withdrawal_status(large) == "cancelled"

    def request_release(self, customer: PayingCustomer, maker: Actor, large: Any) -> Any:
        with customer.database.transaction() as session:
            return withdrawal_approval.request_release(
                session, maker, large, reason="Known customer"
            )

    def approve(self, customer: PayingCustomer, checker: Actor, request_id: Any) -> None:
        with customer.database.transaction() as session:
            seen = approvals_queries.get_approval(session, request_id).hash
            approvals.approve(session, checker, request_id, seen_hash=seen)


def give_listed_name(customer: PayingCustomer) -> None:
    """Replace the customer by one who is verified under a listed name."""
    customer.actor = customer.people.customer(USD="500")
    first, _, last = LISTED_NAME.rpartition(" ")
    with customer.database.transaction() as session:
        change_rows(
            session, User, User.id == customer.actor.user_id, first_name=first, last_name=last
        )
    verify_without_evidence(customer.database, customer.actor.user_id)


class TestListedPayees:
    def test_withdrawal_to_a_listed_payee_waits_for_review(self, customer: PayingCustomer) -> None:
        give_listed_name(customer)
        withdrawal = customer.withdraw(**{**BANK_ACCOUNT, "accountHolder": LISTED_NAME})
        assert customer.withdrawal_status(withdrawal) == "in_review"
        customer.send_withdrawal(withdrawal)
        assert customer.bank.calls == []
        assert customer.held_cents() == 10_000

    @pytest.mark.parametrize(
        ("disposition", "status", "held", "sentence"),
        [
            ("not_a_match", "approved", 10_000, "In review → Approved"),
            ("true_match", "rejected", 0, "In review → Rejected"),
        ],
    )
    def test_withdrawal_in_review_follows_the_sanctions_decision(
        self, customer: PayingCustomer, disposition: str, status: str, held: int, sentence: str
    ) -> None:
        give_listed_name(customer)
        withdrawal = customer.withdraw(**{**BANK_ACCOUNT, "accountHolder": LISTED_NAME})
        officer = customer.people.staff(Role.COMPLIANCE)
        with customer.database.transaction() as session:
            [case_id] = read_values(
                session, Case.id, Case.person_id == customer.actor.user_id, Case.state == "open"
            )
            kind = cases_registry.case_kind("screening.hit")
            expected = kind.consequences(session, case_id, customer.actor.user_id)[disposition]
            cases.close(session, officer, case_id, disposition=disposition, reason="As looked up")
        run_pending_jobs(customer.database, "funding.screening_decided")
        assert (customer.withdrawal_status(withdrawal), customer.held_cents()) == (status, held)
        public_id = ids.encode("wdr", withdrawal)
        assert [text for text in expected if "100.00 USD" in text and public_id in text]
        with customer.database.reading() as session:
            followed = [event.text for event in cases_queries.events(session, case_id)]
        assert f"Withdrawal of 100.00 USD, {sentence}: {public_id}" in followed
