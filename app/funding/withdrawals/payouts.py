"""Sending approved withdrawals, and learning their outcome.

Only `advance` moves an approved withdrawal on: the first job, a webhook's task and the poll all
call it. It records that the provider is about to be called, calls it between two transactions, and
applies the answer. If an earlier call may have reached the provider, its records are read first;
the payout is ordered, with the same reference, only if the provider has no record of it.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.custody.rules import IN_FLIGHT_MAX
from app.funding import costs
from app.funding.deposits import service as deposits
from app.funding.ports import Payout, PayoutOrder, PayoutRail, PayoutRails, PayoutState
from app.funding.receivables import service as receivables
from app.funding.states import WITHDRAWALS_IN_PROGRESS, WithdrawalStatus
from app.funding.withdrawals import new_destinations, own_funds, payout_cases, payout_waits
from app.funding.withdrawals import queries as withdrawal_queries
from app.funding.withdrawals import service as withdrawals
from app.funding.withdrawals.queries import LockedWithdrawal, Withdrawal, lock_withdrawal
from app.funding.withdrawals.status_changes import (
    audit_status,
    end_unpaid,
    notify_customer,
    record_check,
    transition,
)
from app.kit import clock
from app.kit.db import Database, Session
from app.kit.ports import resolve
from app.ledger import chart
from app.ledger import service as ledger
from app.notifications.kinds import WithdrawalCompleted, WithdrawalFailed, WithdrawalSent
from app.providers import queries as providers_queries
from app.providers.errors import (
    OwnFundsTooLow,
    ProviderOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
)
from app.screening import queries as screening_queries
from app.screening.rules import Verdict

_FIRST_CALLED_AT = """
SELECT coalesce(min(at), now()) FROM withdrawal_events
WHERE withdrawal_id = %s AND to_status = 'sending'
"""
#: A completed payout can still come back.
_TRACKED = WITHDRAWALS_IN_PROGRESS | {WithdrawalStatus.COMPLETED}
#: How a withdrawal ended, as its provider would say it.
_END_STATES = {
    WithdrawalStatus.COMPLETED: PayoutState.COMPLETED,
    WithdrawalStatus.RETURNED: PayoutState.RETURNED,
    WithdrawalStatus.FAILED: PayoutState.FAILED,
    WithdrawalStatus.REJECTED: PayoutState.FAILED,
    WithdrawalStatus.CANCELLED: PayoutState.FAILED,
}
#: The provider was called, so that it can still contradict how the withdrawal ended.
_ENDED = frozenset({WithdrawalStatus.FAILED, WithdrawalStatus.RETURNED})
#: A payout that the provider accepted is in its records.
_ACCEPTED = frozenset({WithdrawalStatus.SENT, WithdrawalStatus.COMPLETED})


def advance(database: Database, withdrawal_id: UUID) -> None:
    """Send the withdrawal, or learn the outcome of an earlier attempt.

    Raises `ProviderUnavailable` and `ProviderOutcomeUnknown`; the next poll tries again.
    """
    attempt = _begin_attempt(database, withdrawal_id)
    if attempt is None:
        return
    rail = resolve(PayoutRails)[attempt.withdrawal.method]
    try:
        payout = (
            rail.send(_order(attempt.withdrawal))
            if attempt.is_first
            else _find_or_send(rail, attempt)
        )
    except ProviderRefused as refusal:
        with database.transaction() as session:
            _apply_refusal(session, attempt, refusal)
        return
    except (ProviderUnavailable, ProviderOutcomeUnknown) as error:
        with database.transaction() as session:
            _apply_error(session, attempt, error)
        raise
    if payout is not None:
        with database.transaction() as session:
            apply_payout(session, attempt.withdrawal.id, payout)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A withdrawal that this process has taken on since `began_at`, its lock released again.

    `is_first`: the provider was never called. `is_old`: no earlier order can still be in flight.
    """

    withdrawal: Withdrawal
    is_first: bool
    is_old: bool
    began_at: datetime

    def is_superseded(self, current: LockedWithdrawal) -> bool:
        """Return whether another process took the withdrawal on since this attempt began.

        Then an answer to this attempt says nothing about the other one's.
        """
        return current.looked_at > self.began_at


def _begin_attempt(database: Database, withdrawal_id: UUID) -> _Attempt | None:
    """Record that the provider is about to be called; None when there is nothing to do."""
    with database.transaction() as session:
        withdrawal = lock_withdrawal(session, withdrawal_id)
        if withdrawal.status is WithdrawalStatus.APPROVED:
            if own_funds.is_waiting(session, withdrawal):
                return None
            if not _may_be_sent(session, withdrawal):
                return None
            sending = transition(session, withdrawal, WithdrawalStatus.SENDING)
            return _Attempt(sending, is_first=True, is_old=False, began_at=sending.looked_at)
        if withdrawal.status not in _TRACKED | _ENDED:
            return None
        now = record_check(session, withdrawal)
        first_called_at = session.value(_FIRST_CALLED_AT, (withdrawal.id,))
        is_old = now - first_called_at > IN_FLIGHT_MAX
        return _Attempt(withdrawal, is_first=False, is_old=is_old, began_at=now)


def _apply_refusal(session: Session, attempt: _Attempt, refusal: ProviderRefused) -> None:
    """End a withdrawal that the provider refused, unless another order may be in flight.

    One that our own account could not cover waits.
    """
    withdrawal = lock_withdrawal(session, attempt.withdrawal.id)
    if attempt.is_superseded(withdrawal):
        if withdrawal.status is WithdrawalStatus.SENDING:
            transition(session, withdrawal, WithdrawalStatus.UNKNOWN, evidence=refusal.code)
    elif withdrawal.status not in WITHDRAWALS_IN_PROGRESS:
        return
    elif isinstance(refusal, OwnFundsTooLow):
        transition(session, withdrawal, WithdrawalStatus.APPROVED, evidence=str(refusal))
        own_funds.report(session, withdrawal, refusal)
    else:
        _fail(session, withdrawal, refusal.code)


def _apply_error(
    session: Session, attempt: _Attempt, error: ProviderUnavailable | ProviderOutcomeUnknown
) -> None:
    """Record what is known after a call without an answer."""
    withdrawal = lock_withdrawal(session, attempt.withdrawal.id)
    if withdrawal.status is not WithdrawalStatus.SENDING:
        return
    if isinstance(error, ProviderOutcomeUnknown):
        evidence = str(error)
        transition(session, withdrawal, WithdrawalStatus.UNKNOWN, evidence=evidence)
    elif attempt.is_first and not attempt.is_superseded(withdrawal):
        # On the first attempt, an unavailable provider did nothing.
        transition(session, withdrawal, WithdrawalStatus.APPROVED)


def _find_or_send(rail: PayoutRail, attempt: _Attempt) -> Payout | None:
    """Return the payout from the provider's records, or order it if there is none; None without one
    for a withdrawal that has ended.

    A refused look-up says nothing about the payout. A refused order ends the withdrawal only when
    no earlier order can still be in flight.
    """
    withdrawal = attempt.withdrawal
    try:
        payout = rail.find(withdrawal.public_id)
    except OwnFundsTooLow:
        # The provider's last word on our order: nothing was paid.
        raise
    except ProviderRefused as refusal:
        raise ProviderOutcomeUnknown(
            f"the provider did not say what happened: {refusal.code}"
        ) from None
    if payout is not None or withdrawal.status in _ENDED:
        return payout
    if withdrawal.status in _ACCEPTED:
        raise ProviderOutcomeUnknown("the provider lost its record of the payout")
    try:
        return rail.send(_order(withdrawal))
    except ProviderRefused as refusal:
        if attempt.is_old:
            raise
        raise ProviderOutcomeUnknown(f"the repeated order was refused: {refusal.code}") from None


def _order(withdrawal: Withdrawal) -> PayoutOrder:
    return PayoutOrder(withdrawal.public_id, withdrawal.receives, withdrawal.open_destination())


def apply_payout(session: Session, withdrawal_id: UUID, payout: Payout) -> bool:
    """Apply the current state of the provider's payout to its withdrawal.

    Returns whether it contradicts how the withdrawal ended: that opens a case and moves nothing.
    """
    withdrawal = lock_withdrawal(session, withdrawal_id)
    record_check(session, withdrawal)
    end = _END_STATES.get(withdrawal.status)
    if end is not None and are_contradictory(end, payout.state):
        payout_cases.report_contradiction(session, withdrawal, payout)
        return True
    if withdrawal.status in _TRACKED:
        _apply_state(session, withdrawal, payout)
    _book_cost(session, withdrawal, payout)
    return False


def are_contradictory(first: PayoutState, second: PayoutState) -> bool:
    """Return whether one state says that nothing was paid, and the other one that it was."""
    was_paid = {PayoutState.COMPLETED, PayoutState.RETURNED}
    states = {first, second}
    return PayoutState.FAILED in states and not states.isdisjoint(was_paid)


def _apply_state(session: Session, withdrawal: LockedWithdrawal, payout: Payout) -> None:
    if payout.amount != withdrawal.receives:
        payout_cases.report_wrong_amount(session, withdrawal, payout)
        return
    completed = WithdrawalStatus.COMPLETED
    match payout.state:
        case PayoutState.SENT if withdrawal.status in {
            WithdrawalStatus.SENDING,
            WithdrawalStatus.UNKNOWN,
        }:
            transition(session, withdrawal, WithdrawalStatus.SENT, payout=payout)
            sent = WithdrawalSent(withdrawal.terms, withdrawal.fee_terms, sent_at=clock.now())
            notify_customer(session, withdrawal, sent)
        case PayoutState.COMPLETED if withdrawal.status is not completed:
            _complete(session, withdrawal, payout)
        case PayoutState.FAILED:
            _fail(session, withdrawal, payout.code, payout)
        case PayoutState.RETURNED:
            if withdrawal.status is not completed:
                withdrawal = _complete(session, withdrawal, payout)
            _return(session, withdrawal, payout)


def _book_cost(session: Session, withdrawal: LockedWithdrawal, payout: Payout) -> None:
    """Book what the provider kept for a payout that it made, also when it says so later."""
    was_made = payout.state in {PayoutState.COMPLETED, PayoutState.RETURNED}
    if not was_made or payout.cost is None or payout.amount != withdrawal.receives:
        return
    paid_from = deposits.settlement_account(withdrawal.method, payout.cost, payout.provider_id)
    is_new = costs.book_cost(
        session, withdrawal.public_id, payout.cost, paid_from, cause="withdrawal_cost"
    )
    if is_new:
        costs.report_if_above_fee(
            session,
            withdrawal.public_id,
            payment=f"{withdrawal.method} withdrawal",
            cost=payout.cost,
            fee=withdrawal.fee,
        )


def _complete(session: Session, withdrawal: LockedWithdrawal, payout: Payout) -> LockedWithdrawal:
    now, amount = clock.now(), withdrawal.amount
    account = deposits.settlement_account(withdrawal.method, amount, payout.provider_id)
    postings = [
        ledger.debit(chart.customer(withdrawal.user_id, amount.asset), amount),
        ledger.credit(account, withdrawal.receives),
        ledger.credit(chart.fees(amount.asset), withdrawal.fee),
    ]
    ledger.post(
        session,
        cause=withdrawals.WITHDRAWAL,
        reference=withdrawal.public_id,
        posted_at=now,
        postings=postings,
        hold_ids=[withdrawal.id],
    )
    completed = transition(session, withdrawal, WithdrawalStatus.COMPLETED, payout=payout)
    audit_status(session, withdrawal, WithdrawalStatus.COMPLETED)
    message = WithdrawalCompleted(withdrawal.terms, withdrawal.fee_terms, completed_at=now)
    notify_customer(session, withdrawal, message)
    return completed


def _return(session: Session, withdrawal: LockedWithdrawal, payout: Payout) -> None:
    """Credit the customer with what came back after completion. The fee is not refunded: the
    provider keeps its own."""
    amount = withdrawal.receives
    account = deposits.settlement_account(withdrawal.method, amount, payout.provider_id)
    ledger.post(
        session,
        cause="withdrawal_returned",
        reference=f"{withdrawal.public_id}:returned",
        posted_at=clock.now(),
        postings=[
            ledger.debit(account, amount),
            ledger.credit(chart.customer(withdrawal.user_id, amount.asset), amount),
        ],
    )
    transition(session, withdrawal, WithdrawalStatus.RETURNED, payout=payout)
    audit_status(session, withdrawal, WithdrawalStatus.RETURNED, reason=payout.code)
    failed = WithdrawalFailed(withdrawal.terms, "The payment was returned to us.", amount)
    notify_customer(session, withdrawal, failed)


def _fail(
    session: Session,
    withdrawal: LockedWithdrawal,
    code: str,
    payout: Payout | None = None,
) -> None:
    if withdrawal.status not in WITHDRAWALS_IN_PROGRESS:
        return
    end_unpaid(session, withdrawal, WithdrawalStatus.FAILED, reason=code, payout=payout)
    failed = WithdrawalFailed(
        withdrawal.terms,
        "The payment could not be made to this destination.",
        withdrawal.amount,
    )
    notify_customer(session, withdrawal, failed)


def _may_be_sent(session: Session, withdrawal: LockedWithdrawal) -> bool:
    """Return whether an approved withdrawal may still be sent.

    A customer who owes PBCEx or is a listed party gets it rejected; one with an undecided hit, who
    is suspended, or whose verification was revoked waits, and so does a withdrawal to a new
    destination.
    """
    if new_destinations.is_waiting(withdrawal.payable_from):
        return False
    if receivables.owes_anything(session, withdrawal.user_id):
        end_unpaid(session, withdrawal, WithdrawalStatus.REJECTED, reason="the customer owes PBCEx")
        failed = WithdrawalFailed(
            withdrawal.terms,
            "One of your payments was taken back. Pay what you owe first.",
            withdrawal.amount,
        )
        notify_customer(session, withdrawal, failed)
        return False
    verdict = screening_queries.verdict_of(session, withdrawal.user_id)
    if verdict is Verdict.BLOCKED:
        withdrawals.reject_listed_payee(session, withdrawal)
        return False
    if verdict is Verdict.REVIEW:
        transition(session, withdrawal, WithdrawalStatus.IN_REVIEW, evidence="screening: review")
        return False
    return payout_waits.find_wait_of_customer(session, withdrawal.user_id) is None


def handle_payout_event(database: Database, event_id: UUID) -> None:
    """Check the withdrawal that a webhook is about: its subject is the provider's id or ours."""
    with database.transaction() as session:
        event = providers_queries.stored_event(session, event_id)
        withdrawal = withdrawal_queries.find_by_event(session, event.provider, event.subject)
        # An unknown payout is still being sent: the sending job applies its state.
        if withdrawal is None:
            return
        if withdrawal.status in WITHDRAWALS_IN_PROGRESS:
            withdrawals.stage_sending(session, withdrawal.id, withdrawal.provider)
            return
    # The poll does not check withdrawals that have ended.
    advance(database, withdrawal.id)
