"""Withdrawals: never two payouts, never a lost one, and unknown shown as unknown."""

from typing import Any

import pytest

from app.access import Actor, Role
from app.approvals import queries as approvals_queries
from app.approvals import service as approvals
from app.cases import service as cases
from app.catalog.rules import TRADABLE
from app.funding.disputes import service as disputes
from app.funding.errors import (
    DailyLimitExceeded,
    NotCancellable,
    ReceivableOutstanding,
    VerificationRequired,
    WrongWithdrawalStatus,
)
from app.funding.ports import Dispute, PaymentMethod, PayoutRails, PayoutState
from app.funding.withdrawals import service as withdrawals
from app.funding.withdrawals import withdrawal_approval
from app.kit.errors import Invalid, NotFound
from app.kit.money import Amount
from app.kit.ports import provide
from app.kyc.submission import service as submission
from app.ledger.errors import InsufficientFunds
from tests.mailbox import run_pending_jobs
from tests.rails import Mood
from tests.sanctions import LISTED_NAME
from tests.till import BANK_ACCOUNT, Till, lift, usd
from tests.unchanged_database import database_unchanged


def test_money_is_held_sent_and_gone(till: Till) -> None:
    withdrawal = till.withdraw("120.00")
    assert (till.status(withdrawal), till.held()) == ("approved", 12_000)
    till.send(withdrawal)
    assert (till.status(withdrawal), till.held()) == ("sent", 12_000)
    till.bank.become(PayoutState.COMPLETED)
    till.send(withdrawal)
    till.send(withdrawal)
    assert (till.status(withdrawal), till.held()) == ("completed", 0)
    assert till.has() == {"USD": "380.00"}
    assert till.told() == ["withdrawal_requested", "withdrawal_sent", "withdrawal_completed"]


@pytest.mark.parametrize(
    "moods",
    [
        [Mood.AWAY],
        [Mood.AWAY, Mood.AWAY],
        [Mood.LOST_BEFORE],
        [Mood.LOST_AFTER],
        [Mood.KILLED_BEFORE],
        [Mood.KILLED_AFTER],
        [Mood.LOST_BEFORE, Mood.LOST_BEFORE],
        [Mood.LOST_AFTER, Mood.AWAY],
        [Mood.KILLED_BEFORE, None, Mood.LOST_AFTER],
        [Mood.KILLED_AFTER, Mood.KILLED_AFTER, Mood.LOST_BEFORE],
    ],
)
def test_one_payout_whatever_happens(till: Till, moods: list[Mood | None]) -> None:
    withdrawal = till.withdraw()
    till.bank.sends = PayoutState.COMPLETED
    till.bank.moods = list(moods)
    for _ in range(6):
        till.send(withdrawal)
    assert till.status(withdrawal) == "completed"
    assert len(till.bank.sent) == 1
    assert till.has() == {"USD": "400.00"}


def test_it_is_unknown_until_the_provider_says_what_it_knows(till: Till) -> None:
    withdrawal = till.withdraw()
    till.bank.moods = [Mood.LOST_AFTER, Mood.LOST_BEFORE]
    till.send(withdrawal)
    assert till.status(withdrawal) == "unknown"
    till.send(withdrawal)
    assert till.status(withdrawal) == "unknown"
    with till.database.transaction() as session, pytest.raises(NotCancellable):
        withdrawals.cancel(session, till.actor, withdrawal)
    till.send(withdrawal)
    assert till.status(withdrawal) == "sent"
    assert till.bank.calls == ["send", "find", "find"]


def test_what_cannot_go_comes_back(till: Till) -> None:
    withdrawal = till.withdraw()
    till.bank.moods = [Mood.REFUSED]
    till.send(withdrawal)
    assert (till.status(withdrawal), till.held()) == ("failed", 0)
    other = till.withdraw()
    till.send(other)
    till.bank.become(PayoutState.FAILED, "account_closed")
    till.send(other)
    assert (till.status(other), till.held()) == ("failed", 0)
    assert till.has() == {"USD": "500.00"}


def test_what_is_returned_is_credited_again(till: Till) -> None:
    withdrawal = till.withdraw()
    till.bank.sends = PayoutState.COMPLETED
    till.send(withdrawal)
    assert till.has() == {"USD": "400.00"}
    till.bank.become(PayoutState.RETURNED, "R03")
    for _ in range(2):
        till.send(withdrawal)
    assert till.status(withdrawal) == "returned"
    assert till.has() == {"USD": "500.00"}


def test_another_amount_than_was_asked_is_looked_into(till: Till) -> None:
    till.bank.sends, till.bank.wrong = PayoutState.COMPLETED, usd("1.00")
    withdrawal = till.withdraw()
    till.send(withdrawal)
    assert (till.status(withdrawal), till.held()) == ("sending", 10_000)
    with till.database.reading() as session:
        row = session.row(
            "SELECT count(*) FROM cases WHERE kind = 'payout_amount' AND person_id = %s",
            (till.actor.user_id,),
        )
    assert row == (1,)


def test_it_can_be_cancelled_before_it_is_sent(till: Till) -> None:
    withdrawal = till.withdraw()
    stranger = till.people.customer()
    with (
        database_unchanged(till.database),
        pytest.raises(NotFound),
        till.database.transaction() as session,
    ):
        withdrawals.cancel(session, stranger, withdrawal)
    with till.database.transaction() as session:
        withdrawals.cancel(session, till.actor, withdrawal)
    till.send(withdrawal)
    assert (till.status(withdrawal), till.held(), till.bank.calls) == ("cancelled", 0, [])


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
    def test_destinations(self, till: Till, changed: dict[str, str], field: str) -> None:
        with database_unchanged(till.database), pytest.raises(Invalid) as refused:
            till.withdraw(**{**BANK_ACCOUNT, **changed})
        assert refused.value.field == field

    @pytest.mark.parametrize("method", [PaymentMethod.CARD])
    def test_methods(self, till: Till, method: PaymentMethod) -> None:
        with (
            database_unchanged(till.database),
            pytest.raises(Invalid, match="method"),
            till.database.transaction() as session,
        ):
            withdrawals.request(session, till.actor, method=method, amount=usd("5"), destination={})

    def test_more_than_there_is(self, till: Till) -> None:
        with database_unchanged(till.database), pytest.raises(InsufficientFunds):
            till.withdraw("500.01")

    def test_less_than_a_dollar(self, till: Till) -> None:
        with database_unchanged(till.database), pytest.raises(Invalid, match=r"1\.00 USD"):
            till.withdraw("0.99")

    def test_more_than_a_day_allows(self, till: Till) -> None:
        till.actor = till.people.customer(USD="300000")
        with till.database.transaction() as session:
            submission.grant_tier_3(session, till.actor.user_id, note="test")
        till.withdraw("249999.00")
        with database_unchanged(till.database), pytest.raises(DailyLimitExceeded):
            till.withdraw("1.01")
        till.withdraw("1.00")

    def test_from_somebody_unknown(self, till: Till) -> None:
        till.actor = till.people.customer(USD="10")
        with database_unchanged(till.database), pytest.raises(VerificationRequired):
            till.withdraw("5.00")

    def test_from_somebody_who_owes(self, till: Till) -> None:
        deposit = till.deposit()
        till.advance(deposit)
        withdrawal = till.withdraw("10.00")
        [ref] = till.cards.made
        with till.database.transaction() as session:
            dispute = Dispute(f"dp_{ref}", ref, "open", usd("100.00"), usd("15.00"))
            disputes.apply_dispute(session, "stripe", till.cards.provider_id, dispute)
        with database_unchanged(till.database), pytest.raises(ReceivableOutstanding):
            till.withdraw("5.00")
        # One that was asked for before is not sent either.
        till.send(withdrawal)
        assert (till.status(withdrawal), till.bank.calls) == ("rejected", [])

    def test_crypto_to_one_of_our_own_addresses(self, till: Till) -> None:
        provide(PayoutRails, PayoutRails({PaymentMethod.CRYPTO: till.bank}))
        address = "0x" + till.actor.user_id.hex + "00000000"
        with till.database.transaction() as session:
            session.send(
                "INSERT INTO custody_addresses (id, user_id, asset, network, custodian, address,"
                " address_key, asked_at, ready_at)"
                " VALUES (%s, %s, 'PAXG', 'ETHEREUM', 'paxos', %s, %s, now(), now())",
                (till.actor.user_id, till.actor.user_id, address.upper(), address),
            )
        where = {"address": address, "network": "ETHEREUM"}
        with database_unchanged(till.database), till.database.transaction() as session:
            for given, field in (
                (where, "address"),
                ({**where, "address": "0x12"}, "address"),
                ({**where, "address": "0x" + "0" * 40}, "address"),
                ({**where, "network": "BITCOIN"}, "network"),
            ):
                with pytest.raises(Invalid) as refused:
                    withdrawals.request(
                        session, till.actor, method=PaymentMethod.CRYPTO, destination=given,
                        amount=Amount.parse(TRADABLE["PAXG"], "0.1"),
                    )  # fmt: skip
                assert refused.value.field == f"destination.{field}"


class TestLargeOnes:
    @pytest.fixture
    def large(self, till: Till) -> Any:
        till.actor = till.people.customer(USD="20000")
        with till.database.transaction() as session:
            submission.grant_tier_3(session, till.actor.user_id, note="test")
        return till.withdraw("10000.00")

    def test_wait_for_two_of_our_staff(self, till: Till, large: Any) -> None:
        assert till.status(large) == "awaiting_approval"
        till.send(large)
        assert till.bank.calls == []
        maker, checker = (till.people.staff(Role.COMPLIANCE) for _ in range(2))
        asked = self.ask(till, maker, large)
        self.approve(till, checker, asked)
        assert till.status(large) == "approved"
        till.send(large)
        assert till.status(large) == "sent"

    def test_are_rejected_by_one(self, till: Till, large: Any) -> None:
        staff = till.people.staff(Role.COMPLIANCE)
        with till.database.transaction() as session:
            withdrawals.reject(session, staff, large, reason="The story does not hold")
        assert (till.status(large), till.held()) == ("rejected", 0)
        with (
            database_unchanged(till.database),
            pytest.raises(WrongWithdrawalStatus),
            till.database.transaction() as session,
        ):
            withdrawals.reject(session, staff, large, reason="The story does not hold")

    def test_that_were_cancelled_are_not_released(self, till: Till, large: Any) -> None:
        maker, checker = (till.people.staff(Role.COMPLIANCE) for _ in range(2))
        asked = self.ask(till, maker, large)
        with till.database.transaction() as session:
            withdrawals.cancel(session, till.actor, large)
        self.approve(till, checker, asked)
        assert till.status(large) == "cancelled"

    def ask(self, till: Till, maker: Actor, large: Any) -> Any:
        with till.database.transaction() as session:
            return withdrawal_approval.request_release(
                session, maker, large, reason="Known customer"
            )

    def approve(self, till: Till, checker: Actor, asked: Any) -> None:
        with till.database.transaction() as session:
            seen = approvals_queries.get_approval(session, asked).hash
            approvals.approve(session, checker, asked, seen_hash=seen)


def become_listed(till: Till) -> None:
    """The customer is somebody with a listed name, and verified so."""
    till.actor = till.people.customer(USD="500")
    first, _, last = LISTED_NAME.rpartition(" ")
    with till.database.transaction() as session:
        session.send(
            "UPDATE users SET first_name = %s, last_name = %s WHERE id = %s",
            (first, last, till.actor.user_id),
        )
    lift(till.database, till.actor.user_id)


class TestListedRecipients:
    def test_wait_and_go_on_or_end(self, till: Till) -> None:
        become_listed(till)
        withdrawal = till.withdraw(**{**BANK_ACCOUNT, "accountHolder": LISTED_NAME})
        assert till.status(withdrawal) == "in_review"
        till.send(withdrawal)
        assert till.bank.calls == []
        assert till.held() == 10_000

    @pytest.mark.parametrize(
        ("disposition", "status", "held"),
        [("not_a_match", "approved", 10_000), ("true_match", "rejected", 0)],
    )
    def test_go_on_or_end_as_compliance_decides(
        self, till: Till, disposition: str, status: str, held: int
    ) -> None:
        become_listed(till)
        withdrawal = till.withdraw(**{**BANK_ACCOUNT, "accountHolder": LISTED_NAME})
        officer = till.people.staff(Role.COMPLIANCE)
        with till.database.transaction() as session:
            [(case_id,)] = session.rows(
                "SELECT id FROM cases WHERE person_id = %s AND state = 'open'",
                (till.actor.user_id,),
            )
            cases.close(session, officer, case_id, disposition=disposition, reason="As looked up")
        run_pending_jobs(till.database, "funding.screening_decided")
        assert (till.status(withdrawal), till.held()) == (status, held)
