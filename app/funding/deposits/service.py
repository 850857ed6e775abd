"""The verbs of deposits, and the transitions of a deposit's row.

A deposit is credited once, because its ledger entry bears its id. What moves it on is in
payments.py for what a processor collects, and in incoming_transfers.py for bank transfers.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.rules import TRADABLE, PaymentMethod
from app.custody.ports import Custodians
from app.funding import limits
from app.funding.errors import NotCancellable, PaymentMethodDisabled
from app.funding.ports import IncomingTransferRails, PaymentRails
from app.funding.receivables import service as receivables
from app.funding.rules import check_asset
from app.funding.states import DEPOSIT_TRANSITIONS, OPEN_DEPOSITS, DepositStatus
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.kit.ports import resolve
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.chart import AccountKey
from app.notifications import service as notifications
from app.notifications.kinds import (
    BankInstructions,
    DepositCredited,
    DepositFailed,
    DepositPending,
    DepositTerms,
    MessageFacts,
    TokenInstructions,
    TransferAwaited,
)
from app.outbox import service as outbox

PREFIX = "dep"
DEPOSIT = "deposit"
_TABLE, _SOURCE, _INSTRUCTIONS = "deposits", "source_sealed", "instructions_sealed"
#: After this time an announced transfer is given up.
_ANNOUNCEMENT_MAX = timedelta(days=30)

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
_SET_OPENED_AT = (
    "UPDATE deposits SET opened_at = coalesce(opened_at, %s), looked_at = %s WHERE id = %s"
)
SET_CHECKED_AT = "UPDATE deposits SET looked_at = %s WHERE id = %s"
SET_PROVIDER_REF = "UPDATE deposits SET provider_ref = %s WHERE id = %s AND provider_ref IS NULL"
_SET_INSTRUCTIONS = "UPDATE deposits SET instructions_sealed = %s WHERE id = %s"
_SET_STATUS = "UPDATE deposits SET status = %s, code = %s, looked_at = %s WHERE id = %s"
_SET_CREDITED = """
UPDATE deposits SET status = 'credited', credited_units = %s, cost_units = %s, credited_at = %s,
    source_sealed = NULL, instructions_sealed = NULL, looked_at = %s, code = NULL
WHERE id = %s
"""
_CLEAR_SOURCE = "UPDATE deposits SET source_sealed = NULL WHERE id = %s"
_INSERT_EVENT = """
INSERT INTO deposit_events (id, deposit_id, from_status, to_status, evidence, at)
VALUES (%s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class DepositRecord:
    """A deposit as its row says."""

    id: UUID
    user_id: UUID
    method: PaymentMethod
    requested_amount: Amount
    status: DepositStatus
    provider: str
    provider_ref: str | None
    #: What the method charges: a processor's token of a card, a phone number.
    source: str
    requested_at: datetime
    #: When the provider was first called; None before.
    opened_at: datetime | None

    @property
    def public_id(self) -> PublicId:
        return ids.encode(PREFIX, self.id)

    def terms(self, amount: Amount) -> DepositTerms:
        """Return what a message about this amount of it says."""
        return DepositTerms(self.public_id, amount, self.method)


def request(
    session: Session, actor: Actor, *, method: PaymentMethod, amount: Amount, source: str = ""
) -> UUID:
    """Record a requested deposit, stage the call to its provider, and return the deposit's id.

    `source` is what the method charges: a processor's token of a card, a phone number. Raises
    `Invalid`, `PaymentMethodDisabled`, `VerificationRequired`, `DailyLimitExceeded` and
    `TooManyCardFailures`.
    """
    check_asset(method, amount.asset)
    provider = _provider_name(method)
    limits.check_deposit(session, actor.user_id, method, amount)
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
        action=AuditAction.DEPOSIT_REQUESTED,
        subject=ids.encode(PREFIX, identifier),
        after={"method": method, "asset": amount.asset.code, "amount": str(amount)},
    )
    stage_advance(session, identifier, method, provider)
    return identifier


def cancel(session: Session, actor: Actor, deposit_id: UUID) -> None:
    """Cancel an announced transfer of the customer. Money that arrives later is still credited.

    Raises `NotFound`, and `NotCancellable` for a payment that the provider is processing.
    """
    deposit = lock_deposit(session, deposit_id)
    if deposit.user_id != actor.user_id:
        raise NotFound
    is_announcement = deposit.method in {PaymentMethod.BANK, PaymentMethod.CRYPTO}
    if not is_announcement or deposit.status not in OPEN_DEPOSITS - {DepositStatus.UNKNOWN}:
        raise NotCancellable
    transition(session, deposit, DepositStatus.CANCELLED)
    audit.record(
        session, actor=actor, action=AuditAction.DEPOSIT_CANCELLED, subject=deposit.public_id
    )


def mark_opened(session: Session, deposit: DepositRecord) -> None:
    """Record that the provider is about to be called, so that a crash in between is noticed."""
    now = clock.now()
    session.send(_SET_OPENED_AT, (now, now, deposit.id))


def set_instructions(session: Session, deposit: DepositRecord, details: Mapping[str, str]) -> None:
    """Store what the customer needs to complete the payment, sealed, and notify them."""
    current = lock_deposit(session, deposit.id)
    if current.status not in OPEN_DEPOSITS:
        return
    text = json.dumps(dict(details))
    sealed = keys.seal(text, table=_TABLE, column=_INSTRUCTIONS, key=deposit.id)
    session.send(_SET_INSTRUCTIONS, (sealed, deposit.id))
    if current.status is not DepositStatus.PENDING:
        transition(session, current, DepositStatus.PENDING)
        notify_customer(session, current, _pending_message(current, details))


def stage_advance(session: Session, deposit_id: UUID, method: PaymentMethod, provider: str) -> None:
    """Stage the job that moves the deposit on, unless it waits already."""
    task_names = {
        PaymentMethod.BANK: "funding.look_for_arrivals",
        PaymentMethod.CRYPTO: "funding.give_address",
    }
    task_name = task_names.get(method, "funding.advance_deposit")
    args = {"deposit_id": str(deposit_id)}
    outbox.stage_unless_waiting(session, task_name, args, provider=provider)


def settlement_account(method: PaymentMethod, amount: Amount, provider_id: UUID) -> AccountKey:
    """Return the ledger account that holds money paid in or out by this method."""
    account_classes = {PaymentMethod.BANK: chart.bank, PaymentMethod.CRYPTO: chart.custody}
    return account_classes.get(method, chart.processor)(amount.asset, provider_id)


def credit(
    session: Session, deposit: DepositRecord, amount: Amount, cost: Amount, account: AccountKey
) -> None:
    """Credit the deposit: `amount` arrived, of which the provider kept `cost`."""
    DEPOSIT_TRANSITIONS.transition(deposit.status, DepositStatus.CREDITED)
    now = clock.now()
    session.send(_SET_CREDITED, (amount.units, cost.units, now, now, deposit.id))
    record_event(session, deposit.id, deposit.status, DepositStatus.CREDITED, deposit.provider_ref)
    post_credit(session, deposit, amount, cost, account)


def post_credit(
    session: Session, deposit: DepositRecord, amount: Amount, cost: Amount, account: AccountKey
) -> None:
    """Post the deposit's entry, notify the customer, and collect what they owe PBCEx."""
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
        action=AuditAction.DEPOSIT_CREDITED,
        subject=deposit.public_id,
        on_behalf_of=deposit.user_id,
        after={"asset": amount.asset.code, "amount": str(amount), "method": deposit.method},
    )
    notify_customer(session, deposit, DepositCredited(deposit.terms(amount), credited_at=now))
    receivables.collect(session, deposit.user_id, amount.asset)
    limits.report_limit_excess(session, deposit.user_id, deposit.public_id)


def set_dispute_status(
    session: Session, deposit_id: UUID, status: DepositStatus, evidence: str
) -> None:
    """Set the status of a credited deposit that is, or was, disputed."""
    deposit = lock_deposit(session, deposit_id)
    if deposit.status is not status:
        transition(session, deposit, status, evidence=evidence)


def fail(session: Session, deposit_id: UUID, code: str) -> None:
    """End a deposit that will not arrive, and tell the customer why."""
    deposit = lock_deposit(session, deposit_id)
    if deposit.status not in OPEN_DEPOSITS:
        return
    transition(session, deposit, DepositStatus.FAILED, code=code, evidence=code)
    session.send(_CLEAR_SOURCE, (deposit.id,))
    reason = FAILURE_REASONS.get(code, "The payment could not be made.")
    notify_customer(
        session, deposit, DepositFailed(deposit.terms(deposit.requested_amount), reason)
    )


def expire_if_overdue(session: Session, deposit: DepositRecord) -> bool:
    """Fail an announcement older than 30 days, and return whether it was.

    Money that arrives later is credited, like every transfer that was not announced.
    """
    if clock.now() - deposit.requested_at < _ANNOUNCEMENT_MAX:
        return False
    fail(session, deposit.id, "nothing_came")
    return True


#: What the customer reads for each of the providers' failure codes.
FAILURE_REASONS = {
    "card_declined": "The card's bank declined the payment.",
    "insufficient_funds": "There was not enough money on the card or account.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The card's security code was wrong.",
    "authentication_required": "The card's bank requires you to confirm the payment.",
    "cancelled_by_user": "You declined the payment on your phone.",
    "never_finished": "The payment was not completed in time.",
    "never_arrived": "The provider has no record of the payment.",
    "nothing_came": "No money arrived within 30 days. If it arrives later, we still credit it.",
}


def transition(
    session: Session,
    deposit: DepositRecord,
    status: DepositStatus,
    *,
    code: str | None = None,
    evidence: str | None = None,
) -> None:
    """Set the next status. Raises if the transition is not declared."""
    DEPOSIT_TRANSITIONS.transition(deposit.status, status)
    session.send(_SET_STATUS, (status, code, clock.now(), deposit.id))
    record_event(session, deposit.id, deposit.status, status, evidence)


def record_event(
    session: Session,
    deposit_id: UUID,
    old: DepositStatus | None,
    new: DepositStatus,
    evidence: str | None,
) -> None:
    """Record the change of status with its evidence."""
    session.send(_INSERT_EVENT, (ids.new(), deposit_id, old, new, evidence, clock.now()))


def notify_customer(session: Session, deposit: DepositRecord, message: MessageFacts) -> None:
    """Stage a message to the customer, at most one of its kind for the deposit."""
    notifications.notify(session, message, to=deposit.user_id, event=deposit.public_id)


def _pending_message(deposit: DepositRecord, details: Mapping[str, str]) -> DepositPending:
    """Return the message that says how to pay. A card's details hold a secret, which stays here."""
    terms = deposit.terms(deposit.requested_amount)
    match deposit.method:
        case PaymentMethod.BANK:
            account = BankInstructions(
                details["accountNumber"], details["routingNumber"], details["bankName"]
            )
            return TransferAwaited(terms, account)
        case PaymentMethod.CRYPTO:
            return TransferAwaited(terms, TokenInstructions(details["network"], details["address"]))
    return DepositPending(terms)


def _provider_name(method: PaymentMethod) -> str:
    if method is PaymentMethod.CRYPTO and resolve(Custodians):
        return "custody"
    rail = resolve(PaymentRails).get(method) or resolve(IncomingTransferRails).get(method)
    if rail is None:
        raise PaymentMethodDisabled
    return rail.name


def find_deposit(session: Session, deposit_id: UUID, *, lock: bool = False) -> DepositRecord | None:
    """Return the deposit or None; with `lock`, its row is locked."""
    row = session.row(_LOCK if lock else _READ, (deposit_id,))
    return _parse(row) if row else None


def lock_deposit(session: Session, deposit_id: UUID) -> DepositRecord:
    """Return the deposit, its row locked. Raises `NotFound`."""
    deposit = find_deposit(session, deposit_id, lock=True)
    if deposit is None:
        raise NotFound
    return deposit


def _parse(row: Any) -> DepositRecord:
    identifier, user_id, method, code, requested, status, provider, ref, sealed, at, opened_at = row
    source = ""
    if sealed is not None:
        source = keys.open_sealed(sealed, table=_TABLE, column=_SOURCE, key=identifier).decode()
    return DepositRecord(
        identifier, user_id, PaymentMethod(method), Amount(TRADABLE[code], requested or 0),
        DepositStatus(status), provider, ref, source, at, opened_at,
    )  # fmt: skip
