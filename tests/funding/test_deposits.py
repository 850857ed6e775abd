"""Deposits are credited once, whatever the provider and our own process do."""

from dataclasses import replace

import pytest

from app.catalog.rules import TRADABLE, USD, PaymentMethod
from app.funding.deposits import incoming_transfers, payments
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits import service as deposits
from app.funding.errors import (
    DailyLimitExceeded,
    NotCancellable,
    PaymentMethodDisabled,
    TooManyCardFailures,
    VerificationRequired,
)
from app.funding.ports import IncomingTransfer, PaymentChanged, PaymentState
from app.funding.receivables import service as receivables
from app.funding.states import Reversal
from app.kit import clock, ids
from app.kit.errors import Invalid, NotFound
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.providers import service as providers
from app.providers.ports import ProviderEvent, WebhookDelivery
from tests.paying_customer import PayingCustomer, usd
from tests.scripted_rails import CallFault
from tests.unchanged_database import database_unchanged


class TestCardPayments:
    def test_card_payment_is_captured_and_credited(self, customer: PayingCustomer) -> None:
        deposit = customer.deposit("100.00")
        assert customer.deposit_status(deposit) == "requested"
        with customer.database.reading() as session:
            before = ledger_queries.account_balance(
                session, chart.processor(USD, customer.cards.provider_id)
            )
        customer.advance_deposit(deposit)
        assert customer.deposit_status(deposit) == "credited"
        assert customer.balances() == {"USD": "600.00"}
        assert customer.cards.calls == ["open", "capture"]
        assert customer.message_kinds() == ["deposit_credited"]
        with customer.database.reading() as session:
            after = ledger_queries.account_balance(
                session, chart.processor(USD, customer.cards.provider_id)
            )
        assert after - before == 9_680

    def test_repeated_checks_credit_a_card_payment_once(self, customer: PayingCustomer) -> None:
        deposit = customer.deposit()
        for _ in range(3):
            customer.advance_deposit(deposit)
        assert customer.balances() == {"USD": "600.00"}

    @pytest.mark.parametrize(
        "faults",
        [
            [CallFault.UNAVAILABLE],
            [CallFault.UNANSWERED_NOT_DONE],
            [CallFault.UNANSWERED_DONE],
            [CallFault.CRASH_BEFORE],
            [CallFault.CRASH_AFTER],
            [None, CallFault.UNANSWERED_DONE],
            [None, CallFault.UNANSWERED_NOT_DONE],
            [None, CallFault.CRASH_AFTER],
            [
                CallFault.UNANSWERED_DONE,
                CallFault.CRASH_BEFORE,
                CallFault.UNANSWERED_NOT_DONE,
                None,
                CallFault.UNANSWERED_DONE,
            ],
        ],
    )
    def test_card_payment_is_credited_once_despite_failed_calls(
        self, customer: PayingCustomer, faults: list[CallFault | None]
    ) -> None:
        deposit = customer.deposit()
        customer.cards.faults = list(faults)
        for _ in range(6):
            customer.advance_deposit(deposit)
        assert customer.deposit_status(deposit) == "credited"
        assert customer.balances() == {"USD": "600.00"}
        assert len(customer.cards.payments_by_ref) == 1

    def test_unanswered_card_payment_is_unknown_and_not_credited(
        self, customer: PayingCustomer
    ) -> None:
        deposit = customer.deposit()
        customer.cards.faults = [CallFault.UNANSWERED_DONE]
        customer.advance_deposit(deposit)
        assert customer.deposit_status(deposit) == "unknown"
        assert customer.balances() == {"USD": "500.00"}

    def test_declined_card_payment_fails(self, customer: PayingCustomer) -> None:
        deposit = customer.deposit()
        customer.cards.faults = [CallFault.REFUSED]
        customer.advance_deposit(deposit)
        assert customer.deposit_status(deposit) == "failed"
        assert customer.message_kinds() == ["deposit_failed"]
        customer.advance_deposit(deposit)
        assert customer.balances() == {"USD": "500.00"}

    def test_card_payment_waits_for_confirmation_by_the_customer(
        self, customer: PayingCustomer
    ) -> None:
        customer.cards.created_state = PaymentState.PENDING
        deposit = customer.deposit()
        customer.advance_deposit(deposit)
        assert customer.deposit_status(deposit) == "pending"
        customer.cards.set_state(PaymentState.AUTHORISED)
        customer.advance_deposit(deposit)
        assert customer.balances() == {"USD": "600.00"}
        assert customer.message_kinds() == ["deposit_pending", "deposit_credited"]
        # The card's instructions are a secret for the app alone.
        assert set(customer.messages()[0]) == {
            "deposit", "amount", "asset", "method",
            "fee", "fee_asset", "receives", "receives_asset",
        }  # fmt: skip

    def test_card_token_is_cleared_after_the_credit(self, customer: PayingCustomer) -> None:
        deposit = customer.deposit()
        customer.advance_deposit(deposit)
        with customer.database.reading() as session:
            row = session.row(
                "SELECT source_sealed, instructions_sealed FROM deposits WHERE id = %s", (deposit,)
            )
        assert row == (None, None)

    def test_card_is_refused_after_three_failures_in_an_hour(
        self, customer: PayingCustomer
    ) -> None:
        for _ in range(3):
            deposit = customer.deposit()
            customer.cards.faults = [CallFault.REFUSED]
            customer.advance_deposit(deposit)
        with database_unchanged(customer.database), pytest.raises(TooManyCardFailures):
            customer.deposit()


def test_rail_without_idempotency_keys_is_called_once(customer: PayingCustomer) -> None:
    customer.cards.repeatable = False
    deposit = customer.deposit()
    customer.cards.faults = [CallFault.UNANSWERED_DONE]
    for _ in range(3):
        customer.advance_deposit(deposit)
    assert customer.cards.calls == ["open", "find", "capture"]
    assert len(customer.cards.payments_by_ref) == 1
    assert customer.balances() == {"USD": "600.00"}


def test_unreachable_provider_is_called_again(customer: PayingCustomer) -> None:
    customer.cards.repeatable = False
    deposit = customer.deposit()
    customer.cards.faults = [CallFault.UNAVAILABLE]
    customer.advance_deposit(deposit)
    customer.advance_deposit(deposit)
    assert customer.cards.calls == ["open", "open", "capture"]
    assert customer.balances() == {"USD": "600.00"}


@pytest.mark.parametrize(("amount", "field"), [("0.99", "amount"), ("10000.01", "amount")])
def test_amount_outside_the_card_limits_is_refused(
    customer: PayingCustomer, amount: str, field: str
) -> None:
    with database_unchanged(customer.database), pytest.raises(Invalid) as refusal:
        customer.deposit(amount)
    assert refusal.value.field == field


def test_wrong_asset_or_disabled_method_is_refused(customer: PayingCustomer) -> None:
    with database_unchanged(customer.database), customer.database.transaction() as session:
        with pytest.raises(Invalid, match="Choose USD"):
            deposits.request(
                session, customer.actor, method=PaymentMethod.CARD,
                amount=Amount.parse(TRADABLE["PAXG"], "1"),
            )  # fmt: skip
        with pytest.raises(PaymentMethodDisabled):
            deposits.request(
                session, customer.actor, method=PaymentMethod.MOBILE_MONEY, amount=usd("5")
            )


def test_unverified_customer_cannot_deposit(customer: PayingCustomer) -> None:
    customer.actor = customer.people.customer()
    with database_unchanged(customer.database), pytest.raises(VerificationRequired):
        customer.deposit()


def test_deposit_above_the_daily_limit_is_refused(customer: PayingCustomer) -> None:
    customer.deposit("249999.00", PaymentMethod.BANK)
    with database_unchanged(customer.database), pytest.raises(DailyLimitExceeded):
        customer.deposit("1.01", PaymentMethod.BANK)
    customer.deposit("1.00", PaymentMethod.BANK)


class TestIncomingTransfers:
    def test_arrived_amount_is_credited_instead_of_the_announced_one(
        self, customer: PayingCustomer
    ) -> None:
        deposit = customer.deposit("100.00", PaymentMethod.BANK)
        customer.fetch_transfers(deposit)
        assert customer.deposit_status(deposit) == "pending"
        customer.receive_transfer(f"in_{deposit}", "99.50")
        customer.fetch_transfers(deposit)
        customer.fetch_transfers(deposit)
        assert customer.deposit_status(deposit) == "credited"
        assert customer.balances() == {"USD": "599.50"}
        assert customer.message_kinds() == ["deposit_pending", "deposit_credited"]
        announced, receipt = customer.messages()
        assert announced["amount"] == "100.00"
        assert (announced["account_number"], announced["bank_name"]) == ("12345", "Test Bank")
        assert receipt["amount"] == "99.50"

    def test_transfers_without_an_announcement_are_credited(self, customer: PayingCustomer) -> None:
        deposit = customer.deposit("100.00", PaymentMethod.BANK)
        customer.fetch_transfers(deposit)
        for part in "abc":
            customer.receive_transfer(f"in_{deposit}_{part}", "10.00")
        customer.fetch_transfers(deposit)
        assert customer.balances() == {"USD": "530.00"}

    def test_webhook_and_poll_credit_a_transfer_once(self, customer: PayingCustomer) -> None:
        deposit = customer.deposit("100.00", PaymentMethod.BANK)
        customer.fetch_transfers(deposit)
        transfer = customer.receive_transfer(f"in_{deposit}", "100.00")
        for _ in range(2):
            with customer.database.transaction() as session:
                incoming_transfers.record_transfer(
                    session, "bank", customer.bank.provider_id, transfer
                )
            customer.fetch_transfers(deposit)
        assert customer.balances() == {"USD": "600.00"}

    def test_returned_transfer_is_owed_and_collected(self, customer: PayingCustomer) -> None:
        deposit = customer.deposit("100.00", PaymentMethod.BANK)
        customer.fetch_transfers(deposit)
        with customer.database.transaction() as session:
            for is_returned in (False, True, True):
                transfer = customer.receive_transfer(
                    f"in_{deposit}", "700.00", is_returned=is_returned
                )
                incoming_transfers.record_transfer(
                    session, "bank", customer.bank.provider_id, transfer
                )
        assert customer.deposit_status(deposit) == "taken_back"
        with customer.database.reading() as session:
            returned = deposit_queries.deposit(session, deposit)
        assert returned.shown_status is Reversal.RETURNED
        # 500 and 700 arrived; 700 were owed and collected from the balance.
        assert customer.balances() == {"USD": "500.00"}
        with customer.database.reading() as session:
            assert not receivables.owes_anything(session, customer.actor.user_id)

    def test_transfer_to_an_unknown_account_opens_a_case(self, customer: PayingCustomer) -> None:
        transfer = IncomingTransfer(f"in_{ids.new()}", "acc_of_nobody", usd("5.00"), clock.now())
        with customer.database.transaction() as session:
            incoming_transfers.record_transfer(session, "bank", customer.bank.provider_id, transfer)
            row = session.row("SELECT kind FROM cases WHERE subject = %s", (transfer.provider_ref,))
        assert row == ("unmatched_arrival",)

    def test_transfer_above_the_limit_is_credited_and_opens_a_case(
        self, customer: PayingCustomer
    ) -> None:
        deposit = customer.deposit("100.00", PaymentMethod.BANK)
        customer.fetch_transfers(deposit)
        customer.receive_transfer(f"in_{deposit}", "250000.01")
        customer.fetch_transfers(deposit)
        assert customer.balances() == {"USD": "250500.01"}
        with customer.database.reading() as session:
            row = session.row(
                "SELECT count(*) FROM cases WHERE kind = 'deposit_limit' AND person_id = %s",
                (customer.actor.user_id,),
            )
        assert row == (1,)

    def test_announcement_can_be_cancelled_once_by_its_owner(
        self, customer: PayingCustomer
    ) -> None:
        deposit = customer.deposit("100.00", PaymentMethod.BANK)
        stranger = customer.people.customer()
        with (
            database_unchanged(customer.database),
            pytest.raises(NotFound),
            customer.database.transaction() as session,
        ):
            deposits.cancel(session, stranger, deposit)
        with customer.database.transaction() as session:
            deposits.cancel(session, customer.actor, deposit)
        with (
            database_unchanged(customer.database),
            pytest.raises(NotCancellable),
            customer.database.transaction() as session,
        ):
            deposits.cancel(session, customer.actor, deposit)


def test_webhook_before_our_stored_answer_finds_the_deposit(customer: PayingCustomer) -> None:
    deposit = customer.deposit()
    customer.cards.faults = [CallFault.CRASH_AFTER]
    customer.advance_deposit(deposit)
    [ref] = customer.cards.payments_by_ref
    with customer.database.transaction() as session:
        event = ProviderEvent(f"evt_{ref}", "payment", ref, PaymentChanged)
        assert (
            providers.store_events(session, "stripe", WebhookDelivery("", {}, b"{}"), [event]) == 1
        )
        row = session.row("SELECT id FROM webhook_events WHERE event_id = %s", (event.id,))
    assert row is not None
    payments.handle_payment_event(customer.database, row[0])
    with customer.database.reading() as session:
        known = session.row("SELECT provider_ref FROM deposits WHERE id = %s", (deposit,))
    assert known == (ref,)
    customer.advance_deposit(deposit)
    assert customer.balances() == {"USD": "600.00"}


def test_paid_amount_is_credited_instead_of_the_requested_one(customer: PayingCustomer) -> None:
    customer.cards.created_state = PaymentState.PENDING
    deposit = customer.deposit("100.00")
    customer.advance_deposit(deposit)
    [ref] = customer.cards.payments_by_ref
    customer.cards.payments_by_ref[ref] = replace(
        customer.cards.payments_by_ref[ref], state=PaymentState.PAID, amount=usd("60.00"), cost=None
    )
    customer.advance_deposit(deposit)
    assert customer.balances() == {"USD": "560.00"}
