"""Sending what was approved, and finding out what became of it.

`advance` is the only way on: the first job, a webhook's task and the poll all call it. It writes
down that the provider is being asked, asks between two transactions, and applies what the provider
says. Whenever nobody knows whether the provider was asked, it is asked what it knows first; only if
it knows nothing is it asked to pay, with the same reference.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.cases import service as cases
from app.custody.rules import IN_FLIGHT_MAX
from app.funding.deposits import service as deposits
from app.funding.ports import Payout, PayoutOrder, PayoutRail, PayoutRails, PayoutState
from app.funding.receivables import service as receivables
from app.funding.states import WITHDRAWALS_IN_PROGRESS, WithdrawalStatus
from app.funding.withdrawals import service as withdrawals
from app.identity.accounts import queries as account_queries
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.ports import resolve
from app.kit.tasks import task
from app.ledger import chart
from app.ledger import service as ledger
from app.outbox import service as outbox
from app.providers import queries as providers_queries
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable
from app.screening import queries as screening_queries
from app.screening.rules import Verdict

_BY_EVENT = """
SELECT id, status FROM withdrawals WHERE id = %s OR provider = %s AND provider_ref = %s
"""
_FIRST_ASKED = """
SELECT coalesce(min(at), now()) FROM withdrawal_events
WHERE withdrawal_id = %s AND to_status = 'sending'
"""
_CHECKED_SINCE = "SELECT looked_at > %s FROM withdrawals WHERE id = %s"
#: One that has gone can still come back.
_TRACKED = WITHDRAWALS_IN_PROGRESS | {WithdrawalStatus.COMPLETED}
#: What a provider had taken, it knows.
_ACCEPTED = frozenset({WithdrawalStatus.SENT, WithdrawalStatus.COMPLETED})


@task("funding.send_withdrawal", own_transactions=True, polled=True)
def advance(database: Database, *, withdrawal_id: str) -> None:
    """Send it, or find out what became of it.

    Raises `ProviderUnavailable` and `ProviderOutcomeUnknown` when the next poll is to look again.
    """
    turn = _begin_attempt(database, UUID(withdrawal_id))
    if turn is None:
        return
    rail = resolve(PayoutRails)[turn.asked.method]
    try:
        payout = rail.send(_order(turn.asked)) if turn.is_first else _find_or_send(rail, turn)
    except ProviderUnavailable:
        # Certainly nothing happened, if this was the first time that it was asked.
        if turn.is_first:
            with database.transaction() as session:
                if not _was_changed_meanwhile(session, turn):
                    _set_status_if_sending(session, turn.asked.id, WithdrawalStatus.APPROVED)
        raise
    except ProviderOutcomeUnknown as error:
        with database.transaction() as session:
            _set_status_if_sending(
                session, turn.asked.id, WithdrawalStatus.UNKNOWN, evidence=str(error)
            )
        raise
    except ProviderRefused as refused:
        with database.transaction() as session:
            if _was_changed_meanwhile(session, turn):
                _set_status_if_sending(
                    session, turn.asked.id, WithdrawalStatus.UNKNOWN, evidence=refused.code
                )
            else:
                _fail(session, withdrawals.lock_withdrawal(session, turn.asked.id), refused.code)
        return
    with database.transaction() as session:
        apply_payout(session, turn.asked.id, payout)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A withdrawal that this process goes on with, from `began_at`. `is_old`: no order of before
    can still be on its way."""

    asked: withdrawals.LockedWithdrawal
    is_first: bool
    is_old: bool
    began_at: datetime


def _begin_attempt(database: Database, withdrawal_id: UUID) -> _Attempt | None:
    """Write down that the provider is being asked; None where there is nothing to be done."""
    with database.transaction() as session:
        asked = withdrawals.lock_withdrawal(session, withdrawal_id)
        is_first = asked.status is WithdrawalStatus.APPROVED
        if is_first:
            if not _may_be_sent(session, asked):
                return None
            withdrawals.transition(session, asked, WithdrawalStatus.SENDING)
        elif asked.status not in _TRACKED:
            return None
        now = clock.now()
        session.send(withdrawals.SET_CHECKED_AT, (now, asked.id))
        [(first_at,)] = session.rows(_FIRST_ASKED, (asked.id,))
    return _Attempt(asked, is_first, now - first_at > IN_FLIGHT_MAX, now)


def _find_or_send(rail: PayoutRail, turn: _Attempt) -> Payout:
    """The payout as the provider sees it now. It may have been asked before, so it is asked what it
    knows; only if it knows nothing is it asked to pay, with the same reference.

    That it will not answer says nothing of the payout. That it will not pay now decides only when
    no earlier order can still be on its way.
    """
    asked = turn.asked
    try:
        found = rail.find(asked.public_id)
    except ProviderRefused as refused:
        raise ProviderOutcomeUnknown(f"it did not say what it knows: {refused.code}") from None
    if found is not None:
        return found
    if asked.status in _ACCEPTED:
        raise ProviderOutcomeUnknown("the provider does not know any more what it had taken")
    try:
        return rail.send(_order(asked))
    except ProviderRefused as refused:
        if turn.is_old:
            raise
        raise ProviderOutcomeUnknown(f"asked again, it refused: {refused.code}") from None


def _order(asked: withdrawals.LockedWithdrawal) -> PayoutOrder:
    return PayoutOrder(asked.public_id, asked.amount, asked.destination)


def apply_payout(session: Session, withdrawal_id: UUID, payout: Payout) -> None:
    """Make of a withdrawal what the provider says of it now."""
    asked = withdrawals.lock_withdrawal(session, withdrawal_id)
    session.send(withdrawals.SET_CHECKED_AT, (clock.now(), asked.id))
    if asked.status not in _TRACKED:
        return
    if payout.amount != asked.amount:
        _report_wrong_amount(session, asked, payout)
        return
    done = WithdrawalStatus.COMPLETED
    match payout.state:
        case PayoutState.SENT if asked.status in {
            WithdrawalStatus.SENDING,
            WithdrawalStatus.UNKNOWN,
        }:
            withdrawals.transition(session, asked, WithdrawalStatus.SENT, payout=payout)
            withdrawals.notify_customer(
                session, asked, "withdrawal_sent", sent_at=clock.rfc3339(clock.now())
            )
        case PayoutState.COMPLETED if asked.status is not done:
            _complete(session, asked, payout)
        case PayoutState.FAILED if asked.status is not done:
            _fail(session, asked, payout.code, payout)
        case PayoutState.RETURNED:
            if asked.status is not done:
                _complete(session, asked, payout)
            _return(session, withdrawals.lock_withdrawal(session, asked.id), payout)


def _complete(session: Session, asked: withdrawals.LockedWithdrawal, payout: Payout) -> None:
    now, amount = clock.now(), asked.amount
    account = deposits.settlement_account(asked.method, amount, payout.provider_id)
    postings = [
        ledger.debit(chart.customer(asked.user_id, amount.asset), amount),
        ledger.credit(account, amount),
    ]
    ledger.post(
        session,
        cause=withdrawals.WITHDRAWAL,
        reference=asked.public_id,
        posted_at=now,
        postings=postings,
        hold_id=asked.id,
    )
    if payout.cost:
        paid_from = deposits.settlement_account(asked.method, payout.cost, payout.provider_id)
        ledger.post(
            session,
            cause="withdrawal_cost",
            reference=f"{asked.public_id}:cost",
            posted_at=now,
            postings=[
                ledger.debit(chart.processing_costs(payout.cost.asset), payout.cost),
                ledger.credit(paid_from, payout.cost),
            ],
        )
    withdrawals.transition(session, asked, WithdrawalStatus.COMPLETED, payout=payout)
    withdrawals.audit_status(session, asked, WithdrawalStatus.COMPLETED)
    withdrawals.notify_customer(
        session, asked, "withdrawal_completed", completed_at=clock.rfc3339(now)
    )


def _return(session: Session, asked: withdrawals.LockedWithdrawal, payout: Payout) -> None:
    """It came back after all: the customer has it again."""
    account = deposits.settlement_account(asked.method, asked.amount, payout.provider_id)
    ledger.post(
        session,
        cause="withdrawal_returned",
        reference=f"{asked.public_id}:returned",
        posted_at=clock.now(),
        postings=[
            ledger.debit(account, asked.amount),
            ledger.credit(chart.customer(asked.user_id, asked.amount.asset), asked.amount),
        ],
    )
    withdrawals.transition(session, asked, WithdrawalStatus.RETURNED, payout=payout)
    withdrawals.audit_status(session, asked, WithdrawalStatus.RETURNED, reason=payout.code)
    withdrawals.notify_customer(
        session, asked, "withdrawal_failed", reason="It was sent back to us."
    )


def _fail(
    session: Session, asked: withdrawals.LockedWithdrawal, code: str, payout: Payout | None = None
) -> None:
    if asked.status not in WITHDRAWALS_IN_PROGRESS:
        return
    withdrawals.end_unpaid(session, asked, WithdrawalStatus.FAILED, why=code, payout=payout)
    withdrawals.notify_customer(
        session, asked, "withdrawal_failed", reason="It could not be paid there."
    )


def _may_be_sent(session: Session, asked: withdrawals.LockedWithdrawal) -> bool:
    """Whether nothing came up since it was approved. A customer who owes us is not paid, nor one
    who was found to be a listed party; one who may be one, or was suspended, waits."""
    if receivables.owes_anything(session, asked.user_id):
        withdrawals.end_unpaid(
            session, asked, WithdrawalStatus.REJECTED, why="the customer owes us"
        )
        withdrawals.notify_customer(
            session, asked, "withdrawal_failed",
            reason="A payment of yours was taken back; settle what is owed first.",
        )  # fmt: skip
        return False
    standing = screening_queries.verdict_of(session, asked.user_id)
    if standing is Verdict.BLOCKED:
        withdrawals.reject_listed_payee(session, asked)
        return False
    if standing is Verdict.REVIEW:
        withdrawals.transition(
            session, asked, WithdrawalStatus.IN_REVIEW, evidence="screening: review"
        )
        return False
    return account_queries.is_active(session, asked.user_id)


def _was_changed_meanwhile(session: Session, turn: _Attempt) -> bool:
    """Whether somebody else went on with it meanwhile: then what one of the two was told decides
    nothing about the other."""
    withdrawals.lock_withdrawal(session, turn.asked.id)
    return bool(session.rows(_CHECKED_SINCE, (turn.began_at, turn.asked.id))[0][0])


def _set_status_if_sending(
    session: Session,
    withdrawal_id: UUID,
    status: WithdrawalStatus,
    *,
    evidence: str | None = None,
) -> None:
    asked = withdrawals.lock_withdrawal(session, withdrawal_id)
    if asked.status is WithdrawalStatus.SENDING:
        withdrawals.transition(session, asked, status, evidence=evidence)


def _report_wrong_amount(
    session: Session, asked: withdrawals.LockedWithdrawal, payout: Payout
) -> None:
    """A provider that sent another amount than it was asked for: a person has to look."""
    cases.open_case(
        session,
        kind="payout_amount",
        subject=asked.public_id,
        key=asked.public_id,
        title="A provider reports another amount than it was asked to pay",
        facts={
            "asked": f"{asked.amount} {asked.amount.asset.code}",
            "reported": f"{payout.amount} {payout.amount.asset.code}",
            "provider": asked.provider,
        },
        person_id=asked.user_id,
    )


@task("funding.payout_changed", own_transactions=True)
def handle_payout_event(database: Database, *, event_id: str) -> None:
    """A provider says that a payout changed. `subject` is its id, or our reference."""
    with database.transaction() as session:
        event = providers_queries.stored_event(session, UUID(event_id))
        own_id = ids.try_decode(withdrawals.PREFIX, event.subject)
        row = session.row(_BY_EVENT, (own_id, event.provider, event.subject))
        # One that is not known yet is still being sent: whoever sends it looks at it.
        if row is None:
            return
        withdrawal_id, status = str(row[0]), WithdrawalStatus(row[1])
        if status in WITHDRAWALS_IN_PROGRESS:
            outbox.stage(session, "funding.send_withdrawal", {"withdrawal_id": withdrawal_id})
            return
    # Nobody looks again at one that had ended.
    advance(database, withdrawal_id=withdrawal_id)
