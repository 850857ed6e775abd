"""Deposits: the verbs of the customer, and the steps of a deposit's row.

Who brings them on: payments.py for what a processor collects, incoming_transfers.py for what comes
on an account. A deposit is credited once, because its entry bears its id.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.catalog.rules import TRADABLE
from app.custody.ports import Custodians
from app.funding import limits
from app.funding.errors import NotCancellable, PaymentMethodDisabled, TooManyCardFailures
from app.funding.limits import PaymentLimits, check_card_amount
from app.funding.ports import (
    IncomingTransferRails,
    PaymentMethod,
    PaymentRails,
)
from app.funding.receivables import service as receivables
from app.funding.rules import check_asset
from app.funding.states import DEPOSIT_TRANSITIONS, OPEN_DEPOSITS, DepositStatus
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.money import Amount
from app.kit.ports import resolve
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.chart import AccountKey
from app.outbox import service as outbox

PREFIX = "dep"
DEPOSIT = "deposit"
_TABLE, _SOURCE, _INSTRUCTIONS = "deposits", "source_sealed", "instructions_sealed"
_FAILED_LATELY = timedelta(hours=1)
#: An announcement of a transfer is looked at for so long.
_WAITED_FOR = timedelta(days=30)

_INSERT = """
INSERT INTO deposits (id, user_id, method, asset, asked_units, status, provider, source_sealed,
    requested_at, looked_at)
VALUES (%s, %s, %s, %s, %s, 'requested', %s, %s, %s, %s)
"""
_READ = """
SELECT id, user_id, method, asset, asked_units, status, provider, provider_ref, source_sealed,
    requested_at, opened_at
FROM deposits WHERE id = %s
"""
_LOCK = f"{_READ} FOR UPDATE"
_OPENED = "UPDATE deposits SET opened_at = coalesce(opened_at, %s), looked_at = %s WHERE id = %s"
SET_CHECKED_AT = "UPDATE deposits SET looked_at = %s WHERE id = %s"
SET_PROVIDER_REF = "UPDATE deposits SET provider_ref = %s WHERE id = %s AND provider_ref IS NULL"
_TELL = "UPDATE deposits SET instructions_sealed = %s WHERE id = %s"
_STEP = "UPDATE deposits SET status = %s, code = %s, looked_at = %s WHERE id = %s"
_CREDIT = """
UPDATE deposits SET status = 'credited', credited_units = %s, cost_units = %s, credited_at = %s,
    source_sealed = NULL, instructions_sealed = NULL, looked_at = %s, code = NULL
WHERE id = %s
"""
_FORGET_SOURCE = "UPDATE deposits SET source_sealed = NULL WHERE id = %s"
_EVENT = """
INSERT INTO deposit_events (id, deposit_id, from_status, to_status, evidence, at)
VALUES (%s, %s, %s, %s, %s, %s)
"""
# What is not decided yet counts: of many at once, the first few are seen to fail.
_FAILURES = """
SELECT count(*) FROM deposits
WHERE user_id = %s AND method = 'card' AND status IN ('failed', 'requested', 'unknown')
    AND requested_at > %s
"""


@dataclass(frozen=True, slots=True)
class DepositRecord:
    """A deposit as it stands in its row."""

    id: UUID
    user_id: UUID
    method: PaymentMethod
    requested_amount: Amount
    status: DepositStatus
    provider: str
    provider_ref: str | None
    source: str
    requested_at: datetime
    opened_at: datetime | None

    @property
    def public_id(self) -> str:
        return ids.encode(PREFIX, self.id)


def request(
    session: Session, actor: Actor, *, method: PaymentMethod, amount: Amount, source: str = ""
) -> UUID:
    """Announce a deposit and have its provider asked; answers its id.

    `source` is what the method charges: a processor's token of a card, a phone number. Raises
    `Invalid`, `PaymentMethodDisabled`, `VerificationRequired`, `DailyLimitExceeded` and
    `TooManyCardFailures`.
    """
    check_asset(method, amount.asset)
    provider = _provider(method)
    allowed = resolve(PaymentLimits)
    limits.lock_customer_payments(session, actor.user_id)
    if method is PaymentMethod.CARD:
        check_card_amount(amount, allowed)
        _check_failures(session, actor.user_id, allowed)
    limits.check_deposit_limit(session, actor.user_id, amount)
    identifier, now = ids.new(), clock.now()
    sealed = keys.seal(source, table=_TABLE, column=_SOURCE, key=identifier) if source else None
    session.send(
        _INSERT,
        (
            identifier, actor.user_id, method, amount.asset.code, amount.units, provider, sealed,
            now, now,
        ),
    )  # fmt: skip
    record_event(session, identifier, None, DepositStatus.REQUESTED, None)
    audit.record(
        session,
        actor=actor,
        action="deposit.requested",
        subject=ids.encode(PREFIX, identifier),
        after={"method": method, "asset": amount.asset.code, "amount": str(amount)},
    )
    stage_advance(session, identifier, method)
    return identifier


def cancel(session: Session, actor: Actor, deposit_id: UUID) -> None:
    """Take an announcement back. Money that comes all the same is credited. Raises `NotFound`, and
    `NotCancellable` for what the provider has in hand."""
    deposit = lock_deposit(session, deposit_id)
    if deposit.user_id != actor.user_id:
        raise NotFound
    is_announcement = deposit.method in {PaymentMethod.BANK, PaymentMethod.CRYPTO}
    if not is_announcement or deposit.status not in OPEN_DEPOSITS - {DepositStatus.UNKNOWN}:
        raise NotCancellable
    transition(session, deposit, DepositStatus.CANCELLED)
    audit.record(session, actor=actor, action="deposit.cancelled", subject=deposit.public_id)


def mark_opened(session: Session, deposit: DepositRecord) -> None:
    """Its provider is about to be asked."""
    now = clock.now()
    session.send(_OPENED, (now, now, deposit.id))


def set_instructions(session: Session, deposit: DepositRecord, details: Mapping[str, str]) -> None:
    """The customer has to act, and needs these for it."""
    now_stands = lock_deposit(session, deposit.id)
    if now_stands.status not in OPEN_DEPOSITS:
        return
    text = json.dumps(dict(details))
    sealed = keys.seal(text, table=_TABLE, column=_INSTRUCTIONS, key=deposit.id)
    session.send(_TELL, (sealed, deposit.id))
    if now_stands.status is not DepositStatus.PENDING:
        transition(session, now_stands, DepositStatus.PENDING)
        notify_customer(session, now_stands, "deposit_pending", now_stands.requested_amount)


def stage_advance(session: Session, deposit_id: UUID, method: PaymentMethod) -> None:
    """Have a deposit looked at."""
    names = {
        PaymentMethod.BANK: "funding.look_for_arrivals",
        PaymentMethod.CRYPTO: "funding.give_address",
    }
    name = names.get(method, "funding.advance_deposit")
    outbox.stage(session, name, {"deposit_id": str(deposit_id)})


def settlement_account(method: PaymentMethod, amount: Amount, provider_id: UUID) -> AccountKey:
    """The account on which what came by this method stands."""
    kinds = {PaymentMethod.BANK: chart.bank, PaymentMethod.CRYPTO: chart.custody}
    return kinds.get(method, chart.processor)(amount.asset, provider_id)


def credit(
    session: Session, deposit: DepositRecord, amount: Amount, cost: Amount, account: AccountKey
) -> None:
    """It came: the customer has it."""
    DEPOSIT_TRANSITIONS.transition(deposit.status, DepositStatus.CREDITED)
    now = clock.now()
    session.send(_CREDIT, (amount.units, cost.units, now, now, deposit.id))
    record_event(session, deposit.id, deposit.status, DepositStatus.CREDITED, deposit.provider_ref)
    post_credit(session, deposit, amount, cost, account)


def post_credit(
    session: Session, deposit: DepositRecord, amount: Amount, cost: Amount, account: AccountKey
) -> None:
    """The entry of a deposit, and what follows from it."""
    now = clock.now()
    ledger.post(
        session,
        cause=DEPOSIT,
        reference=deposit.public_id,
        posted_at=now,
        postings=[
            ledger.debit(account, amount - cost),
            ledger.debit(chart.processing_costs(cost.asset), cost),
            ledger.credit(chart.customer(deposit.user_id, amount.asset), amount),
        ],
    )
    audit.record(
        session,
        actor=None,
        action="deposit.credited",
        subject=deposit.public_id,
        on_behalf_of=deposit.user_id,
        after={"asset": amount.asset.code, "amount": str(amount), "method": deposit.method},
    )
    notify_customer(session, deposit, "deposit_credited", amount, credited_at=clock.rfc3339(now))
    receivables.collect(session, deposit.user_id, amount.asset)
    limits.report_limit_excess(session, deposit.user_id, deposit.public_id)


def set_dispute_status(
    session: Session, deposit_id: UUID, status: DepositStatus, evidence: str
) -> None:
    """A dispute changes what a credited deposit is."""
    deposit = lock_deposit(session, deposit_id)
    if deposit.status is not status:
        transition(session, deposit, status, evidence=evidence)


def fail(session: Session, deposit_id: UUID, code: str) -> None:
    """It will never come: the customer is told why."""
    deposit = lock_deposit(session, deposit_id)
    if deposit.status not in OPEN_DEPOSITS:
        return
    transition(session, deposit, DepositStatus.FAILED, code=code, evidence=code)
    session.send(_FORGET_SOURCE, (deposit.id,))
    reason = FAILURE_REASONS.get(code, "The payment was not possible.")
    notify_customer(session, deposit, "deposit_failed", deposit.requested_amount, reason=reason)


def expire_if_overdue(session: Session, deposit: DepositRecord) -> bool:
    """Whether an announcement is so old that nobody waits for it any more; then it ends here. What
    comes all the same is credited, as everything is that comes unannounced."""
    if clock.now() - deposit.requested_at < _WAITED_FOR:
        return False
    fail(session, deposit.id, "nothing_came")
    return True


#: What a customer is told of a provider's word for why it failed.
FAILURE_REASONS = {
    "card_declined": "The bank of the card declined it.",
    "insufficient_funds": "There was not enough money on it.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The security code of the card was not right.",
    "authentication_required": "The bank of the card wants to be asked another way.",
    "cancelled_by_user": "You declined it on your phone.",
    "never_finished": "It was not finished in time.",
    "never_arrived": "The provider knows nothing of it.",
    "nothing_came": "Nothing came within 30 days. What comes later is credited all the same.",
}


def transition(
    session: Session,
    deposit: DepositRecord,
    status: DepositStatus,
    *,
    code: str | None = None,
    evidence: str | None = None,
) -> None:
    DEPOSIT_TRANSITIONS.transition(deposit.status, status)
    session.send(_STEP, (status, code, clock.now(), deposit.id))
    record_event(session, deposit.id, deposit.status, status, evidence)


def record_event(
    session: Session,
    deposit_id: UUID,
    old: DepositStatus | None,
    new: DepositStatus,
    evidence: str | None,
) -> None:
    session.send(_EVENT, (ids.new(), deposit_id, old, new, evidence, clock.now()))


def notify_customer(
    session: Session, deposit: DepositRecord, kind: str, amount: Amount, **values: str
) -> None:
    told: dict[str, Any] = {
        "deposit": deposit.public_id,
        "amount": str(amount),
        "asset": amount.asset.code,
        "method": deposit.method,
        **values,
    }
    event = {"user_id": str(deposit.user_id), "event_key": f"{kind}:{deposit.public_id}"}
    outbox.stage(session, "messages.deliver", {**event, "kind": kind, "values": told})


def _check_failures(session: Session, user_id: UUID, allowed: PaymentLimits) -> None:
    row = session.row(_FAILURES, (user_id, clock.now() - _FAILED_LATELY))
    if row is not None and row[0] >= allowed.card_failures_per_hour:
        raise TooManyCardFailures


def _provider(method: PaymentMethod) -> str:
    if method is PaymentMethod.CRYPTO and resolve(Custodians):
        return "custody"
    rail = resolve(PaymentRails).get(method) or resolve(IncomingTransferRails).get(method)
    if rail is None:
        raise PaymentMethodDisabled
    return rail.name


def find_deposit(session: Session, deposit_id: UUID, *, lock: bool = False) -> DepositRecord | None:
    """The deposit; with `lock` nobody else changes it before this transaction ends."""
    row = session.row(_LOCK if lock else _READ, (deposit_id,))
    return _from(row) if row else None


def lock_deposit(session: Session, deposit_id: UUID) -> DepositRecord:
    """The deposit, its row locked. Raises `NotFound`."""
    deposit = find_deposit(session, deposit_id, lock=True)
    if deposit is None:
        raise NotFound
    return deposit


def _from(row: Any) -> DepositRecord:
    identifier, user_id, method, code, asked, status, provider, ref, sealed, at, opened_at = row
    source = ""
    if sealed is not None:
        source = keys.open_sealed(sealed, table=_TABLE, column=_SOURCE, key=identifier).decode()
    return DepositRecord(
        identifier, user_id, PaymentMethod(method), Amount(TRADABLE[code], asked or 0),
        DepositStatus(status), provider, ref, source, at, opened_at,
    )  # fmt: skip
