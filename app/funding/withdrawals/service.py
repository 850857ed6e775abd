"""The verbs of withdrawals (request, cancel, review, reject, release), and their transitions.

The amount is held from the request on. An approved withdrawal is sent by payouts.py.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.approvals import rules as approvals_rules
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.audit.rules import AuditOutcome
from app.catalog.rules import PaymentMethod
from app.funding import fees, limits
from app.funding.errors import (
    NotCancellable,
    OwnWithdrawal,
    PayeeBlocked,
    PaymentMethodDisabled,
    WrongWithdrawalStatus,
)
from app.funding.fees import PaymentDirection, PaymentQuote
from app.funding.models import WithdrawalRow
from app.funding.ports import PayoutRail, PayoutRails
from app.funding.rules import PAYOUT_METHODS, check_asset
from app.funding.states import WithdrawalStatus
from app.funding.withdrawals import destinations, new_destinations, payee_checks, structuring
from app.funding.withdrawals.destinations import Destination
from app.funding.withdrawals.queries import WITHDRAWALS, LockedWithdrawal, lock_withdrawal
from app.funding.withdrawals.status_changes import (
    audit_status,
    end_unpaid,
    notify_customer,
    record_check,
    record_event,
    transition,
)
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.money import Amount, Asset
from app.kit.ports import resolve
from app.kyc.submission import queries as submission_queries
from app.ledger import chart
from app.ledger import service as ledger
from app.notifications.kinds import (
    NewDestination,
    WithdrawalCancelled,
    WithdrawalFailed,
    WithdrawalNeedsApproval,
    WithdrawalRequested,
)
from app.outbox import service as outbox
from app.screening.rules import Verdict

PREFIX = "wdr"
WITHDRAWAL = "withdrawal"
#: What the customer reads; our reasons are for staff.
_NOT_MADE = "We cannot make this payment."


@dataclass(frozen=True, slots=True)
class _CheckedWithdrawal:
    """A withdrawal that the customer may make, before it is stored."""

    id: UUID
    quote: PaymentQuote
    #: What the amount is worth in dollars.
    value: Amount
    destination: Destination
    provider: str
    verdict: Verdict | None

    @property
    def method(self) -> PaymentMethod:
        """How it is paid out."""
        return self.quote.method

    @property
    def amount(self) -> Amount:
        """What leaves the customer's account."""
        return self.quote.amount

    def describe(self) -> dict[str, str]:
        """Return what the audit trail says about it."""
        return {
            "method": self.method,
            "asset": self.amount.asset.code,
            "amount": str(self.amount),
            "fee": str(self.quote.fee),
            "to": destinations.mask_destination(self.method, self.destination),
        }


def request(
    session: Session,
    actor: Actor,
    *,
    method: PaymentMethod,
    amount: Amount,
    destination: Mapping[str, str],
    fee_max: Amount | None = None,
) -> LockedWithdrawal:
    """Check a withdrawal, hold its amount, record it, and have it paid out; return it.

    The fee is taken from the amount; `fee_max` is what the customer agreed to.

    Raises `Invalid` naming the field, `PaymentMethodDisabled`, `VerificationRequired`,
    `ReauthenticationRequired` for a new destination, `FeeChanged`, `LimitExceeded` with its kinds,
    `CardMoneyUnsettled`, `ReceivableOutstanding`, `PriceStale`, and `PayeeBlocked`, which keeps the
    screening and its audit record; the database raises `InsufficientFunds`.
    """
    rail = payout_rail(method, amount.asset)
    quote = fees.quote(session, PaymentDirection.WITHDRAWAL, method, amount, agreed_max=fee_max)
    checked = _check(session, actor, rail, quote, destination)
    withdrawal = _reserve(session, actor.user_id, checked)
    _record(session, actor, withdrawal, checked)
    structuring.report_structuring(session, actor.user_id, withdrawal.public_id, checked.value)
    _pay_out(session, withdrawal)
    return withdrawal


def _check(
    session: Session,
    actor: Actor,
    rail: PayoutRail,
    quote: PaymentQuote,
    fields: Mapping[str, str],
) -> _CheckedWithdrawal:
    """Check destination, limits and payee. From here on the customer's payments wait."""
    method, amount = quote.method, quote.amount
    destination = destinations.parse_destination(method, amount.asset, fields)
    customer = submission_queries.get_customer(session, actor.user_id)
    payee_checks.check_destination_owner(session, customer, method, destination)
    new_destinations.require_proof(session, actor, method, destination)
    value = limits.check_withdrawal(session, customer.id, amount, customer.tier_status)
    identifier = ids.new()
    public_id = ids.encode(PREFIX, identifier)
    verdict = payee_checks.screen_payee(session, customer, public_id, destination)
    checked = _CheckedWithdrawal(identifier, quote, value, destination, rail.name, verdict)
    if verdict is Verdict.BLOCKED:
        audit.record(
            session,
            actor=actor,
            action=AuditAction.WITHDRAWAL_REQUESTED,
            subject=public_id,
            after=checked.describe(),
            reason=payee_checks.evidence_of(verdict),
            outcome=AuditOutcome.DENIED,
        )
        raise PayeeBlocked().keeping_records()
    return checked


def _reserve(session: Session, user_id: UUID, checked: _CheckedWithdrawal) -> LockedWithdrawal:
    """Hold the amount and store the withdrawal, in one trip."""
    now, method, destination = clock.now(), checked.method, checked.destination
    ledger.place_hold(
        session,
        hold_id=checked.id,
        account=chart.customer(user_id, checked.amount.asset),
        amount=checked.amount,
        cause=WITHDRAWAL,
        placed_at=now,
    )
    destination_index = new_destinations.index_of(method, destination)
    insert = sa.insert(WithdrawalRow).values(
        id=checked.id,
        user_id=user_id,
        method=method,
        asset=checked.amount.asset.code,
        units=checked.amount.units,
        fee_units=checked.quote.fee.units,
        usd_units=checked.value.units,
        status=payee_checks.status_after_screening(
            session, checked.verdict, user_id, checked.id, checked.value
        ),
        destination_sealed=keys.seal(
            json.dumps(dict(destination)),
            table="withdrawals",
            column="destination_sealed",
            key=checked.id,
        ),
        destination_index=destination_index,
        payable_from=new_destinations.payable_from(session, user_id, destination_index, now),
        destination_masked=destinations.mask_destination(method, destination),
        provider=checked.provider,
        requested_at=now,
        looked_at=now,
    )
    [withdrawal] = session.select(
        LockedWithdrawal, insert.returning(*WITHDRAWALS.select.selected_columns)
    )
    return withdrawal


def _record(
    session: Session, actor: Actor, withdrawal: LockedWithdrawal, checked: _CheckedWithdrawal
) -> None:
    """Record the request in the timeline and the audit trail, and tell the customer."""
    record_event(
        session, withdrawal, None, actor=actor, evidence=payee_checks.evidence_of(checked.verdict)
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.WITHDRAWAL_REQUESTED,
        subject=withdrawal.public_id,
        after={**checked.describe(), "status": withdrawal.status},
    )
    message = WithdrawalRequested(
        withdrawal.terms, withdrawal.fee_terms, requested_at=withdrawal.requested_at
    )
    notify_customer(session, withdrawal, message)
    if withdrawal.waits_until is not None:
        waiting = NewDestination(withdrawal.terms, payable_from=withdrawal.waits_until)
        notify_customer(session, withdrawal, waiting)


def _pay_out(session: Session, withdrawal: LockedWithdrawal) -> None:
    """Have an approved withdrawal sent (payouts.py); tell the customer if staff release it.

    One that waits for its destination is sent by the poll.
    """
    if withdrawal.status is WithdrawalStatus.APPROVED:
        if not new_destinations.is_waiting(withdrawal.payable_from):
            stage_sending(session, withdrawal.id, withdrawal.provider)
    elif withdrawal.status is WithdrawalStatus.AWAITING_APPROVAL:
        waiting = WithdrawalNeedsApproval(withdrawal.terms, withdrawal.fee_terms)
        notify_customer(session, withdrawal, waiting)


def payout_rail(method: PaymentMethod, asset: Asset) -> PayoutRail:
    """Return the rail by which the asset is paid out.

    Raises `Invalid` for another method or asset, and `PaymentMethodDisabled`.
    """
    if method not in PAYOUT_METHODS:
        names = ", ".join(sorted(PAYOUT_METHODS))
        raise Invalid("method", f"Choose one of {names}. We do not pay out to cards.")
    check_asset(method, asset)
    rail = resolve(PayoutRails).get(method)
    if rail is None:
        raise PaymentMethodDisabled
    return rail


def cancel(session: Session, actor: Actor, withdrawal_id: UUID) -> LockedWithdrawal:
    """Cancel the customer's own withdrawal before it is sent, release the hold, and return it.

    Raises `NotFound` and `NotCancellable`.
    """
    withdrawal = lock_withdrawal(session, withdrawal_id)
    if withdrawal.user_id != actor.user_id:
        raise NotFound
    if not withdrawal.is_cancellable:
        raise NotCancellable
    cancelled = end_unpaid(session, withdrawal, WithdrawalStatus.CANCELLED, actor=actor)
    message = WithdrawalCancelled(withdrawal.terms, cancelled_at=cancelled.looked_at)
    notify_customer(session, withdrawal, message)
    return cancelled


def reject(session: Session, actor: Actor, withdrawal_id: UUID, *, reason: str) -> None:
    """Reject a withdrawal on behalf of staff, and release the hold.

    Raises `NotFound`, `OwnWithdrawal`, `WrongWithdrawalStatus`, and `Invalid` for the reason.
    """
    reason = approvals_rules.clean_reason(reason)
    withdrawal = lock_withdrawal(session, withdrawal_id)
    if withdrawal.user_id == actor.user_id:
        raise OwnWithdrawal
    if not withdrawal.is_cancellable:
        raise WrongWithdrawalStatus
    end_unpaid(session, withdrawal, WithdrawalStatus.REJECTED, actor=actor, reason=reason)
    notify_customer(
        session, withdrawal, WithdrawalFailed(withdrawal.terms, _NOT_MADE, withdrawal.amount)
    )


def release(session: Session, actor: Actor, withdrawal_id: UUID, *, reason: str) -> None:
    """Release a large withdrawal that a second member of staff approved (withdrawal_approval.py).

    The payee is screened again, because the withdrawal may have waited for days: the list or the
    customer's details may have changed. Raises `NotFound` and `WrongWithdrawalStatus`.
    """
    withdrawal = lock_withdrawal(session, withdrawal_id)
    if withdrawal.status is not WithdrawalStatus.AWAITING_APPROVAL:
        raise WrongWithdrawalStatus
    verdict = _screen(session, withdrawal)
    if verdict is Verdict.CLEAR:
        approved = transition(
            session, withdrawal, WithdrawalStatus.APPROVED, actor=actor, evidence=reason
        )
        audit_status(session, withdrawal, approved.status, actor=actor, reason=reason)
        _pay_out(session, approved)
    elif verdict is Verdict.BLOCKED:
        reject_listed_payee(session, withdrawal)
    else:
        evidence = payee_checks.evidence_of(verdict)
        transition(session, withdrawal, WithdrawalStatus.IN_REVIEW, actor=actor, evidence=evidence)


def review(session: Session, withdrawal_id: UUID) -> None:
    """Screen the payee of a withdrawal in review again, and continue or reject it accordingly."""
    withdrawal = lock_withdrawal(session, withdrawal_id)
    record_check(session, withdrawal)
    if withdrawal.status is not WithdrawalStatus.IN_REVIEW:
        return
    verdict = _screen(session, withdrawal)
    status = payee_checks.status_after_screening(
        session, verdict, withdrawal.user_id, withdrawal.id, withdrawal.value
    )
    if status is WithdrawalStatus.REJECTED:
        reject_listed_payee(session, withdrawal)
    elif status is not WithdrawalStatus.IN_REVIEW:
        evidence = payee_checks.evidence_of(verdict)
        _pay_out(session, transition(session, withdrawal, status, evidence=evidence))


def reject_listed_payee(session: Session, withdrawal: LockedWithdrawal) -> None:
    """Reject a withdrawal to, or of, a listed party."""
    reason = payee_checks.evidence_of(Verdict.BLOCKED)
    end_unpaid(session, withdrawal, WithdrawalStatus.REJECTED, reason=reason)
    notify_customer(
        session, withdrawal, WithdrawalFailed(withdrawal.terms, _NOT_MADE, withdrawal.amount)
    )


def _screen(session: Session, withdrawal: LockedWithdrawal) -> Verdict | None:
    customer = submission_queries.get_customer(session, withdrawal.user_id)
    return payee_checks.screen_payee(
        session, customer, withdrawal.public_id, withdrawal.open_destination()
    )


def stage_sending(session: Session, withdrawal_id: UUID, provider: str) -> None:
    """Stage the job that sends the withdrawal or checks it, unless it waits already."""
    args = {"withdrawal_id": str(withdrawal_id)}
    outbox.stage_unless_waiting(session, "funding.send_withdrawal", args, provider=provider)
