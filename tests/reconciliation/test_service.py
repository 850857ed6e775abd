"""Items that we missed are booked; what still differs opens one case."""

from dataclasses import replace
from typing import cast

import pytest

from app.catalog.rules import PaymentMethod
from app.funding.ports import Dispute, Payment, PaymentState, Payout, PayoutState
from app.jobs.dispatch import execute_job
from app.kit import clock, ids
from app.kit.list_query import ListQuery, fetch_page
from app.outbox.models import StagedJob
from app.outbox.rules import Backoff
from app.providers.errors import ProviderUnavailable
from app.providers.ports import Listing
from app.reconciliation import service as reconciliation
from app.reconciliation.queries import (
    NOTEWORTHY_RUNS,
    ReconciliationRun,
    RunOutcome,
    is_run_requested,
    latest_runs,
)
from tests.paying_customer import PayingCustomer, usd
from tests.rows import delete_rows
from tests.scripted_rails import CallFault


def reconcile_source(customer: PayingCustomer, source: str) -> ReconciliationRun:
    runs = {run.source: run for run in reconciliation.reconcile_all(customer.database)}
    return runs[source]


def count_cases(customer: PayingCustomer, subject: str) -> int:
    with customer.database.reading() as session:
        row = session.row(
            "SELECT count(*) FROM cases WHERE kind = 'reconciliation' AND subject = %s",
            (subject,),
        )
    assert row is not None
    return int(row[0])


def test_correct_books_agree(customer: PayingCustomer) -> None:
    run = reconcile_source(customer, "books")
    assert (run.compared, run.differences, run.failure) == (1, 0, None)


def test_payment_without_a_webhook_is_booked(customer: PayingCustomer) -> None:
    deposit = customer.deposit()
    customer.cards.faults = [CallFault.CRASH_AFTER]
    customer.advance_deposit(deposit)
    customer.cards.set_state(PaymentState.PAID)
    run = reconcile_source(customer, f"{customer.cards.name} payments")
    assert (run.healed, run.differences) == (1, 0)
    assert customer.balances() == {"USD": "600.00"}
    assert reconcile_source(customer, f"{customer.cards.name} payments").healed == 0


def test_unknown_payment_opens_one_case(customer: PayingCustomer) -> None:
    ref = f"pi_{ids.new()}"
    reference = ids.encode("dep", ids.new())
    customer.cards.payments_by_ref[ref] = Payment(ref, reference, PaymentState.PAID, usd("5.00"))
    for _ in range(2):
        assert reconcile_source(customer, f"{customer.cards.name} payments").differences == 1
    assert count_cases(customer, ref) == 1


def test_credited_payment_of_another_amount_opens_a_case(customer: PayingCustomer) -> None:
    deposit = customer.deposit()
    customer.advance_deposit(deposit)
    [(ref, payment)] = customer.cards.payments_by_ref.items()
    customer.cards.payments_by_ref[ref] = replace(payment, amount=usd("99.00"))
    assert reconcile_source(customer, f"{customer.cards.name} payments").differences == 1
    assert count_cases(customer, ref) == 1


def test_second_payment_for_a_deposit_opens_a_case(customer: PayingCustomer) -> None:
    deposit = customer.deposit()
    customer.advance_deposit(deposit)
    [(ref, payment)] = customer.cards.payments_by_ref.items()
    customer.cards.payments_by_ref[f"{ref}_again"] = replace(payment, provider_ref=f"{ref}_again")
    assert reconcile_source(customer, f"{customer.cards.name} payments").differences == 1
    assert count_cases(customer, f"{ref}_again") == 1
    assert customer.balances() == {"USD": "600.00"}


def test_unclear_payout_does_not_stop_the_others(customer: PayingCustomer) -> None:
    first, second = customer.withdraw("10.00"), customer.withdraw("20.00")
    for withdrawal in (first, second):
        customer.send_withdrawal(withdrawal)
    customer.bank.set_state(PayoutState.COMPLETED)
    customer.bank.faults = [CallFault.UNANSWERED_NOT_DONE]
    run = reconcile_source(customer, f"{customer.bank.name} payouts")
    assert (run.compared, run.healed, run.differences) == (2, 1, 0)
    assert run.failure == "1 unclear, the first: ProviderOutcomeUnknown: lost"


def test_arrival_without_a_webhook_is_booked(customer: PayingCustomer) -> None:
    deposit = customer.deposit("100.00", PaymentMethod.BANK)
    customer.fetch_transfers(deposit)
    customer.receive_transfer(f"in_{deposit}", "42.00")
    run = reconcile_source(customer, f"{customer.bank.name} arrivals")
    assert (run.healed, run.differences) == (1, 0)
    assert customer.balances() == {"USD": "542.00"}
    customer.bank.transfers.clear()
    assert reconcile_source(customer, f"{customer.bank.name} arrivals").differences >= 1
    assert count_cases(customer, ids.encode("dep", deposit)) == 1


def test_payout_that_settled_without_a_webhook_is_booked(customer: PayingCustomer) -> None:
    withdrawal = customer.withdraw()
    customer.send_withdrawal(withdrawal)
    customer.bank.set_state(PayoutState.COMPLETED)
    run = reconcile_source(customer, f"{customer.bank.name} payouts")
    assert (run.healed, run.differences) == (1, 0)
    assert customer.balances() == {"USD": "400.00"}


def test_payout_that_we_did_not_order_opens_a_case(customer: PayingCustomer) -> None:
    reference, ref = ids.encode("wdr", ids.new()), f"po_{ids.new()}"
    customer.bank.payouts_by_reference[reference] = Payout(
        ref, reference, PayoutState.COMPLETED, usd("5.00"), customer.bank.provider_id
    )
    assert reconcile_source(customer, f"{customer.bank.name} payouts").differences == 1
    assert count_cases(customer, ref) == 1


def test_payout_that_the_provider_does_not_list_opens_a_case(customer: PayingCustomer) -> None:
    withdrawal = customer.withdraw()
    customer.bank.payout_state = PayoutState.COMPLETED
    customer.send_withdrawal(withdrawal)
    customer.bank.payouts_by_reference.clear()
    assert reconcile_source(customer, f"{customer.bank.name} payouts").differences >= 1
    assert count_cases(customer, ids.encode("wdr", withdrawal)) == 1


def test_unreachable_source_does_not_stop_the_others(
    customer: PayingCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_since: object) -> list[Payment]:
        raise ProviderUnavailable("away")

    monkeypatch.setattr(customer.cards, "payments", away)
    began = clock.now()
    runs = reconciliation.reconcile_all(customer.database)
    assert [run.source for run in runs if run.failure] == [f"{customer.cards.name} payments"]
    assert len(runs) == 6
    with customer.database.reading() as session:
        query = ListQuery({"outcome": RunOutcome.UNFINISHED}, "-ended", limit=1)
        noteworthy = fetch_page(session, NOTEWORTHY_RUNS, query).rows
    assert [run.began_at >= began for run in noteworthy] == [True]


def test_defect_in_one_item_ends_neither_the_source_nor_the_others(
    customer: PayingCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = customer.withdraw("10.00"), customer.withdraw("20.00")
    for withdrawal in (first, second):
        customer.send_withdrawal(withdrawal)
    customer.bank.set_state(PayoutState.COMPLETED)
    reference = ids.encode("wdr", first)
    no_state = cast("PayoutState", "no state")
    broken = replace(customer.bank.payouts_by_reference[reference], state=no_state)
    customer.bank.payouts_by_reference[reference] = broken
    monkeypatch.setattr(customer.cards, "payments", lambda _since: 1 / 0)
    runs = {run.source: run for run in reconciliation.reconcile_all(customer.database)}
    payouts = runs[f"{customer.bank.name} payouts"]
    assert (payouts.compared, payouts.healed) == (2, 1)
    assert payouts.failure == "1 unclear, the first: KeyError"
    assert runs[f"{customer.cards.name} payments"].failure == "ZeroDivisionError"
    assert len(runs) == 6


def test_each_source_is_a_job_of_its_own(customer: PayingCustomer) -> None:
    with customer.database.transaction() as session:
        delete_rows(session, StagedJob)
        reconciliation.stage_comparisons(session)
        assert is_run_requested(session)
    with customer.database.reading() as session:
        jobs = session.rows("SELECT id, args->>'source', provider FROM outbox ORDER BY id")
    card, bank = customer.cards.name, customer.bank.name
    assert {source: provider for _, source, provider in jobs} == {
        "books": None, f"{card} payments": card, f"{card} disputes": card,
        f"{card} refunds": card,
        f"{bank} arrivals": bank, f"{bank} payouts": bank,
    }  # fmt: skip
    began = clock.now()
    for identifier, *_ in jobs:
        execute_job(customer.database, identifier, Backoff())
    with customer.database.reading() as session:
        assert [run.began_at > began for run in latest_runs(session)][:1] == [True]
        assert not is_run_requested(session)


def test_old_open_dispute_is_still_updated(
    customer: PayingCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    deposit = customer.deposit()
    customer.advance_deposit(deposit)
    [(ref, _payment)] = customer.cards.payments_by_ref.items()
    dispute = Dispute(f"dp_{ids.new()}", ref, "open", usd("100.00"), usd("15.00"))
    customer.cards.disputes_by_ref[dispute.provider_ref] = dispute
    source = f"{customer.cards.name} disputes"
    assert reconcile_source(customer, source).healed == 1
    customer.cards.disputes_by_ref[dispute.provider_ref] = replace(dispute, state="lost")
    # Too old to be listed.
    monkeypatch.setattr(customer.cards, "disputes", lambda _since: Listing([]))
    assert reconcile_source(customer, source).healed == 1
    assert reconcile_source(customer, source).healed == 0
    assert customer.deposit_status(deposit) == "taken_back"
