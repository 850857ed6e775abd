"""What a provider lists and we have not is asked about; what still differs is a case, once."""

from dataclasses import replace

import pytest

from app.funding.ports import Dispute, Payment, PaymentMethod, PaymentState, Payout, PayoutState
from app.kit import clock, ids
from app.providers.errors import ProviderUnavailable
from app.reconciliation import service as reconciliation
from app.reconciliation.queries import ReconciliationRun, noteworthy_runs
from tests.rails import Mood
from tests.till import Till, usd


def reconciled(till: Till, source: str) -> ReconciliationRun:
    made = {run.source: run for run in reconciliation.reconcile_all(till.database)}
    return made[source]


def cases(till: Till, subject: str) -> int:
    with till.database.reading() as session:
        row = session.row(
            "SELECT count(*) FROM cases WHERE kind = 'reconciliation' AND subject = %s", (subject,)
        )
    assert row is not None
    return int(row[0])


def test_books_that_agree_are_said_to(till: Till) -> None:
    run = reconciled(till, "books")
    assert (run.compared, run.differences, run.failure) == (1, 0, None)


def test_a_payment_whose_webhook_never_came_is_healed(till: Till) -> None:
    deposit = till.deposit()
    till.cards.moods = [Mood.KILLED_AFTER]
    till.advance(deposit)
    till.cards.become(PaymentState.PAID)
    run = reconciled(till, f"{till.cards.name} payments")
    assert (run.healed, run.differences) == (1, 0)
    assert till.has() == {"USD": "600.00"}
    assert reconciled(till, f"{till.cards.name} payments").healed == 0


def test_a_payment_that_we_do_not_know_is_a_case_once(till: Till) -> None:
    ref = f"pi_{ids.new()}"
    reference = ids.encode("dep", ids.new())
    till.cards.made[ref] = Payment(ref, reference, PaymentState.PAID, usd("5.00"))
    for _ in range(2):
        assert reconciled(till, f"{till.cards.name} payments").differences == 1
    assert cases(till, ref) == 1


def test_a_credited_payment_of_another_amount_is_a_case(till: Till) -> None:
    deposit = till.deposit()
    till.advance(deposit)
    [(ref, payment)] = till.cards.made.items()
    till.cards.made[ref] = replace(payment, amount=usd("99.00"))
    assert reconciled(till, f"{till.cards.name} payments").differences == 1
    assert cases(till, ref) == 1


def test_a_second_payment_for_the_same_is_a_case(till: Till) -> None:
    deposit = till.deposit()
    till.advance(deposit)
    [(ref, payment)] = till.cards.made.items()
    till.cards.made[f"{ref}_again"] = replace(payment, provider_ref=f"{ref}_again")
    assert reconciled(till, f"{till.cards.name} payments").differences == 1
    assert cases(till, f"{ref}_again") == 1
    assert till.has() == {"USD": "600.00"}


def test_one_that_nobody_knows_of_keeps_the_others_from_nothing(till: Till) -> None:
    first, second = till.withdraw("10.00"), till.withdraw("20.00")
    for withdrawal in (first, second):
        till.send(withdrawal)
    till.bank.become(PayoutState.COMPLETED)
    till.bank.moods = [Mood.LOST_BEFORE]
    run = reconciled(till, f"{till.bank.name} payouts")
    assert (run.compared, run.healed, run.differences) == (2, 1, 0)
    assert run.failure == "1 unclear, the first: ProviderOutcomeUnknown: lost"


def test_an_arrival_whose_webhook_never_came_is_healed(till: Till) -> None:
    deposit = till.deposit("100.00", PaymentMethod.BANK)
    till.look(deposit)
    till.arrive(f"in_{deposit}", "42.00")
    run = reconciled(till, f"{till.bank.name} arrivals")
    assert (run.healed, run.differences) == (1, 0)
    assert till.has() == {"USD": "542.00"}
    till.bank.came.clear()
    assert reconciled(till, f"{till.bank.name} arrivals").differences >= 1
    assert cases(till, ids.encode("dep", deposit)) == 1


def test_a_payout_that_settled_unheard_is_healed(till: Till) -> None:
    withdrawal = till.withdraw()
    till.send(withdrawal)
    till.bank.become(PayoutState.COMPLETED)
    run = reconciled(till, f"{till.bank.name} payouts")
    assert (run.healed, run.differences) == (1, 0)
    assert till.has() == {"USD": "400.00"}


def test_a_payout_that_we_did_not_order_is_a_case(till: Till) -> None:
    reference, ref = ids.encode("wdr", ids.new()), f"po_{ids.new()}"
    till.bank.sent[reference] = Payout(
        ref, reference, PayoutState.COMPLETED, usd("5.00"), till.bank.provider_id
    )
    assert reconciled(till, f"{till.bank.name} payouts").differences == 1
    assert cases(till, ref) == 1


def test_a_payout_that_the_provider_forgot_is_a_case(till: Till) -> None:
    withdrawal = till.withdraw()
    till.bank.sends = PayoutState.COMPLETED
    till.send(withdrawal)
    till.bank.sent.clear()
    assert reconciled(till, f"{till.bank.name} payouts").differences >= 1
    assert cases(till, ids.encode("wdr", withdrawal)) == 1


def test_a_source_that_is_away_does_not_stop_the_others(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_since: object) -> list[Payment]:
        raise ProviderUnavailable("away")

    monkeypatch.setattr(till.cards, "payments", away)
    began = clock.now()
    made = reconciliation.reconcile_all(till.database)
    assert [run.source for run in made if run.failure] == [f"{till.cards.name} payments"]
    assert len(made) == 5
    with till.database.reading() as session:
        found = noteworthy_runs(session, limit=1).data
    assert [run.began_at >= began for run in found] == [True]


def test_a_dispute_that_was_opened_long_ago_is_asked_about(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    deposit = till.deposit()
    till.advance(deposit)
    [(ref, _payment)] = till.cards.made.items()
    dispute = Dispute(f"dp_{ids.new()}", ref, "open", usd("100.00"), usd("15.00"))
    till.cards.argued[dispute.provider_ref] = dispute
    source = f"{till.cards.name} disputes"
    assert reconciled(till, source).healed == 1
    till.cards.argued[dispute.provider_ref] = replace(dispute, state="lost")
    # Too old for its list.
    monkeypatch.setattr(till.cards, "disputes", lambda _since: [])
    assert reconciled(till, source).healed == 1
    assert reconciled(till, source).healed == 0
    assert till.deposit_status(deposit) == "taken_back"
