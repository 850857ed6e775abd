"""Items that we missed are booked; what still differs opens one case."""

from dataclasses import replace

import pytest

from app.funding.ports import Dispute, Payment, PaymentMethod, PaymentState, Payout, PayoutState
from app.kit import clock, ids
from app.providers.errors import ProviderUnavailable
from app.reconciliation import service as reconciliation
from app.reconciliation.queries import ReconciliationRun, noteworthy_runs
from tests.rails import Mood
from tests.till import Till, usd


def reconcile_source(till: Till, source: str) -> ReconciliationRun:
    runs = {run.source: run for run in reconciliation.reconcile_all(till.database)}
    return runs[source]


def count_cases(till: Till, subject: str) -> int:
    with till.database.reading() as session:
        row = session.row(
            "SELECT count(*) FROM cases WHERE kind = 'reconciliation' AND subject = %s",
            (subject,),
        )
    assert row is not None
    return int(row[0])


def test_correct_books_agree(till: Till) -> None:
    run = reconcile_source(till, "books")
    assert (run.compared, run.differences, run.failure) == (1, 0, None)


def test_payment_without_a_webhook_is_booked(till: Till) -> None:
    deposit = till.deposit()
    till.cards.moods = [Mood.KILLED_AFTER]
    till.advance(deposit)
    till.cards.become(PaymentState.PAID)
    run = reconcile_source(till, f"{till.cards.name} payments")
    assert (run.healed, run.differences) == (1, 0)
    assert till.has() == {"USD": "600.00"}
    assert reconcile_source(till, f"{till.cards.name} payments").healed == 0


def test_unknown_payment_opens_one_case(till: Till) -> None:
    ref = f"pi_{ids.new()}"
    reference = ids.encode("dep", ids.new())
    till.cards.made[ref] = Payment(ref, reference, PaymentState.PAID, usd("5.00"))
    for _ in range(2):
        assert reconcile_source(till, f"{till.cards.name} payments").differences == 1
    assert count_cases(till, ref) == 1


def test_credited_payment_of_another_amount_opens_a_case(till: Till) -> None:
    deposit = till.deposit()
    till.advance(deposit)
    [(ref, payment)] = till.cards.made.items()
    till.cards.made[ref] = replace(payment, amount=usd("99.00"))
    assert reconcile_source(till, f"{till.cards.name} payments").differences == 1
    assert count_cases(till, ref) == 1


def test_second_payment_for_a_deposit_opens_a_case(till: Till) -> None:
    deposit = till.deposit()
    till.advance(deposit)
    [(ref, payment)] = till.cards.made.items()
    till.cards.made[f"{ref}_again"] = replace(payment, provider_ref=f"{ref}_again")
    assert reconcile_source(till, f"{till.cards.name} payments").differences == 1
    assert count_cases(till, f"{ref}_again") == 1
    assert till.has() == {"USD": "600.00"}


def test_unclear_payout_does_not_stop_the_others(till: Till) -> None:
    first, second = till.withdraw("10.00"), till.withdraw("20.00")
    for withdrawal in (first, second):
        till.send(withdrawal)
    till.bank.become(PayoutState.COMPLETED)
    till.bank.moods = [Mood.LOST_BEFORE]
    run = reconcile_source(till, f"{till.bank.name} payouts")
    assert (run.compared, run.healed, run.differences) == (2, 1, 0)
    assert run.failure == "1 unclear, the first: ProviderOutcomeUnknown: lost"


def test_arrival_without_a_webhook_is_booked(till: Till) -> None:
    deposit = till.deposit("100.00", PaymentMethod.BANK)
    till.look(deposit)
    till.arrive(f"in_{deposit}", "42.00")
    run = reconcile_source(till, f"{till.bank.name} arrivals")
    assert (run.healed, run.differences) == (1, 0)
    assert till.has() == {"USD": "542.00"}
    till.bank.came.clear()
    assert reconcile_source(till, f"{till.bank.name} arrivals").differences >= 1
    assert count_cases(till, ids.encode("dep", deposit)) == 1


def test_payout_that_settled_without_a_webhook_is_booked(till: Till) -> None:
    withdrawal = till.withdraw()
    till.send(withdrawal)
    till.bank.become(PayoutState.COMPLETED)
    run = reconcile_source(till, f"{till.bank.name} payouts")
    assert (run.healed, run.differences) == (1, 0)
    assert till.has() == {"USD": "400.00"}


def test_payout_that_we_did_not_order_opens_a_case(till: Till) -> None:
    reference, ref = ids.encode("wdr", ids.new()), f"po_{ids.new()}"
    till.bank.sent[reference] = Payout(
        ref, reference, PayoutState.COMPLETED, usd("5.00"), till.bank.provider_id
    )
    assert reconcile_source(till, f"{till.bank.name} payouts").differences == 1
    assert count_cases(till, ref) == 1


def test_payout_that_the_provider_does_not_list_opens_a_case(till: Till) -> None:
    withdrawal = till.withdraw()
    till.bank.sends = PayoutState.COMPLETED
    till.send(withdrawal)
    till.bank.sent.clear()
    assert reconcile_source(till, f"{till.bank.name} payouts").differences >= 1
    assert count_cases(till, ids.encode("wdr", withdrawal)) == 1


def test_unreachable_source_does_not_stop_the_others(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_since: object) -> list[Payment]:
        raise ProviderUnavailable("away")

    monkeypatch.setattr(till.cards, "payments", away)
    began = clock.now()
    runs = reconciliation.reconcile_all(till.database)
    assert [run.source for run in runs if run.failure] == [f"{till.cards.name} payments"]
    assert len(runs) == 5
    with till.database.reading() as session:
        noteworthy = noteworthy_runs(session, limit=1).data
    assert [run.began_at >= began for run in noteworthy] == [True]


def test_old_open_dispute_is_still_updated(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    deposit = till.deposit()
    till.advance(deposit)
    [(ref, _payment)] = till.cards.made.items()
    dispute = Dispute(f"dp_{ids.new()}", ref, "open", usd("100.00"), usd("15.00"))
    till.cards.argued[dispute.provider_ref] = dispute
    source = f"{till.cards.name} disputes"
    assert reconcile_source(till, source).healed == 1
    till.cards.argued[dispute.provider_ref] = replace(dispute, state="lost")
    # Too old to be listed.
    monkeypatch.setattr(till.cards, "disputes", lambda _since: [])
    assert reconcile_source(till, source).healed == 1
    assert reconcile_source(till, source).healed == 0
    assert till.deposit_status(deposit) == "taken_back"
