"""The verbs of deposits, and the transitions of a deposit's row.

A deposit is credited once, because its ledger entry bears its id. What moves it on is in
payments.py for what a processor collects, and in incoming_transfers.py for bank transfers.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.rules import PaymentMethod
from app.custody.ports import Custodians
from app.funding import costs, fees, limits
from app.funding.deposits import customer_messages
from app.funding.deposits.queries import (
    DEPOSITS,
    Deposit,
    LockedDeposit,
    lock_deposit,
)
from app.funding.errors import NotCancellable, PaymentMethodDisabled
from app.funding.facts import DepositEnded
from app.funding.fees import PaymentDirection
from app.funding.models import DepositEvent, DepositRow
from app.funding.ports import IncomingTransferRails, PaymentRails
from app.funding.rules import check_asset, mobile_money_phone
from app.funding.states import DEPOSIT_TRANSITIONS, ENDED_DEPOSITS, OPEN_DEPOSITS, DepositStatus
from app.identity.accounts import queries as account_queries
from app.identity.errors import PhoneNotVerified
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.money import Amount, Asset
from app.kit.ports import resolve
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.chart import AccountKey
from app.notifications import service as notifications
from app.notifications.facts import MessageFacts
from app.notifications.kinds import DepositCredited
from app.outbox import service as outbox
from app.settings.queries import current

PREFIX = "dep"
DEPOSIT = "deposit"
_TABLE, _SOURCE, _INSTRUCTIONS = "deposits", "source_sealed", "instructions_sealed"


def request(
    session: Session,
    actor: Actor,
    *,
    method: PaymentMethod,
    amount: Amount,
    source: str = "",
    fee_max: Amount | None = None,
    is_for_goods: bool = False,
) -> LockedDeposit:
    """Record a requested deposit, stage the call to its provider, and return the deposit.

    `source` is what the method charges: a processor's token of a card, a phone number. The fee is
    taken from the amount; `fee_max` is what the customer agreed to. `is_for_goods` says that it
    pays for an order.

    Raises `Invalid`, `PhoneNotVerified` for a prompt on another phone than the verified one of the
    profile, `PaymentMethodDisabled`, `FeeChanged`, `VerificationRequired`, `PriceStale`,
    and `LimitExceeded` with its kinds.
    """
    provider = provider_name(method, amount.asset)
    if method is PaymentMethod.MOBILE_MONEY:
        source = mobile_money_phone("phone", source)
        if source != account_queries.get_person(session, actor.user_id).verified_phone:
            raise PhoneNotVerified
    quote = fees.quote(session, PaymentDirection.DEPOSIT, method, amount, agreed_max=fee_max)
    phone_index = _phone_index(source) if method is PaymentMethod.MOBILE_MONEY else None
    value = limits.check_deposit(
        session, actor.user_id, method, amount, phone_index, is_for_goods=is_for_goods
    )
    identifier, now = ids.new(), clock.now()
    sealed = keys.seal(source, table=_TABLE, column=_SOURCE, key=identifier) if source else None
    deposit = insert_deposit(
        session,
        DepositStatus.REQUESTED,
        id=identifier,
        user_id=actor.user_id,
        method=method,
        asset=amount.asset.code,
        asked_units=amount.units,
        usd_units=value.units,
        fee_units=quote.fee.units,
        provider=provider,
        source_sealed=sealed,
        source_index=phone_index,
        requested_at=now,
        looked_at=now,
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.DEPOSIT_REQUESTED,
        subject=deposit.public_id,
        after={"method": method, **_describe(amount, quote.fee)},
    )
    stage_advance(session, deposit.id, method, provider)
    return deposit


def _describe(amount: Amount, fee: Amount) -> dict[str, str]:
    return {"asset": amount.asset.code, "amount": str(amount), "fee": str(fee)}


def _phone_index(phone: str) -> bytes:
    return keys.blind_index(phone, table=_TABLE, column="source_index")


def insert_deposit(session: Session, status: DepositStatus, **columns: object) -> LockedDeposit:
    """Store a deposit with these columns, record its first status, and return it."""
    insert = sa.insert(DepositRow).values(status=status, **columns)
    [deposit] = session.select(LockedDeposit, insert.returning(*DEPOSITS.select.selected_columns))
    _record_event(session, deposit, None, deposit.provider_ref)
    return deposit


def cancel(session: Session, actor: Actor, deposit_id: UUID) -> LockedDeposit:
    """Cancel a deposit that waits for the customer: a transfer that they announced, or a card
    payment that they did not confirm, which is released at its provider. Return the deposit.

    Money that arrives later is still credited. Raises `NotFound`, and `NotCancellable` for a
    payment that the provider is processing, or that waits on a phone.
    """
    deposit = lock_deposit(session, deposit_id)
    if deposit.user_id != actor.user_id:
        raise NotFound
    if not _is_cancellable(deposit):
        raise NotCancellable
    return _cancel(session, actor, deposit)


def give_up(session: Session, deposit_id: UUID) -> None:
    """Cancel a deposit that nothing waits for any more, whatever its provider is doing; one that
    has ended stays as it is.

    A card payment is released at its provider. Money that arrives all the same is credited.
    """
    deposit = lock_deposit(session, deposit_id)
    if deposit.status in OPEN_DEPOSITS:
        _cancel(session, None, deposit)


def _cancel(session: Session, actor: Actor | None, deposit: LockedDeposit) -> LockedDeposit:
    cancelled = transition(session, deposit, DepositStatus.CANCELLED)
    if deposit.method is PaymentMethod.CARD:
        args = {"deposit_id": str(deposit.id)}
        outbox.stage(session, "funding.release_payment", args, provider=deposit.provider)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.DEPOSIT_CANCELLED,
        subject=deposit.public_id,
        on_behalf_of=None if actor else deposit.user_id,
    )
    return cancelled


def _is_cancellable(deposit: Deposit) -> bool:
    match deposit.method:
        case PaymentMethod.BANK | PaymentMethod.CRYPTO:
            return deposit.status in OPEN_DEPOSITS - {DepositStatus.UNKNOWN}
        case PaymentMethod.CARD:
            is_uncalled = deposit.status is DepositStatus.REQUESTED and deposit.opened_at is None
            return is_uncalled or deposit.status is DepositStatus.PENDING
    return False


def mark_opened(session: Session, deposit_id: UUID) -> None:
    """Record that the provider is about to be called, so that a crash in between is noticed."""
    now = clock.now()
    opened_at = sa.func.coalesce(DepositRow.opened_at, now)
    session.write(_update(deposit_id).values(opened_at=opened_at, looked_at=now))


def mark_unopened(session: Session, deposit_id: UUID) -> None:
    """Record that the provider received nothing: the next call may create the payment."""
    is_unknown = DepositRow.provider_ref.is_(None)
    session.write(_update(deposit_id).where(is_unknown).values(opened_at=None))


def store_provider_ref(session: Session, deposit_id: UUID, provider_ref: str) -> None:
    """Store the provider's id of the payment, unless one is stored."""
    is_unknown = DepositRow.provider_ref.is_(None)
    session.write(_update(deposit_id).where(is_unknown).values(provider_ref=provider_ref))


def record_check(session: Session, deposit: LockedDeposit, provider_ref: str) -> LockedDeposit:
    """Record that the deposit is checked now, and the provider's id of it; return the deposit."""
    checked = replace(deposit, provider_ref=deposit.provider_ref or provider_ref)
    values = {"provider_ref": checked.provider_ref, "looked_at": clock.now()}
    session.write(_update(deposit.id).values(values))
    return checked


def set_instructions(session: Session, deposit_id: UUID, details: Mapping[str, str]) -> None:
    """Store what the customer needs to complete the payment, sealed, and notify them."""
    deposit = lock_deposit(session, deposit_id)
    if deposit.status not in OPEN_DEPOSITS:
        return
    text = json.dumps(dict(details))
    sealed = keys.seal(text, table=_TABLE, column=_INSTRUCTIONS, key=deposit_id)
    session.write(_update(deposit_id).values(instructions_sealed=sealed))
    if deposit.status is not DepositStatus.PENDING:
        transition(session, deposit, DepositStatus.PENDING)
        days = current(session, limits.PaymentLimits).transfer_days
        message = customer_messages.pending_message(deposit, details, closes_after_days=days)
        notify_customer(session, deposit, message)


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
    session: Session, deposit: LockedDeposit, amount: Amount, cost: Amount, account: AccountKey
) -> None:
    """Credit the deposit: `amount` arrived, of which the provider kept `cost`.

    The fee is the one agreed to, or less where less than announced arrived.
    """
    DEPOSIT_TRANSITIONS.transition(deposit.status, DepositStatus.CREDITED)
    now, fee = clock.now(), min(deposit.fee, fees.fee_on_arrival(session, deposit.method, amount))
    session.write(
        _update(deposit.id).values(
            status=DepositStatus.CREDITED,
            provider_ref=deposit.provider_ref,
            credited_units=amount.units,
            usd_units=limits.usd_value(session, amount).units,
            cost_units=cost.units,
            fee_units=fee.units,
            credited_at=now,
            source_sealed=None,
            source_index=None,
            instructions_sealed=None,
            looked_at=now,
            code=None,
        )
    )
    credited = replace(
        deposit,
        status=DepositStatus.CREDITED,
        credited_units=amount.units,
        fee_units=fee.units,
    )
    _record_event(session, credited, deposit.status, deposit.provider_ref)
    post_credit(session, credited, amount, cost, account)


def post_credit(
    session: Session, deposit: LockedDeposit, amount: Amount, cost: Amount, account: AccountKey
) -> None:
    """Post the deposit's entry, and notify the customer."""
    now = clock.now()
    ledger.post(
        session,
        cause=DEPOSIT,
        reference=deposit.public_id,
        posted_at=now,
        postings=[
            ledger.debit(account, amount - cost),
            ledger.debit(chart.processing_costs(cost.asset), cost),
            ledger.credit(chart.customer(deposit.user_id, amount.asset), amount - deposit.fee),
            ledger.credit(chart.fees(amount.asset), deposit.fee),
        ],
    )
    audit.record(
        session,
        actor=None,
        action=AuditAction.DEPOSIT_CREDITED,
        subject=deposit.public_id,
        on_behalf_of=deposit.user_id,
        after={"method": deposit.method, **_describe(amount, deposit.fee)},
    )
    credited = DepositCredited(deposit.terms(amount), deposit.fee_terms, credited_at=now)
    notify_customer(session, deposit, credited)
    _report_cost(session, deposit, cost)
    is_as_requested = amount <= deposit.requested_amount
    limits.report_limit_excess(
        session, deposit.user_id, deposit.public_id, is_as_requested=is_as_requested
    )


def record_cost(
    session: Session, deposit: LockedDeposit, cost: Amount, account: AccountKey
) -> None:
    """Book what the provider kept of a credited deposit, if it differs from what is booked: some
    say so later."""
    if costs.book_cost(session, deposit.public_id, cost, account, cause="deposit_cost"):
        session.write(_update(deposit.id).values(cost_units=cost.units))
        _report_cost(session, deposit, cost)


def _report_cost(session: Session, deposit: Deposit, cost: Amount) -> None:
    costs.report_if_above_fee(
        session, deposit.public_id, payment=f"{deposit.method} deposit", cost=cost, fee=deposit.fee
    )


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
    session.write(_update(deposit.id).values(source_sealed=None, source_index=None))
    notify_customer(session, deposit, customer_messages.failed_message(deposit, code))


def transition(
    session: Session,
    deposit: LockedDeposit,
    status: DepositStatus,
    *,
    code: str | None = None,
    evidence: str | None = None,
) -> LockedDeposit:
    """Set the next status and return the deposit. Raises if the transition is not declared."""
    DEPOSIT_TRANSITIONS.transition(deposit.status, status)
    session.write(_update(deposit.id).values(status=status, code=code, looked_at=clock.now()))
    changed = replace(deposit, status=status, code=code)
    _record_event(session, changed, deposit.status, evidence)
    return changed


def _update(deposit_id: UUID) -> sa.Update:
    return sa.update(DepositRow).where(DepositRow.id == deposit_id)


def _record_event(
    session: Session, deposit: LockedDeposit, old: DepositStatus | None, evidence: str | None
) -> None:
    """Record in the timeline that the deposit took its status, with the evidence, and publish that
    it has ended."""
    if deposit.status in ENDED_DEPOSITS:
        outbox.publish(session, DepositEnded(deposit.id, deposit.user_id))
    session.write(
        sa.insert(DepositEvent).values(
            id=ids.new(),
            deposit_id=deposit.id,
            from_status=old,
            to_status=deposit.status,
            evidence=evidence,
            at=clock.now(),
        )
    )


def notify_customer(session: Session, deposit: Deposit, message: MessageFacts) -> None:
    """Stage a message to the customer, at most one of its kind for the deposit."""
    notifications.notify(session, message, to=deposit.user_id, event=deposit.public_id)


def provider_name(method: PaymentMethod, asset: Asset) -> str:
    """Return the name of the provider by which the asset is paid in.

    Raises `Invalid` for another asset of the method, and `PaymentMethodDisabled`.
    """
    check_asset(method, asset)
    if method is PaymentMethod.CRYPTO and resolve(Custodians):
        return "custody"
    rail = resolve(PaymentRails).get(method) or resolve(IncomingTransferRails).get(method)
    if rail is None:
        raise PaymentMethodDisabled
    return rail.name
