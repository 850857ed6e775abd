"""Deposits: credited once, whatever the provider and our own process do."""

from dataclasses import replace
from itertools import permutations

import pytest

from app.catalog.rules import TRADABLE, USD
from app.funding.deposits import incoming_transfers, payments
from app.funding.deposits import service as deposits
from app.funding.disputes import service as disputes
from app.funding.errors import (
    DailyLimitExceeded,
    NotCancellable,
    PaymentMethodDisabled,
    TooManyCardFailures,
    VerificationRequired,
)
from app.funding.ports import Dispute, IncomingTransfer, PaymentMethod, PaymentState
from app.funding.receivables import service as receivables
from app.kit import clock, ids
from app.kit.errors import Invalid, NotFound
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.providers import service as providers
from app.providers.ports import ProviderEvent, WebhookDelivery
from tests.rails import Mood
from tests.till import Till, usd
from tests.unchanged_database import database_unchanged


class TestCards:
    def test_are_captured_and_credited(self, till: Till) -> None:
        deposit = till.deposit("100.00")
        assert till.deposit_status(deposit) == "requested"
        with till.database.reading() as session:
            before = ledger_queries.account_balance(
                session, chart.processor(USD, till.cards.provider_id)
            )
        till.advance(deposit)
        assert till.deposit_status(deposit) == "credited"
        assert till.has() == {"USD": "600.00"}
        assert till.cards.calls == ["open", "capture"]
        assert till.told() == ["deposit_credited"]
        with till.database.reading() as session:
            after = ledger_queries.account_balance(
                session, chart.processor(USD, till.cards.provider_id)
            )
        assert after - before == 9_680

    def test_are_credited_once_however_often_it_is_looked(self, till: Till) -> None:
        deposit = till.deposit()
        for _ in range(3):
            till.advance(deposit)
        assert till.has() == {"USD": "600.00"}

    @pytest.mark.parametrize(
        "moods",
        [
            [Mood.AWAY],
            [Mood.LOST_BEFORE],
            [Mood.LOST_AFTER],
            [Mood.KILLED_BEFORE],
            [Mood.KILLED_AFTER],
            [None, Mood.LOST_AFTER],
            [None, Mood.LOST_BEFORE],
            [None, Mood.KILLED_AFTER],
            [Mood.LOST_AFTER, Mood.KILLED_BEFORE, Mood.LOST_BEFORE, None, Mood.LOST_AFTER],
        ],
    )
    def test_survive_every_failure(self, till: Till, moods: list[Mood | None]) -> None:
        deposit = till.deposit()
        till.cards.moods = list(moods)
        for _ in range(6):
            till.advance(deposit)
        assert till.deposit_status(deposit) == "credited"
        assert till.has() == {"USD": "600.00"}
        assert len(till.cards.made) == 1

    def test_are_unknown_while_nobody_knows(self, till: Till) -> None:
        deposit = till.deposit()
        till.cards.moods = [Mood.LOST_AFTER]
        till.advance(deposit)
        assert till.deposit_status(deposit) == "unknown"
        assert till.has() == {"USD": "500.00"}

    def test_that_are_declined_fail(self, till: Till) -> None:
        deposit = till.deposit()
        till.cards.moods = [Mood.REFUSED]
        till.advance(deposit)
        assert till.deposit_status(deposit) == "failed"
        assert till.told() == ["deposit_failed"]
        till.advance(deposit)
        assert till.has() == {"USD": "500.00"}

    def test_wait_for_the_bank_s_question(self, till: Till) -> None:
        till.cards.opens = PaymentState.PENDING
        deposit = till.deposit()
        till.advance(deposit)
        assert till.deposit_status(deposit) == "pending"
        till.cards.become(PaymentState.AUTHORISED)
        till.advance(deposit)
        assert till.has() == {"USD": "600.00"}
        assert till.told() == ["deposit_pending", "deposit_credited"]

    def test_forget_the_card_s_token_afterwards(self, till: Till) -> None:
        deposit = till.deposit()
        till.advance(deposit)
        with till.database.reading() as session:
            row = session.row(
                "SELECT source_sealed, instructions_sealed FROM deposits WHERE id = %s", (deposit,)
            )
        assert row == (None, None)

    def test_three_failures_an_hour_are_enough(self, till: Till) -> None:
        for _ in range(3):
            deposit = till.deposit()
            till.cards.moods = [Mood.REFUSED]
            till.advance(deposit)
        with database_unchanged(till.database), pytest.raises(TooManyCardFailures):
            till.deposit()


def test_a_rail_that_knows_no_repetition_is_asked_once(till: Till) -> None:
    till.cards.repeatable = False
    deposit = till.deposit()
    till.cards.moods = [Mood.LOST_AFTER]
    for _ in range(3):
        till.advance(deposit)
    assert till.cards.calls == ["open", "find", "capture"]
    assert len(till.cards.made) == 1
    assert till.has() == {"USD": "600.00"}


def test_one_that_was_certainly_not_asked_is_asked_again(till: Till) -> None:
    till.cards.repeatable = False
    deposit = till.deposit()
    till.cards.moods = [Mood.AWAY]
    till.advance(deposit)
    till.advance(deposit)
    assert till.cards.calls == ["open", "open", "capture"]
    assert till.has() == {"USD": "600.00"}


@pytest.mark.parametrize(("amount", "field"), [("0.99", "amount"), ("10000.01", "amount")])
def test_amounts_beyond_a_card_s_limits(till: Till, amount: str, field: str) -> None:
    with database_unchanged(till.database), pytest.raises(Invalid) as refused:
        till.deposit(amount)
    assert refused.value.field == field


def test_what_a_method_does_not_bring(till: Till) -> None:
    with database_unchanged(till.database), till.database.transaction() as session:
        with pytest.raises(Invalid, match="Choose USD"):
            deposits.request(
                session, till.actor, method=PaymentMethod.CARD,
                amount=Amount.parse(TRADABLE["PAXG"], "1"),
            )  # fmt: skip
        with pytest.raises(PaymentMethodDisabled):
            deposits.request(
                session, till.actor, method=PaymentMethod.MOBILE_MONEY, amount=usd("5")
            )


def test_nobody_pays_in_who_has_not_shown_who_they_are(till: Till) -> None:
    till.actor = till.people.customer()
    with database_unchanged(till.database), pytest.raises(VerificationRequired):
        till.deposit()


def test_a_day_has_a_limit(till: Till) -> None:
    for _ in range(25):
        till.deposit("10000.00", PaymentMethod.BANK)
    with database_unchanged(till.database), pytest.raises(DailyLimitExceeded):
        till.deposit("0.01", PaymentMethod.BANK)


class TestArrivals:
    def test_are_credited_as_they_come(self, till: Till) -> None:
        deposit = till.deposit("100.00", PaymentMethod.BANK)
        till.look(deposit)
        assert till.deposit_status(deposit) == "pending"
        till.arrive(f"in_{deposit}", "99.50")
        till.look(deposit)
        till.look(deposit)
        assert till.deposit_status(deposit) == "credited"
        assert till.has() == {"USD": "599.50"}
        assert till.told() == ["deposit_pending", "deposit_credited"]

    def test_that_nobody_announced_are_credited_too(self, till: Till) -> None:
        deposit = till.deposit("100.00", PaymentMethod.BANK)
        till.look(deposit)
        for part in "abc":
            till.arrive(f"in_{deposit}_{part}", "10.00")
        till.look(deposit)
        assert till.has() == {"USD": "530.00"}

    def test_whoever_sees_them_first(self, till: Till) -> None:
        deposit = till.deposit("100.00", PaymentMethod.BANK)
        till.look(deposit)
        arrival = till.arrive(f"in_{deposit}", "100.00")
        for _ in range(2):
            with till.database.transaction() as session:
                incoming_transfers.record_transfer(session, "bank", till.bank.provider_id, arrival)
            till.look(deposit)
        assert till.has() == {"USD": "600.00"}

    def test_that_are_taken_back_are_owed(self, till: Till) -> None:
        deposit = till.deposit("100.00", PaymentMethod.BANK)
        till.look(deposit)
        with till.database.transaction() as session:
            for is_back in (False, True, True):
                arrival = till.arrive(f"in_{deposit}", "700.00", back=is_back)
                incoming_transfers.record_transfer(session, "bank", till.bank.provider_id, arrival)
        assert till.deposit_status(deposit) == "taken_back"
        # 500 + 700 came, 700 were owed and collected from what was there.
        assert till.has() == {"USD": "500.00"}
        with till.database.reading() as session:
            assert not receivables.owes_anything(session, till.actor.user_id)

    def test_on_nobody_s_account_open_a_case(self, till: Till) -> None:
        arrival = IncomingTransfer(f"in_{ids.new()}", "acc_of_nobody", usd("5.00"), clock.now())
        with till.database.transaction() as session:
            incoming_transfers.record_transfer(session, "bank", till.bank.provider_id, arrival)
            row = session.row("SELECT kind FROM cases WHERE subject = %s", (arrival.provider_ref,))
        assert row == ("unmatched_arrival",)

    def test_beyond_the_limit_are_told_to_compliance(self, till: Till) -> None:
        deposit = till.deposit("100.00", PaymentMethod.BANK)
        till.look(deposit)
        till.arrive(f"in_{deposit}", "250000.01")
        till.look(deposit)
        assert till.has() == {"USD": "250500.01"}
        with till.database.reading() as session:
            row = session.row(
                "SELECT count(*) FROM cases WHERE kind = 'deposit_limit' AND person_id = %s",
                (till.actor.user_id,),
            )
        assert row == (1,)

    def test_an_announcement_can_be_taken_back(self, till: Till) -> None:
        deposit = till.deposit("100.00", PaymentMethod.BANK)
        stranger = till.people.customer()
        with (
            database_unchanged(till.database),
            pytest.raises(NotFound),
            till.database.transaction() as session,
        ):
            deposits.cancel(session, stranger, deposit)
        with till.database.transaction() as session:
            deposits.cancel(session, till.actor, deposit)
        with (
            database_unchanged(till.database),
            pytest.raises(NotCancellable),
            till.database.transaction() as session,
        ):
            deposits.cancel(session, till.actor, deposit)


class TestDisputes:
    def argue(self, till: Till, state: str, payment_ref: str, amount: str = "100.00") -> None:
        dispute = Dispute(f"dp_{payment_ref}", payment_ref, state, usd(amount), usd("15.00"))
        with till.database.transaction() as session:
            disputes.apply_dispute(session, "stripe", till.cards.provider_id, dispute)

    def owed(self, till: Till) -> str:
        with till.database.reading() as session:
            return str(receivables.amount_owed(session, till.actor.user_id))

    def paid(self, till: Till) -> str:
        deposit = till.deposit()
        till.advance(deposit)
        [payment] = [
            p
            for p in till.cards.made.values()
            if p.reference.endswith(ids.encode("dep", deposit)[4:])
        ]
        return payment.provider_ref

    def test_are_owed_at_once_and_lost(self, till: Till) -> None:
        ref = self.paid(till)
        self.argue(till, "open", ref)
        self.argue(till, "open", ref)
        assert self.owed(till) == "100.00"
        assert till.has() == {"USD": "600.00"}
        self.argue(till, "lost", ref)
        # It was taken from what was there.
        assert self.owed(till) == "0.00"
        assert till.has() == {"USD": "500.00"}

    def test_an_inquiry_takes_nothing(self, till: Till) -> None:
        ref = self.paid(till)
        with database_unchanged(till.database):
            self.argue(till, "inquiry", ref)
        self.argue(till, "open", ref)
        assert self.owed(till) == "100.00"

    def test_are_given_back_when_they_are_won(self, till: Till) -> None:
        ref = self.paid(till)
        for state in ("open", "won", "won"):
            self.argue(till, state, ref)
        assert self.owed(till) == "0.00"
        assert till.has() == {"USD": "600.00"}

    def test_in_any_order(self, till: Till) -> None:
        for order in permutations(("open", "lost", "open")):
            ref = self.paid(till)
            before = till.has()["USD"]
            for state in order:
                self.argue(till, state, ref)
            assert self.owed(till) == "0.00"
            assert usd(before) - usd(till.has()["USD"]) == usd("100.00")

    def test_never_make_a_balance_negative(self, till: Till) -> None:
        ref = self.paid(till)
        withdrawal = till.withdraw("550.00")
        till.send(withdrawal)
        self.argue(till, "open", ref)
        self.argue(till, "lost", ref)
        # 600, of which 550 are held.
        assert self.owed(till) == "50.00"
        assert till.has() == {"USD": "550.00"}
        deposit = till.deposit("80.00")
        till.advance(deposit)
        assert self.owed(till) == "0.00"
        assert till.has() == {"USD": "580.00"}

    def test_of_what_is_not_known_change_nothing(self, till: Till) -> None:
        with database_unchanged(till.database):
            self.argue(till, "open", "pi_unknown")


def test_a_webhook_before_our_own_answer_finds_the_deposit(till: Till) -> None:
    deposit = till.deposit()
    till.cards.moods = [Mood.KILLED_AFTER]
    till.advance(deposit)
    [ref] = till.cards.made
    with till.database.transaction() as session:
        event = ProviderEvent(f"evt_{ref}", "payment", ref, "funding.payment_changed")
        assert (
            providers.store_events(session, "stripe", WebhookDelivery("", {}, b"{}"), [event]) == 1
        )
        row = session.row("SELECT id FROM webhook_events WHERE event_id = %s", (event.id,))
    assert row is not None
    payments.handle_payment_event(till.database, event_id=str(row[0]))
    with till.database.reading() as session:
        known = session.row("SELECT provider_ref FROM deposits WHERE id = %s", (deposit,))
    assert known == (ref,)
    till.advance(deposit)
    assert till.has() == {"USD": "600.00"}


def test_what_arrives_is_credited_not_what_was_asked(till: Till) -> None:
    till.cards.opens = PaymentState.PENDING
    deposit = till.deposit("100.00")
    till.advance(deposit)
    [ref] = till.cards.made
    till.cards.made[ref] = replace(
        till.cards.made[ref], state=PaymentState.PAID, amount=usd("60.00"), cost=None
    )
    till.advance(deposit)
    assert till.has() == {"USD": "560.00"}
