"""Limits of payments from both sides: the last allowed one passes, the next one is refused."""

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine

from app.access import Role
from app.cases.models import Case
from app.catalog.rules import PAXG, PaymentMethod
from app.funding import customer_facts
from app.funding.deposits import service as deposits
from app.funding.errors import DailyLimitExceeded, NotCancellable, TooManyCardFailures
from app.funding.limits import PaymentLimits, usd_value
from app.funding.models import DepositRow
from app.funding.poll import poll_payments
from app.funding.ports import Payment, PaymentRails, PaymentState
from app.funding.rules import mobile_money_phone
from app.funding.withdrawals import service as withdrawals
from app.kit import clock, ids
from app.kit.errors import Invalid, Refusal
from app.kit.money import Amount
from app.kit.ports import provide
from app.limits.errors import LimitExceeded
from tests.card_deposits import pay_by_card
from tests.fixed_settings import fixed_settings
from tests.mailbox import run_pending_jobs
from tests.paying_customer import PayingCustomer, create_paying_customer, second_account, usd
from tests.people import credit, set_prices, verify_phone
from tests.rows import change_rows, read_values
from tests.scripted_rails import CallFault, ScriptedCardRail
from tests.unchanged_database import database_unchanged

EIGHT_DAYS = timedelta(days=8)
#: All limits of amounts out of the way, so that a test is about one of them.
WIDE = PaymentLimits(
    withdrawals_per_day=100,
    card_payments_per_day=100,
    card_failures_per_hour=100,
)


def be_wealthy(customer: PayingCustomer, dollars: str = "100000") -> None:
    with customer.database.transaction() as session:
        credit(session, customer.actor.user_id, dollars, "USD")


def is_refused(customer: PayingCustomer, act: Callable[[], object], kind: type[Refusal]) -> str:
    with database_unchanged(customer.database), pytest.raises(kind) as refusal:
        act()
    return refusal.value.detail


def test_withdrawals_are_counted_for_a_day(customer: PayingCustomer) -> None:
    start = clock.now()
    for _ in range(10):
        customer.withdraw("1.00")
    detail = is_refused(customer, lambda: customer.withdraw("1.00"), LimitExceeded)
    assert re.fullmatch(
        r"Your limit for the number of withdrawals is 10 withdrawals in 24 hours\."
        r" Nothing of it is left\. This fits from \d+ \w+ \d{4}, \d\d:\d\d UTC on\.",
        detail,
    )
    with time_machine.travel(start + timedelta(days=1, seconds=5)):
        customer.withdraw("1.00")


def test_cancelled_withdrawal_frees_what_it_used(customer: PayingCustomer) -> None:
    with fixed_settings(PaymentLimits(withdrawals_per_day=1)):
        first = customer.withdraw("1.00")
        is_refused(customer, lambda: customer.withdraw("1.00"), LimitExceeded)
        with customer.database.transaction() as session:
            withdrawals.cancel(session, customer.actor, first)
        customer.withdraw("1.00")


def test_card_payments_add_up_over_a_day_and_a_week(customer: PayingCustomer) -> None:
    with fixed_settings(WIDE):
        customer.deposit("9999.00")
        is_refused(customer, lambda: customer.deposit("1.01"), LimitExceeded)
        customer.deposit("1.00")
        start = clock.now()
        for days, amount in ((1, "10000.00"), (2, "5000.00")):
            with time_machine.travel(start + timedelta(days=days, minutes=days)):
                customer.deposit(amount)
        with time_machine.travel(start + timedelta(days=3, minutes=3)):
            detail = is_refused(customer, lambda: customer.deposit("1.00"), LimitExceeded)
            assert "card payments is 25,000.00 USD in 7 days." in detail
        with time_machine.travel(start + EIGHT_DAYS):
            customer.deposit("10000.00")


def test_refusal_says_what_is_left_and_when_more_fits(customer: PayingCustomer) -> None:
    with fixed_settings(WIDE):
        start = clock.now()
        customer.deposit("6000.00")
        with time_machine.travel(start + timedelta(hours=1)):
            customer.deposit("3000.00")
            with pytest.raises(LimitExceeded) as refusal:
                customer.deposit("1500.00")
    refused = refusal.value
    assert (refused.limit, refused.asset, refused.maximum, refused.left) == (
        "card_day",
        "USD",
        "10000.00",
        "1000.00",
    )
    assert refused.detail.startswith(
        "Your limit for card payments is 10,000.00 USD in 24 hours. 1,000.00 USD of it is left."
    )
    assert refused.frees_at is not None
    # The first payment alone makes room enough.
    assert abs(refused.frees_at - (start + timedelta(days=1))) < timedelta(seconds=30)


def test_failed_card_payment_uses_nothing_up(customer: PayingCustomer) -> None:
    with fixed_settings(WIDE):
        customer.advance_deposit(customer.deposit("6000.00"))
        with customer.database.transaction() as session:
            session.send(
                "UPDATE deposits SET status = 'failed', credited_at = NULL, credited_units = NULL"
                " WHERE user_id = %s",
                (customer.actor.user_id,),
            )
        customer.deposit("10000.00")


def test_limits_are_a_persons_over_all_their_accounts(customer: PayingCustomer) -> None:
    other = second_account(customer)
    with fixed_settings(WIDE):
        customer.deposit("9999.00")
        is_refused(other, lambda: other.deposit("1.01"), LimitExceeded)
        other.deposit("1.00")
        stranger = create_paying_customer(customer.database, customer.people)
        stranger.deposit("10000.00")


def test_daily_limit_of_the_tier_is_a_persons_over_all_their_accounts(
    customer: PayingCustomer,
) -> None:
    other = second_account(customer)
    be_wealthy(customer, "250000")
    customer.withdraw("249999.00")
    is_refused(other, lambda: other.withdraw("1.01"), DailyLimitExceeded)
    other.withdraw("1.00")


@pytest.mark.parametrize(
    ("paxg", "value"), [("40", "3992.00"), ("3000", "3992.00"), ("5000", "4990.00")]
)
def test_limits_count_paxg_as_an_ounce_of_gold_at_least(
    customer: PayingCustomer, paxg: str, value: str
) -> None:
    set_prices(customer.database, AU="4000", PAXG=paxg)
    try:
        with customer.database.reading() as session:
            assert usd_value(session, Amount.parse(PAXG, "1")) == usd(value)
    finally:
        set_prices(customer.database, AU="4000", PAXG="4000")


class TestSecondPerson:
    @pytest.fixture(autouse=True)
    def wealth(self, customer: PayingCustomer) -> None:
        be_wealthy(customer)

    def statuses(self, customer: PayingCustomer, amounts: list[str]) -> list[str]:
        return [customer.withdrawal_status(customer.withdraw(amount)) for amount in amounts]

    def test_split_withdrawal_waits_from_the_sum_of_a_day(self, customer: PayingCustomer) -> None:
        with fixed_settings(WIDE):
            assert self.statuses(customer, ["9998.99", "1.00", "1.01", "9999.00"]) == [
                "approved",
                "approved",
                "awaiting_approval",
                "awaiting_approval",
            ]

    def test_sum_of_a_week_waits_although_no_day_reaches_its_threshold(
        self, customer: PayingCustomer
    ) -> None:
        start, status = clock.now(), []
        for days, amount in enumerate(["9000.00", "9000.00", "6998.99", "1.01"]):
            with time_machine.travel(start + timedelta(days=days, minutes=days)):
                status += self.statuses(customer, [amount])
        assert status == ["approved", "approved", "approved", "awaiting_approval"]
        with time_machine.travel(start + EIGHT_DAYS + timedelta(days=3)):
            assert self.statuses(customer, ["9999.99"]) == ["approved"]

    def test_staff_who_release_see_what_adds_up(self, customer: PayingCustomer) -> None:
        other = second_account(customer)
        with time_machine.travel(clock.now() - timedelta(days=2)):
            self.statuses(customer, ["9000.00"])
        be_wealthy(other)
        self.statuses(other, ["1500.00"])
        officer = customer.people.staff(Role.COMPLIANCE)
        with customer.database.reading() as session:
            facts = customer_facts.describe_customer(session, officer, customer.actor.user_id)
        assert facts["Withdrawn in 24 hours"] == "1,500.00 USD"
        assert facts["Withdrawn in 7 days"] == "10,500.00 USD"

    def test_accounts_of_a_person_add_up(self, customer: PayingCustomer) -> None:
        other = second_account(customer)
        assert self.statuses(customer, ["9999.00"]) == ["approved"]
        assert self.statuses(other, ["1.00"]) == ["awaiting_approval"]

    def test_withdrawal_in_review_counts_itself_once(self, customer: PayingCustomer) -> None:
        withdrawal = customer.withdraw("5000.00")
        assert self.review(customer, withdrawal) == "approved"
        customer.withdraw("4998.99")
        assert self.review(customer, withdrawal) == "approved"
        customer.withdraw("1.01")
        assert self.review(customer, withdrawal) == "awaiting_approval"

    def review(self, customer: PayingCustomer, withdrawal: UUID) -> str:
        with customer.database.transaction() as session:
            session.send("UPDATE withdrawals SET status = 'in_review' WHERE id = %s", (withdrawal,))
            withdrawals.review(session, withdrawal)
        return customer.withdrawal_status(withdrawal)


class TestStructuring:
    def cases(self, customer: PayingCustomer) -> list[str]:
        with customer.database.reading() as session:
            return read_values(
                session,
                Case.subject,
                Case.kind == "structuring",
                Case.person_id == customer.actor.user_id,
            )

    @pytest.mark.parametrize(
        ("amounts", "opens"),
        [
            (["8000.00", "8000.00", "8000.00"], True),
            (["9999.99", "8000.00", "8000.00"], True),
            (["8000.00", "8000.00"], False),
            (["8000.00", "8000.00", "7999.99"], False),
            (["8000.00", "8000.00", "10000.00"], False),
        ],
    )
    def test_several_withdrawals_just_below_the_threshold_open_a_case(
        self, customer: PayingCustomer, amounts: list[str], opens: bool
    ) -> None:
        be_wealthy(customer)
        start = clock.now()
        for days, amount in enumerate(amounts):
            with time_machine.travel(start + timedelta(days=days, minutes=days)):
                last = customer.withdraw(amount)
        assert self.cases(customer) == ([ids.encode("wdr", last)] if opens else [])

    def test_withdrawals_just_below_in_different_weeks_open_none(
        self, customer: PayingCustomer
    ) -> None:
        be_wealthy(customer)
        start = clock.now()
        for days in (0, 1, 8):
            with time_machine.travel(start + timedelta(days=days)):
                customer.withdraw("9000.00")
        assert self.cases(customer) == []


class TestAnnouncedTransfers:
    @pytest.fixture
    def alone(self, customer: PayingCustomer) -> PayingCustomer:
        """Return a customer while no other one waits for a transfer."""
        with customer.database.transaction() as session:
            change_rows(
                session, DepositRow, DepositRow.method == PaymentMethod.BANK,
                DepositRow.status.in_(["requested", "pending"]), status="cancelled",
            )  # fmt: skip
        run_pending_jobs(customer.database, "funding.look_for_arrivals")
        return customer

    def announce(self, customer: PayingCustomer, amount: str = "1.00") -> UUID:
        return customer.deposit(amount, PaymentMethod.BANK)

    def test_five_wait_at_a_time_and_a_cancelled_one_makes_room(
        self, customer: PayingCustomer
    ) -> None:
        first, *_ = [self.announce(customer) for _ in range(5)]
        detail = is_refused(customer, lambda: self.announce(customer), LimitExceeded)
        assert detail == (
            "Your limit for announced bank transfers is 5 transfers at a time. Nothing of it is"
            " left. Cancel one, or wait until one has arrived or lapsed."
        )
        with customer.database.transaction() as session:
            deposits.cancel(session, customer.actor, first)
        self.announce(customer)

    def test_smallest_is_worth_a_dollar(self, customer: PayingCustomer) -> None:
        detail = is_refused(customer, lambda: self.announce(customer, "0.99"), Invalid)
        assert detail == "amount: Enter an amount worth at least 1.00 USD."
        self.announce(customer, "1.00")

    def test_bank_is_asked_for_an_account_and_not_for_each_of_300_announcements(
        self, alone: PayingCustomer
    ) -> None:
        customer = alone
        first = self.announce(customer)
        run_pending_jobs(customer.database, "funding.look_for_arrivals")
        assert customer.bank.calls == ["account", "arrivals"]
        with customer.database.transaction() as session:
            session.send(
                "INSERT INTO deposits (id, user_id, method, asset, asked_units, usd_units, status,"
                " provider, requested_at, looked_at)"
                " SELECT gen_random_uuid(), user_id, method, asset, asked_units, usd_units,"
                " 'requested', provider, requested_at, looked_at - number * interval '1 second'"
                " FROM deposits, generate_series(1, 299) AS number WHERE id = %s",
                (first,),
            )
        customer.bank.calls.clear()
        start = clock.now()
        for seconds in range(0, 70, 10):
            with time_machine.travel(start + timedelta(seconds=seconds)):
                self.poll(customer)
        # The first turn says how to pay the new ones, without a call.
        assert customer.bank.calls == ["arrivals"] * 2
        with customer.database.reading() as session:
            assert (
                read_values(
                    session, DepositRow.status, DepositRow.user_id == customer.actor.user_id
                )
                == ["pending"] * 300
            )

    def test_further_announcement_to_a_known_account_calls_no_bank(
        self, alone: PayingCustomer
    ) -> None:
        customer = alone
        self.announce(customer)
        run_pending_jobs(customer.database, "funding.look_for_arrivals")
        customer.bank.calls.clear()
        second = self.announce(customer)
        run_pending_jobs(customer.database, "funding.look_for_arrivals")
        assert (customer.deposit_status(second), customer.bank.calls) == ("pending", [])

    def poll(self, customer: PayingCustomer) -> None:
        with customer.database.transaction() as session:
            poll_payments(session)
        run_pending_jobs(customer.database, "funding.look_for_arrivals")


class TestCardAttempts:
    """A card can be tried by a payment that never takes money, and each payment costs a fee."""

    def cancel(self, customer: PayingCustomer, deposit: UUID) -> None:
        with customer.database.transaction() as session:
            deposits.cancel(session, customer.actor, deposit)

    @pytest.mark.parametrize("then", ["left alone", "cancelled"])
    def test_card_that_its_bank_wants_confirmed_counts_as_a_failure(
        self, customer: PayingCustomer, then: str
    ) -> None:
        customer.cards.created_state = PaymentState.PENDING
        for _ in range(3):
            deposit = customer.deposit("1.00")
            customer.advance_deposit(deposit)
            if then == "cancelled":
                self.cancel(customer, deposit)
        is_refused(customer, lambda: customer.deposit("1.00"), TooManyCardFailures)

    def test_payment_cancelled_before_its_processor_was_asked_counts_as_none(
        self, customer: PayingCustomer
    ) -> None:
        for _ in range(12):
            self.cancel(customer, customer.deposit("1.00"))
        customer.deposit("1.00")

    def test_card_payments_are_counted_for_a_day_however_they_end(
        self, customer: PayingCustomer
    ) -> None:
        start = clock.now()
        with fixed_settings(PaymentLimits(card_failures_per_hour=100)):
            for number in range(10):
                customer.cards.faults = [CallFault.REFUSED] if number % 2 else []
                customer.advance_deposit(customer.deposit("1.00"))
            detail = is_refused(customer, lambda: customer.deposit("1.00"), LimitExceeded)
            assert "the number of card payments is 10 card payments in 24 hours." in detail
            with time_machine.travel(start + timedelta(days=1, seconds=30)):
                customer.deposit("1.00")

    def test_second_dispute_ends_card_payments_of_the_person_unless_it_is_won(
        self, customer: PayingCustomer
    ) -> None:
        other = second_account(customer)
        first, second = pay_by_card(other), pay_by_card(other)
        first.dispute("lost", amount="10.00")
        first.refund("lost")
        other.deposit("1.00")
        second.dispute("open", name="dp2")
        detail = is_refused(customer, lambda: customer.deposit("1.00"), LimitExceeded)
        assert detail.startswith("Your limit for disputed card payments is 2 disputes in 180 days.")
        customer.deposit("1.00", PaymentMethod.BANK)
        second.dispute("won", name="dp2")
        customer.deposit("1.00")


class TestAbandonedCardPayments:
    @pytest.fixture
    def abandoned(self, customer: PayingCustomer) -> UUID:
        """Return a card payment that its bank wants confirmed, which fills the day's limit."""
        customer.cards.created_state = PaymentState.PENDING
        deposit = customer.deposit("10000.00")
        customer.advance_deposit(deposit)
        return deposit

    def test_it_ends_after_an_hour_and_frees_the_limit(
        self, customer: PayingCustomer, abandoned: UUID
    ) -> None:
        start = clock.now()
        with time_machine.travel(start + timedelta(minutes=58)):
            customer.advance_deposit(abandoned)
            assert customer.deposit_status(abandoned) == "pending"
            is_refused(customer, lambda: customer.deposit("1.00"), LimitExceeded)
        with time_machine.travel(start + timedelta(minutes=60)):
            customer.advance_deposit(abandoned)
            assert customer.deposit_status(abandoned) == "failed"
            customer.deposit("10000.00")
        assert customer.cards.calls[-2:] == ["look", "release"]

    def test_cancelling_releases_it_and_frees_the_limit(
        self, customer: PayingCustomer, abandoned: UUID
    ) -> None:
        is_refused(customer, lambda: customer.deposit("1.00"), LimitExceeded)
        self.cancel(customer, abandoned)
        run_pending_jobs(customer.database, "funding.advance_deposit")
        assert customer.cards.calls[-1] == "release"
        customer.cards.created_state = PaymentState.AUTHORISED
        customer.advance_deposit(customer.deposit("10000.00"))
        assert (customer.deposit_status(abandoned), customer.balances()) == (
            "cancelled",
            {"USD": "10500.00"},
        )

    def test_confirmation_that_crosses_the_cancellation_takes_no_money(
        self, customer: PayingCustomer, abandoned: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        customer.cards.set_state(PaymentState.AUTHORISED)
        fetch = customer.cards.fetch

        def fetch_while_cancelled(provider_ref: str) -> Payment:
            self.cancel(customer, abandoned)
            return fetch(provider_ref)

        monkeypatch.setattr(customer.cards, "fetch", fetch_while_cancelled)
        customer.advance_deposit(abandoned)
        assert customer.cards.calls[-1] == "release"
        assert (customer.deposit_status(abandoned), customer.balances()) == (
            "cancelled",
            {"USD": "500.00"},
        )

    def test_payment_whose_provider_is_being_called_is_not_cancelled(
        self, customer: PayingCustomer
    ) -> None:
        never_called, called = customer.deposit(), customer.deposit()
        customer.cards.faults = [CallFault.CRASH_BEFORE]
        customer.advance_deposit(called)
        is_refused(customer, lambda: self.cancel(customer, called), NotCancellable)
        self.cancel(customer, never_called)
        customer.cards.calls.clear()
        customer.advance_deposit(never_called)
        assert customer.cards.calls == []

    def cancel(self, customer: PayingCustomer, deposit: UUID) -> None:
        with customer.database.transaction() as session:
            deposits.cancel(session, customer.actor, deposit)


class TestPrompts:
    @pytest.fixture
    def other(self, customer: PayingCustomer) -> PayingCustomer:
        return create_paying_customer(customer.database, customer.people)

    @pytest.fixture(autouse=True)
    def mobile_money(self, customer: PayingCustomer, other: PayingCustomer) -> ScriptedCardRail:
        rail = ScriptedCardRail(name="daraja", created_state=PaymentState.PENDING)
        provide(
            PaymentRails,
            PaymentRails({PaymentMethod.CARD: customer.cards, PaymentMethod.MOBILE_MONEY: rail}),
        )
        return rail

    def prompt(self, customer: PayingCustomer, phone: str) -> UUID:
        number = mobile_money_phone("phone", phone)
        with customer.database.transaction() as session:
            verify_phone(session, customer.actor.user_id, number)
            return deposits.request(
                session, customer.actor, method=PaymentMethod.MOBILE_MONEY, amount=usd("5.00"),
                source=phone,
            ).id  # fmt: skip

    def test_phone_has_one_open_prompt_for_all_people(
        self, customer: PayingCustomer, other: PayingCustomer, mobile_money: ScriptedCardRail
    ) -> None:
        first = self.prompt(customer, "0712000001")
        detail = is_refused(other, lambda: self.prompt(other, "+254 712 000 001"), LimitExceeded)
        assert "prompts on this phone is 1 prompt at a time." in detail
        self.prompt(customer, "0712000002")
        customer.advance_deposit(first)
        is_refused(customer, lambda: self.prompt(customer, "0712000001"), LimitExceeded)
        mobile_money.set_state(PaymentState.FAILED, "1032")
        customer.advance_deposit(first)
        self.prompt(other, "0712000001")

    def test_person_prompts_five_times_an_hour(
        self, customer: PayingCustomer, mobile_money: ScriptedCardRail
    ) -> None:
        start = clock.now()
        for number in range(5):
            mobile_money.faults = [CallFault.REFUSED]
            customer.advance_deposit(self.prompt(customer, f"071200001{number}"))
        is_refused(customer, lambda: self.prompt(customer, "0712000020"), LimitExceeded)
        with time_machine.travel(start + timedelta(hours=1, minutes=1)):
            self.prompt(customer, "0712000020")
