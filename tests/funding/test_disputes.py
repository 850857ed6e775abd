"""Parts of deposits taken back: each has its own debt, fee and end, and ends can change."""

from itertools import permutations
from uuid import UUID

import pytest

from app.audit.models import AuditRecord
from app.catalog.rules import USD
from app.funding.disputes import service as disputes
from app.funding.limits import PaymentLimits
from app.funding.ports import Dispute, DisputeKind
from app.funding.receivables import service as receivables
from app.funding.states import DepositStatus, Reversal
from app.kit.errors import NotFinished
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import queries as ledger_queries
from tests.card_deposits import FEE, NO_FEE, CardDeposit, pay_by_card
from tests.fixed_settings import fixed_settings
from tests.paying_customer import PayingCustomer, usd
from tests.rows import read_values
from tests.unchanged_database import database_unchanged


@pytest.fixture
def deposit(customer: PayingCustomer) -> CardDeposit:
    """Return a deposit of a customer who has 600.00 since."""
    return pay_by_card(customer)


def owed(customer: PayingCustomer) -> str:
    with customer.database.reading() as session:
        return str(receivables.amount_owed(session, customer.actor.user_id))


def test_open_dispute_is_collected_at_once_and_a_lost_one_not_again(deposit: CardDeposit) -> None:
    for state in ("open", "open", "lost", "lost"):
        deposit.dispute(state)
        assert (owed(deposit.customer), deposit.customer.balances()) == ("0.00", {"USD": "500.00"})
    assert deposit.status == "taken_back"


def test_inquiry_books_nothing(deposit: CardDeposit) -> None:
    with database_unchanged(deposit.customer.database):
        deposit.dispute("inquiry")
    deposit.dispute("open")
    assert deposit.customer.balances() == {"USD": "500.00"}


def test_won_dispute_returns_what_was_collected(deposit: CardDeposit) -> None:
    for state in ("open", "won", "won"):
        deposit.dispute(state)
    assert (owed(deposit.customer), deposit.customer.balances()) == ("0.00", {"USD": "600.00"})
    assert deposit.status == "credited"


@pytest.mark.parametrize("states", ["open lost won", "lost won", "won lost", "won lost won lost"])
def test_balance_and_status_follow_the_last_end(deposit: CardDeposit, states: str) -> None:
    for state in states.split():
        assert deposit.dispute(state)
        assert not deposit.dispute(state)
    is_won = states.endswith("won")
    assert deposit.customer.balances() == {"USD": "600.00" if is_won else "500.00"}
    assert deposit.status == ("credited" if is_won else "taken_back")
    with deposit.customer.database.reading() as session:
        actions = read_values(
            session,
            AuditRecord.action,
            AuditRecord.on_behalf_of == deposit.customer.actor.user_id,
            AuditRecord.action.like("dispute.%"),
        )
    assert [action.removeprefix("dispute.").replace("opened", "open") for action in actions] == (
        states.split()
    )


def test_debt_follows_the_last_end_where_nothing_is_free(deposit: CardDeposit) -> None:
    customer = deposit.customer
    customer.withdraw("600.00")
    for state, debt in (("open", "100.00"), ("won", "0.00"), ("lost", "100.00"), ("won", "0.00")):
        deposit.dispute(state)
        assert owed(customer) == debt


def test_dispute_leaves_a_receivable_instead_of_a_negative_balance(deposit: CardDeposit) -> None:
    customer = deposit.customer
    customer.send_withdrawal(customer.withdraw("550.00"))
    deposit.dispute("open")
    deposit.dispute("lost")
    # The balance is 600, of which 550 are held.
    assert (owed(customer), customer.balances()) == ("50.00", {"USD": "550.00"})
    customer.advance_deposit(customer.deposit("80.00"))
    assert (owed(customer), customer.balances()) == ("0.00", {"USD": "580.00"})


def test_each_of_two_disputes_has_its_own_debt_and_end(deposit: CardDeposit) -> None:
    customer = deposit.customer
    deposit.dispute("open", "a", "30.00")
    deposit.dispute("open", "b", "20.00")
    assert (customer.balances(), deposit.status) == ({"USD": "550.00"}, "disputed")
    deposit.dispute("lost", "a", "30.00")
    assert (customer.balances(), deposit.status) == ({"USD": "550.00"}, "disputed")
    deposit.dispute("won", "b", "20.00")
    assert (customer.balances(), deposit.status) == ({"USD": "570.00"}, "taken_back")
    deposit.dispute("lost", "b", "20.00")
    assert (customer.balances(), deposit.status) == ({"USD": "550.00"}, "taken_back")


def test_two_disputes_cost_two_fees_and_a_late_fee_is_booked_when_it_comes(
    deposit: CardDeposit,
) -> None:
    before = processing_costs(deposit.customer)
    deposit.dispute("open", "a", "30.00")
    deposit.dispute("open", "b", "20.00", NO_FEE)
    assert processing_costs(deposit.customer) - before == FEE
    for _ in range(2):
        deposit.dispute("open", "b", "20.00", FEE)
    deposit.dispute("lost", "b", "20.00", FEE)
    assert processing_costs(deposit.customer) - before == usd("30.00")
    deposit.dispute("won", "a", "30.00", NO_FEE)
    assert processing_costs(deposit.customer) - before == FEE


def processing_costs(customer: PayingCustomer) -> Amount:
    with customer.database.reading() as session:
        return Amount(USD, ledger_queries.account_balance(session, chart.processing_costs(USD)))


def test_dispute_events_apply_in_any_order(customer: PayingCustomer) -> None:
    for order in permutations(("open", "lost", "open")):
        with fixed_settings(PaymentLimits(card_disputes_max=100)):
            deposit = pay_by_card(customer)
        before = customer.balances()["USD"]
        for state in order:
            deposit.dispute(state)
        assert owed(customer) == "0.00"
        assert usd(before) - usd(customer.balances()["USD"]) == usd("100.00")


def test_dispute_of_an_unknown_payment_changes_nothing(customer: PayingCustomer) -> None:
    with database_unchanged(customer.database):
        CardDeposit(customer, UUID(int=0), "pi_unknown").dispute("open")


def test_refund_at_the_processor_is_owed_beyond_what_is_free(deposit: CardDeposit) -> None:
    customer = deposit.customer
    customer.withdraw("590.00")
    for _ in range(2):
        deposit.refund("lost", "a", "50.00")
    assert (owed(customer), customer.balances()["USD"]) == ("40.00", "590.00")
    deposit.refund("lost", "b", "30.00")
    assert (owed(customer), deposit.status) == ("70.00", "taken_back")
    assert deposit.shown_status is Reversal.REFUNDED
    assert customer.message_kinds()[-2:] == ["deposit_refunded", "deposit_refunded"]
    assert customer.messages()[-1]["owed"] == "70.00"
    # The card's bank returns a refund.
    deposit.refund("won", "a", "50.00")
    assert owed(customer) == "20.00"


def test_reversed_deposit_reads_as_what_reversed_it(deposit: CardDeposit) -> None:
    assert deposit.shown_status is DepositStatus.CREDITED
    deposit.refund("lost")
    assert deposit.shown_status is Reversal.REFUNDED
    deposit.dispute("open", amount="20.00")
    assert deposit.shown_status is DepositStatus.DISPUTED
    deposit.dispute("lost", amount="20.00")
    assert deposit.shown_status is Reversal.CHARGED_BACK
    deposit.dispute("won", amount="20.00")
    assert deposit.shown_status is Reversal.REFUNDED


@pytest.mark.parametrize("kind", DisputeKind)
def test_answer_that_another_job_overtook_is_asked_for_again(
    deposit: CardDeposit, kind: DisputeKind
) -> None:
    cards, answers = deposit.customer.cards, iter(["lost", "won"])

    def fetch(ref: str) -> Dispute:
        state = next(answers)
        dispute = Dispute(ref, deposit.ref, state, usd("80.00"), NO_FEE, kind)
        if state == "lost":
            # The other job learns of the end while this one has an older answer.
            deposit.apply(Dispute(ref, deposit.ref, "won", usd("80.00"), NO_FEE, kind))
        return dispute

    setattr(cards, "refund" if kind is DisputeKind.REFUND else "dispute", fetch)
    assert disputes.follow(deposit.customer.database, cards, kind, f"x_{deposit.ref}") is False
    assert deposit.customer.balances() == {"USD": "600.00"}


def test_dispute_that_never_stops_changing_is_given_back_to_its_job(deposit: CardDeposit) -> None:
    cards, states = deposit.customer.cards, iter(["lost", "won", "lost", "won"])

    def fetch(ref: str) -> Dispute:
        deposit.apply(Dispute(ref, deposit.ref, next(states), usd("80.00"), NO_FEE))
        return Dispute(ref, deposit.ref, "open", usd("80.00"), NO_FEE)

    cards.dispute = fetch
    with pytest.raises(NotFinished):
        disputes.follow(deposit.customer.database, cards, DisputeKind.DISPUTE, f"y_{deposit.ref}")
