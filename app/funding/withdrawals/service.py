"""The verbs of withdrawals (request, cancel, review, reject, release), and their transitions.

The amount is held from the request on. An approved withdrawal is sent by payouts.py.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.access import Actor
from app.approvals import rules as approvals_rules
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.audit.rules import AuditOutcome
from app.catalog.rules import TRADABLE, PaymentMethod
from app.funding import limits
from app.funding.errors import (
    NotCancellable,
    PayeeBlocked,
    PaymentMethodDisabled,
    WrongWithdrawalStatus,
)
from app.funding.limits import PaymentLimits
from app.funding.ports import Payout, PayoutRail, PayoutRails
from app.funding.receivables import service as receivables
from app.funding.rules import PAYOUT_METHODS, check_asset
from app.funding.states import CANCELLABLE_WITHDRAWALS, WITHDRAWAL_TRANSITIONS, WithdrawalStatus
from app.funding.withdrawals import destinations, payee_checks
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.kit.ports import resolve
from app.ledger import chart
from app.ledger import service as ledger
from app.notifications import service as notifications
from app.notifications.kinds import (
    MessageFacts,
    WithdrawalCancelled,
    WithdrawalFailed,
    WithdrawalNeedsApproval,
    WithdrawalRequested,
    WithdrawalTerms,
)
from app.outbox import service as outbox
from app.screening.rules import Verdict

PREFIX = "wdr"
WITHDRAWAL = "withdrawal"
_TABLE, _DESTINATION, _INDEX = "withdrawals", "destination_sealed", "destination_index"

_INSERT = """
INSERT INTO withdrawals (id, user_id, method, asset, units, usd_units, status, destination_sealed,
    destination_index, destination_masked, provider, requested_at, looked_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_LOCK = """
SELECT id, user_id, method, asset, units, usd_units, status, destination_sealed,
    destination_masked, provider, provider_ref
FROM withdrawals WHERE id = %s FOR UPDATE
"""
_SET_STATUS = """
UPDATE withdrawals SET status = %s, code = %s, looked_at = %s,
    provider_ref = coalesce(provider_ref, %s),
    completed_at = CASE WHEN %s = 'completed' THEN %s ELSE completed_at END
WHERE id = %s
"""
SET_CHECKED_AT = "UPDATE withdrawals SET looked_at = %s WHERE id = %s"
_INSERT_EVENT = """
INSERT INTO withdrawal_events (id, withdrawal_id, from_status, to_status, actor_id, evidence, at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class LockedWithdrawal:
    """A withdrawal whose row this transaction has locked."""

    id: UUID
    user_id: UUID
    method: PaymentMethod
    amount: Amount
    usd_units: int
    status: WithdrawalStatus
    destination: Mapping[str, str]
    masked_destination: str
    provider: str
    provider_ref: str | None

    @property
    def public_id(self) -> PublicId:
        return ids.encode(PREFIX, self.id)

    @property
    def terms(self) -> WithdrawalTerms:
        """What every message about it says."""
        return WithdrawalTerms(self.public_id, self.amount, self.method, self.masked_destination)


def request(
    session: Session,
    actor: Actor,
    *,
    method: PaymentMethod,
    amount: Amount,
    destination: Mapping[str, str],
) -> UUID | PayeeBlocked:
    """Hold the amount and record the requested withdrawal; return its id.

    A listed payee is returned as a refusal instead of raised, so that its audit record is
    committed.

    Raises `Invalid` naming the field, `PaymentMethodDisabled`, `VerificationRequired`,
    `DailyLimitExceeded`, `ReceivableOutstanding`; the database raises `InsufficientFunds`.
    """
    rail = _payout_rail(method, amount)
    parsed = destinations.parse_destination(method, amount.asset, destination)
    value = _check_allowed(session, actor, method, amount, parsed)
    identifier, now = ids.new(), clock.now()
    public_id = ids.encode(PREFIX, identifier)
    masked = destinations.mask_destination(method, parsed)
    facts = {"method": method, "asset": amount.asset.code, "amount": str(amount), "to": masked}
    audited: dict[str, Any] = {"action": AuditAction.WITHDRAWAL_REQUESTED, "subject": public_id}
    try:
        verdict = payee_checks.screen_payee(session, actor.user_id, public_id, method, parsed)
    except PayeeBlocked as refusal:
        reason = _screening_evidence(Verdict.BLOCKED)
        audit.record(
            session, actor=actor, **audited, after=facts, reason=reason, outcome=AuditOutcome.DENIED
        )
        return refusal
    ledger.place_hold(
        session, hold_id=identifier, account=chart.customer(actor.user_id, amount.asset),
        amount=amount, cause=WITHDRAWAL, placed_at=now,
    )  # fmt: skip
    session.flush()
    status = payee_checks.status_after_screening(verdict, value, resolve(PaymentLimits))
    _insert(
        session,
        identifier,
        (actor.user_id, method, amount.asset.code, amount.units, value.units, status),
        destination=parsed,
        provider=rail.name,
        requested_at=now,
    )
    session.send(
        _INSERT_EVENT,
        (ids.new(), identifier, None, status, actor.user_id, _screening_evidence(verdict), now),
    )
    withdrawal = lock_withdrawal(session, identifier)
    audit.record(session, actor=actor, **audited, after={**facts, "status": status})
    notify_customer(session, withdrawal, WithdrawalRequested(withdrawal.terms, requested_at=now))
    _continue(session, withdrawal)
    return identifier


def _check_allowed(
    session: Session, actor: Actor, method: PaymentMethod, amount: Amount, parsed: Mapping[str, str]
) -> Amount:
    """Check payee, receivables and limits, under the customer's lock; return the value in USD."""
    payee_checks.check_destination_owner(session, actor, method, parsed)
    limits.lock_customer_payments(session, actor.user_id)
    receivables.require_nothing_owed(session, actor.user_id)
    value = limits.usd_value(session, amount)
    withdrawal_min = resolve(PaymentLimits).withdrawal_min
    limits.check_withdrawal_limit(session, actor.user_id, value, withdrawal_min)
    return value


def _insert(
    session: Session,
    identifier: UUID,
    terms: tuple[Any, ...],
    *,
    destination: Mapping[str, str],
    provider: str,
    requested_at: datetime,
) -> None:
    """Store the withdrawal; `terms` are its columns from `user_id` to `status`."""
    key = destinations.lookup_key(terms[1], destination)
    sealed = keys.seal(
        json.dumps(dict(destination)), table=_TABLE, column=_DESTINATION, key=identifier
    )
    index = keys.blind_index(key, table=_TABLE, column=_INDEX)
    masked = destinations.mask_destination(terms[1], destination)
    session.send(
        _INSERT,
        (identifier, *terms, sealed, index, masked, provider, requested_at, requested_at),
    )


def _payout_rail(method: PaymentMethod, amount: Amount) -> PayoutRail:
    if method not in PAYOUT_METHODS:
        names = ", ".join(sorted(PAYOUT_METHODS))
        raise Invalid("method", f"Choose one of {names}. We do not pay out to cards.")
    check_asset(method, amount.asset)
    rail = resolve(PayoutRails).get(method)
    if rail is None:
        raise PaymentMethodDisabled
    return rail


def cancel(session: Session, actor: Actor, withdrawal_id: UUID) -> None:
    """Cancel the customer's own withdrawal before it is sent, and release the hold.

    Raises `NotFound` and `NotCancellable`.
    """
    withdrawal = lock_withdrawal(session, withdrawal_id)
    if withdrawal.user_id != actor.user_id:
        raise NotFound
    if withdrawal.status not in CANCELLABLE_WITHDRAWALS:
        raise NotCancellable
    end_unpaid(session, withdrawal, WithdrawalStatus.CANCELLED, actor=actor)
    cancelled = WithdrawalCancelled(withdrawal.terms, cancelled_at=clock.now())
    notify_customer(session, withdrawal, cancelled)


def reject(session: Session, actor: Actor, withdrawal_id: UUID, *, reason: str) -> None:
    """Reject a withdrawal on behalf of staff, and release the hold.

    Raises `NotFound`, `WrongWithdrawalStatus`, and `Invalid` for the reason.
    """
    reason = approvals_rules.clean_reason(reason)
    withdrawal = lock_withdrawal(session, withdrawal_id)
    if withdrawal.status not in CANCELLABLE_WITHDRAWALS:
        raise WrongWithdrawalStatus
    end_unpaid(session, withdrawal, WithdrawalStatus.REJECTED, actor=actor, reason=reason)
    notify_customer(
        session, withdrawal, WithdrawalFailed(withdrawal.terms, "We cannot make this payment.")
    )


def release(session: Session, actor: Actor, withdrawal_id: UUID, *, reason: str) -> None:
    """Release a large withdrawal that a second member of staff approved (withdrawal_approval.py).

    The payee is screened again, because the withdrawal may have waited for days.
    """
    withdrawal = lock_withdrawal(session, withdrawal_id)
    if withdrawal.status is not WithdrawalStatus.AWAITING_APPROVAL:
        raise WrongWithdrawalStatus
    try:
        verdict = _screen(session, withdrawal)
    except PayeeBlocked:
        reject_listed_payee(session, withdrawal)
        return
    if verdict is not Verdict.CLEAR:
        # The list or the customer's details changed since the request.
        transition(
            session,
            withdrawal,
            WithdrawalStatus.IN_REVIEW,
            actor=actor,
            evidence=_screening_evidence(verdict),
        )
        return
    transition(session, withdrawal, WithdrawalStatus.APPROVED, actor=actor, evidence=reason)
    audit_status(session, withdrawal, WithdrawalStatus.APPROVED, actor=actor, reason=reason)
    stage_sending(session, withdrawal.id, withdrawal.provider)


def review(session: Session, withdrawal_id: UUID) -> None:
    """Screen the payee of a withdrawal in review again, and continue or reject it accordingly."""
    withdrawal = lock_withdrawal(session, withdrawal_id)
    session.send(SET_CHECKED_AT, (clock.now(), withdrawal.id))
    if withdrawal.status is not WithdrawalStatus.IN_REVIEW:
        return
    try:
        verdict = _screen(session, withdrawal)
    except PayeeBlocked:
        reject_listed_payee(session, withdrawal)
        return
    value = limits.usd_from_cents(withdrawal.usd_units)
    status = payee_checks.status_after_screening(verdict, value, resolve(PaymentLimits))
    if status is not WithdrawalStatus.IN_REVIEW:
        transition(session, withdrawal, status, evidence=_screening_evidence(verdict))
        _continue(session, lock_withdrawal(session, withdrawal.id))


def reject_listed_payee(session: Session, withdrawal: LockedWithdrawal) -> None:
    """Reject a withdrawal to, or of, a listed party."""
    end_unpaid(session, withdrawal, WithdrawalStatus.REJECTED, reason="screening: blocked")
    notify_customer(
        session, withdrawal, WithdrawalFailed(withdrawal.terms, "We cannot make this payment.")
    )


def _screen(session: Session, withdrawal: LockedWithdrawal) -> Verdict | None:
    """Screen the payee again. Raises `PayeeBlocked`."""
    return payee_checks.screen_payee(
        session, withdrawal.user_id, withdrawal.public_id, withdrawal.method, withdrawal.destination
    )


def _screening_evidence(verdict: Verdict | None) -> str:
    return f"screening: {verdict or 'no list'}"


def handle_screening_decision(session: Session, about: str) -> None:
    """Review the withdrawal that a sanctions decision is about, if it is one."""
    withdrawal_id = ids.try_decode(PREFIX, about)
    if withdrawal_id is not None:
        review(session, withdrawal_id)


def end_unpaid(
    session: Session,
    withdrawal: LockedWithdrawal,
    status: WithdrawalStatus,
    *,
    actor: Actor | None = None,
    reason: str | None = None,
    payout: Payout | None = None,
) -> None:
    """End a withdrawal that is not paid out, and release the hold."""
    ledger.void_hold(session, withdrawal.id, at=clock.now())
    transition(session, withdrawal, status, actor=actor, evidence=reason, payout=payout)
    audit_status(session, withdrawal, status, actor=actor, reason=reason)


def _continue(session: Session, withdrawal: LockedWithdrawal) -> None:
    if withdrawal.status is WithdrawalStatus.APPROVED:
        stage_sending(session, withdrawal.id, withdrawal.provider)
    elif withdrawal.status is WithdrawalStatus.AWAITING_APPROVAL:
        notify_customer(session, withdrawal, WithdrawalNeedsApproval(withdrawal.terms))


def stage_sending(session: Session, withdrawal_id: UUID, provider: str) -> None:
    """Stage the job that sends the withdrawal or checks it, unless it waits already."""
    args = {"withdrawal_id": str(withdrawal_id)}
    outbox.stage_unless_waiting(session, "funding.send_withdrawal", args, provider=provider)


def transition(
    session: Session,
    withdrawal: LockedWithdrawal,
    status: WithdrawalStatus,
    *,
    actor: Actor | None = None,
    evidence: str | None = None,
    payout: Payout | None = None,
) -> None:
    """Set the next status and record it with its evidence. Raises for an undeclared transition."""
    WITHDRAWAL_TRANSITIONS.transition(withdrawal.status, status)
    now, ref = clock.now(), (payout.provider_ref or None) if payout else None
    code = evidence if status is WithdrawalStatus.FAILED else None
    session.send(_SET_STATUS, (status, code, now, ref, status, now, withdrawal.id))
    evidence_text = evidence or (payout.evidence or payout.provider_ref if payout else None)
    actor_id = actor.user_id if actor else None
    session.send(
        _INSERT_EVENT,
        (ids.new(), withdrawal.id, withdrawal.status, status, actor_id, evidence_text, now),
    )


def audit_status(
    session: Session,
    withdrawal: LockedWithdrawal,
    status: WithdrawalStatus,
    *,
    actor: Actor | None = None,
    reason: str | None = None,
) -> None:
    """Record the new status in the audit trail."""
    audit.record(
        session,
        actor=actor,
        action=AuditAction(f"withdrawal.{status}"),
        subject=withdrawal.public_id,
        on_behalf_of=withdrawal.user_id,
        before={"status": withdrawal.status},
        after={
            "status": status,
            "asset": withdrawal.amount.asset.code,
            "amount": str(withdrawal.amount),
        },
        reason=reason,
    )


def notify_customer(session: Session, withdrawal: LockedWithdrawal, message: MessageFacts) -> None:
    """Stage a message to the customer, at most one of its kind for the withdrawal."""
    notifications.notify(session, message, to=withdrawal.user_id, event=withdrawal.public_id)


def lock_withdrawal(session: Session, withdrawal_id: UUID) -> LockedWithdrawal:
    """Return the withdrawal, its row locked. Raises `NotFound`."""
    row = session.row(_LOCK, (withdrawal_id,))
    if row is None:
        raise NotFound
    identifier, user_id, method, code, units, usd_units, status, sealed, masked, *rest = row
    raw = keys.open_sealed(sealed, table=_TABLE, column=_DESTINATION, key=identifier)
    return LockedWithdrawal(
        identifier, user_id, PaymentMethod(method), Amount(TRADABLE[code], units), usd_units,
        WithdrawalStatus(status), json.loads(raw), masked, *rest,
    )  # fmt: skip
