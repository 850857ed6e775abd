"""The verbs of withdrawals: ask, cancel, review, reject, release.

The money is held from the start. What happens once it is approved stands in payouts.py.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.access import Actor
from app.approvals import rules as approvals_rules
from app.audit import service as audit
from app.catalog.rules import TRADABLE
from app.funding import limits
from app.funding.errors import (
    NotCancellable,
    PayeeBlocked,
    PaymentMethodDisabled,
    WrongWithdrawalStatus,
)
from app.funding.limits import PaymentLimits
from app.funding.ports import PaymentMethod, Payout, PayoutRail, PayoutRails
from app.funding.receivables import service as receivables
from app.funding.rules import PAYOUT_METHODS, check_asset
from app.funding.states import CANCELLABLE_WITHDRAWALS, WITHDRAWAL_TRANSITIONS, WithdrawalStatus
from app.funding.withdrawals import destinations, payee_checks
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.money import Amount
from app.kit.ports import resolve
from app.kit.tasks import task
from app.ledger import chart
from app.ledger import service as ledger
from app.outbox import service as outbox
from app.screening.decisions import case_decisions
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
_STEP = """
UPDATE withdrawals SET status = %s, code = %s, looked_at = %s,
    provider_ref = coalesce(provider_ref, %s),
    completed_at = CASE WHEN %s = 'completed' THEN %s ELSE completed_at END
WHERE id = %s
"""
SET_CHECKED_AT = "UPDATE withdrawals SET looked_at = %s WHERE id = %s"
_EVENT = """
INSERT INTO withdrawal_events (id, withdrawal_id, from_status, to_status, actor_id, evidence, at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class LockedWithdrawal:
    """A withdrawal as it stands in its row, which is locked."""

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
    def public_id(self) -> str:
        return ids.encode(PREFIX, self.id)


def request(
    session: Session,
    actor: Actor,
    *,
    method: PaymentMethod,
    amount: Amount,
    destination: Mapping[str, str],
) -> UUID | PayeeBlocked:
    """Ask for money to be sent; it is held at once. Answers the withdrawal's id; or that its
    recipient is listed, as a value, for that this was found is kept.

    Raises `Invalid` naming the field, `PaymentMethodDisabled`, `VerificationRequired`,
    `DailyLimitExceeded`, `AccountOwes`; the database raises `InsufficientFunds`.
    """
    rail = _payout_rail(method, amount)
    where = destinations.parse_destination(method, amount.asset, destination)
    payee_checks.check_destination_owner(session, actor, method, where)
    allowed = resolve(PaymentLimits)
    limits.lock_customer_payments(session, actor.user_id)
    receivables.require_nothing_owed(session, actor.user_id)
    value = limits.usd_value(session, amount)
    limits.check_withdrawal_limit(session, actor.user_id, value, allowed.withdrawal_min)
    identifier, now = ids.new(), clock.now()
    public_id, masked = ids.encode(PREFIX, identifier), destinations.mask_destination(method, where)
    told = {"method": method, "asset": amount.asset.code, "amount": str(amount), "to": masked}
    noted: dict[str, Any] = {"actor": actor, "action": "withdrawal.requested", "subject": public_id}
    try:
        verdict = payee_checks.screen_payee(session, actor.user_id, public_id, method, where)
    except PayeeBlocked as blocked:
        audit.record(
            session,
            **noted,
            after=told,
            reason=_screening_evidence(Verdict.BLOCKED),
            outcome="denied",
        )
        return blocked
    ledger.place_hold(
        session,
        hold_id=identifier,
        account=chart.customer(actor.user_id, amount.asset),
        amount=amount,
        cause=WITHDRAWAL,
        placed_at=now,
    )
    session.flush()
    status = payee_checks.status_after_screening(verdict, value, allowed)
    key = destinations.lookup_key(method, where)
    session.send(
        _INSERT,
        (
            identifier, actor.user_id, method, amount.asset.code, amount.units, value.units, status,
            keys.seal(json.dumps(dict(where)), table=_TABLE, column=_DESTINATION, key=identifier),
            keys.blind_index(key, table=_TABLE, column=_INDEX), masked, rail.name, now, now,
        ),
    )  # fmt: skip
    session.send(
        _EVENT,
        (ids.new(), identifier, None, status, actor.user_id, _screening_evidence(verdict), now),
    )
    asked = lock_withdrawal(session, identifier)
    audit.record(session, **noted, after={**told, "status": status})
    notify_customer(session, asked, "withdrawal_requested", requested_at=clock.rfc3339(now))
    _continue(session, asked)
    return identifier


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
    """The customer takes it back before it is sent; the money is free again. Raises `NotFound` and
    `NotCancellable`."""
    asked = lock_withdrawal(session, withdrawal_id)
    if asked.user_id != actor.user_id:
        raise NotFound
    if asked.status not in CANCELLABLE_WITHDRAWALS:
        raise NotCancellable
    end_unpaid(session, asked, WithdrawalStatus.CANCELLED, actor=actor)
    notify_customer(session, asked, "withdrawal_cancelled", cancelled_at=clock.rfc3339(clock.now()))


def reject(session: Session, actor: Actor, withdrawal_id: UUID, *, reason: str) -> None:
    """Staff refuse to send it; the money is free again. Raises `NotFound`, `WrongWithdrawalStatus`,
    and `Invalid` for the reason."""
    reason = approvals_rules.clean_reason(reason)
    asked = lock_withdrawal(session, withdrawal_id)
    if asked.status not in CANCELLABLE_WITHDRAWALS:
        raise WrongWithdrawalStatus
    end_unpaid(session, asked, WithdrawalStatus.REJECTED, actor=actor, why=reason)
    notify_customer(session, asked, "withdrawal_failed", reason="We cannot make this payment.")


def release(session: Session, actor: Actor, withdrawal_id: UUID, *, reason: str) -> None:
    """Two of our staff agreed that it may go. It is screened once more:
    it may have waited for days."""
    asked = lock_withdrawal(session, withdrawal_id)
    if asked.status is not WithdrawalStatus.AWAITING_APPROVAL:
        raise WrongWithdrawalStatus
    try:
        verdict = _screen(session, asked)
    except PayeeBlocked:
        reject_listed_payee(session, asked)
        return
    if verdict is not Verdict.CLEAR:
        # The list, or what is known of the customer, is newer than the request.
        transition(
            session,
            asked,
            WithdrawalStatus.IN_REVIEW,
            actor=actor,
            evidence=_screening_evidence(verdict),
        )
        return
    transition(session, asked, WithdrawalStatus.APPROVED, actor=actor, evidence=reason)
    audit_status(session, asked, WithdrawalStatus.APPROVED, actor=actor, reason=reason)
    _stage_sending(session, asked)


@task("funding.review_withdrawal")
def review(session: Session, *, withdrawal_id: str) -> None:
    """Look again at one whose recipient was in question: it goes on once nothing speaks against
    it, and ends where compliance decided so."""
    asked = lock_withdrawal(session, UUID(withdrawal_id))
    session.send(SET_CHECKED_AT, (clock.now(), asked.id))
    if asked.status is not WithdrawalStatus.IN_REVIEW:
        return
    try:
        verdict = _screen(session, asked)
    except PayeeBlocked:
        reject_listed_payee(session, asked)
        return
    value = limits.usd_from_cents(asked.usd_units)
    status = payee_checks.status_after_screening(verdict, value, resolve(PaymentLimits))
    if status is not WithdrawalStatus.IN_REVIEW:
        transition(session, asked, status, evidence=_screening_evidence(verdict))
        _continue(session, lock_withdrawal(session, asked.id))


def reject_listed_payee(session: Session, asked: LockedWithdrawal) -> None:
    """It goes to a listed party, or is one's: it ends."""
    end_unpaid(session, asked, WithdrawalStatus.REJECTED, why="screening: blocked")
    notify_customer(session, asked, "withdrawal_failed", reason="We cannot make this payment.")


def _screen(session: Session, asked: LockedWithdrawal) -> Verdict | None:
    return payee_checks.screen_payee(
        session, asked.user_id, asked.public_id, asked.method, asked.destination
    )


def _screening_evidence(verdict: Verdict | None) -> str:
    return f"screening: {verdict or 'no list'}"


@task("funding.screening_decided")
def handle_screening_decision(
    session: Session,
    *,
    about: str,
    person_id: str | None,  # noqa: ARG001 - the same decision is told to rooms that need it
    verdict: str,  # noqa: ARG001 - the lists are asked again: others may be undecided
) -> None:
    """Compliance decided about a hit: the withdrawal that it was about is looked at again."""
    withdrawal_id = ids.try_decode(PREFIX, about)
    if withdrawal_id is not None:
        review(session, withdrawal_id=str(withdrawal_id))


case_decisions.stage_on_decision("funding.screening_decided")


def end_unpaid(
    session: Session,
    asked: LockedWithdrawal,
    status: WithdrawalStatus,
    *,
    actor: Actor | None = None,
    why: str | None = None,
    payout: Payout | None = None,
) -> None:
    """It ends without money having gone: what was held is free again."""
    ledger.void_hold(session, asked.id, at=clock.now())
    transition(session, asked, status, actor=actor, evidence=why, payout=payout)
    audit_status(session, asked, status, actor=actor, reason=why)


def _continue(session: Session, asked: LockedWithdrawal) -> None:
    if asked.status is WithdrawalStatus.APPROVED:
        _stage_sending(session, asked)
    elif asked.status is WithdrawalStatus.AWAITING_APPROVAL:
        notify_customer(session, asked, "withdrawal_needs_approval")


def _stage_sending(session: Session, asked: LockedWithdrawal) -> None:
    outbox.stage(session, "funding.send_withdrawal", {"withdrawal_id": str(asked.id)})


def transition(
    session: Session,
    asked: LockedWithdrawal,
    status: WithdrawalStatus,
    *,
    actor: Actor | None = None,
    evidence: str | None = None,
    payout: Payout | None = None,
) -> None:
    """Write the next status, if it is declared."""
    WITHDRAWAL_TRANSITIONS.transition(asked.status, status)
    now, ref = clock.now(), (payout.provider_ref or None) if payout else None
    code = evidence if status is WithdrawalStatus.FAILED else None
    session.send(_STEP, (status, code, now, ref, status, now, asked.id))
    said = evidence or (payout.evidence or payout.provider_ref if payout else None)
    by = actor.user_id if actor else None
    session.send(_EVENT, (ids.new(), asked.id, asked.status, status, by, said, now))


def audit_status(
    session: Session,
    asked: LockedWithdrawal,
    status: WithdrawalStatus,
    *,
    actor: Actor | None = None,
    reason: str | None = None,
) -> None:
    """Into the audit trail: what became of it."""
    audit.record(
        session,
        actor=actor,
        action=f"withdrawal.{status}",
        subject=asked.public_id,
        on_behalf_of=asked.user_id,
        before={"status": asked.status},
        after={
            "status": status, "asset": asked.amount.asset.code, "amount": str(asked.amount),
        },
        reason=reason,
    )  # fmt: skip


def notify_customer(session: Session, asked: LockedWithdrawal, kind: str, **values: str) -> None:
    """To the customer, once for each kind."""
    told: dict[str, Any] = {
        "withdrawal": asked.public_id,
        "amount": str(asked.amount),
        "asset": asked.amount.asset.code,
        "method": asked.method,
        "destination": asked.masked_destination,
        **values,
    }
    event = {"user_id": str(asked.user_id), "event_key": f"{kind}:{asked.public_id}"}
    outbox.stage(session, "messages.deliver", {**event, "kind": kind, "values": told})


def lock_withdrawal(session: Session, withdrawal_id: UUID) -> LockedWithdrawal:
    """The withdrawal, its row locked. Raises `NotFound`."""
    row = session.row(_LOCK, (withdrawal_id,))
    if row is None:
        raise NotFound
    identifier, user_id, method, code, units, usd_units, status, sealed, masked, *rest = row
    raw = keys.open_sealed(sealed, table=_TABLE, column=_DESTINATION, key=identifier)
    return LockedWithdrawal(
        identifier, user_id, PaymentMethod(method), Amount(TRADABLE[code], units), usd_units,
        WithdrawalStatus(status), json.loads(raw), masked, *rest,
    )  # fmt: skip
