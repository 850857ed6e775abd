"""Deposits that a processor collects for us: by card or mobile money.

Only `advance` moves such a deposit on: the first job, a webhook's task and the poll all call it. It
calls the processor between two transactions, and the second one applies the payment's current
state. The order and number of these calls therefore do not matter. A deposit that has failed for us
can still be paid, or keep an authorisation on the customer's card: `advance` hears of both.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from app.catalog.rules import PaymentMethod
from app.funding import limits
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits import service as deposits
from app.funding.deposits.queries import Deposit
from app.funding.models import DepositRow
from app.funding.ports import (
    CardRail,
    Payment,
    PaymentRail,
    PaymentRails,
    PaymentRequest,
    PaymentState,
)
from app.funding.rails import rail_of
from app.funding.states import (
    OPEN_DEPOSITS,
    RECEIVED_DEPOSITS,
    VOID_DEPOSITS,
    DepositStatus,
)
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.money import Amount
from app.kit.ports import resolve
from app.providers import queries as providers_queries
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable
from app.settings.queries import current

#: Processors recognise a repeated request for a day; this leaves room for clocks that differ.
_REPEATABLE_FOR = timedelta(hours=20)
#: The code of a payment that the customer did not complete in time.
NEVER_FINISHED = "never_finished"
_UNFINISHED = frozenset({PaymentState.PENDING, PaymentState.AUTHORISED})
#: A processor without a record of the payment after this time never received the request.
_UNRECORDED_MAX = timedelta(days=1)

_FIND_BY_REF = "SELECT id, method FROM deposits WHERE provider = %s AND provider_ref = %s"


def advance(database: Database, deposit_id: UUID) -> None:
    """Create, capture or check the payment at its provider, and apply its state.

    Raises `ProviderUnavailable` and `ProviderOutcomeUnknown`; the next poll tries again.
    """
    with database.transaction() as session:
        # Of two processes at the same time, the second one sees `opened_at`.
        deposit = deposit_queries.lock_first_deposit(session, DepositRow.id == deposit_id)
        if deposit is None or (deposit.status in RECEIVED_DEPOSITS and not _lacks_cost(deposit)):
            return
        if deposit.status in OPEN_DEPOSITS:
            deposits.mark_opened(session, deposit.id)
        is_given_up = _is_given_up(session, deposit)
    rail = resolve(PaymentRails)[deposit.method]
    if deposit.status not in OPEN_DEPOSITS:
        _follow_ended(database, rail, deposit)
        return
    try:
        payment = _current_payment(database, rail, deposit, is_given_up=is_given_up)
    except ProviderUnavailable:
        if deposit.opened_at is None:
            with database.transaction() as session:
                deposits.mark_unopened(session, deposit.id)
        raise
    except ProviderOutcomeUnknown as error:
        with database.transaction() as session:
            _set_status(session, deposit.id, DepositStatus.UNKNOWN, evidence=str(error))
        raise
    except ProviderRefused as refusal:
        with database.transaction() as session:
            deposits.fail(session, deposit.id, refusal.code)
        return
    with database.transaction() as session:
        if payment is None:
            _give_up_or_wait(session, deposit)
        else:
            apply_payment(session, deposit.id, payment, rail.provider_id)


def _lacks_cost(deposit: Deposit) -> bool:
    """Return whether the provider has not said yet what it keeps: each card payment costs a fee."""
    return deposit.method is PaymentMethod.CARD and not deposit.cost_units


def _follow_ended(database: Database, rail: PaymentRail, deposit: Deposit) -> None:
    """Credit the payment of a deposit that has ended if it was paid, or book its cost if it was
    credited before; else release it."""
    if deposit.opened_at is None and deposit.provider_ref is None:
        return
    with _refusal_as_unknown():
        ref = deposit.provider_ref
        payment = rail.find(deposit.public_id) if ref is None else rail.fetch(ref)
        if payment is not None and payment.state in _UNFINISHED and isinstance(rail, CardRail):
            rail.release(payment.provider_ref, deposit.public_id)
    if payment is not None and payment.state is PaymentState.PAID:
        with database.transaction() as session:
            apply_payment(session, deposit.id, payment, rail.provider_id)


def _current_payment(
    database: Database, rail: PaymentRail, deposit: Deposit, *, is_given_up: bool
) -> Payment | None:
    """Return the payment's current state at the provider, creating it if that is allowed.

    None when the request was sent before, may not be repeated, and the provider has no record of
    it (yet). Only a refusal to create the payment ends the deposit: a refused look-up or capture
    says nothing about the payment.
    """
    if _may_create(rail, deposit):
        payment: Payment | None = rail.create(
            PaymentRequest(deposit.public_id, deposit.requested_amount, deposit.open_source())
        )
    else:
        with _refusal_as_unknown():
            ref = deposit.provider_ref
            payment = rail.find(deposit.public_id) if ref is None else rail.fetch(ref)
    if payment and payment.state is PaymentState.AUTHORISED and isinstance(rail, CardRail):
        with database.transaction() as session:
            # If the capture's answer is lost, the payment is found by the provider's id.
            deposits.store_provider_ref(session, deposit.id, payment.provider_ref)
            # The customer may have cancelled it meanwhile.
            is_open = deposit_queries.lock_deposit(session, deposit.id).status in OPEN_DEPOSITS
        finish = rail.capture if is_open else rail.release
        with _refusal_as_unknown():
            payment = finish(payment.provider_ref, deposit.public_id)
    elif payment and payment.state is PaymentState.PENDING and is_given_up:
        with database.transaction() as session:
            # If the provider cannot be reached now, the payment is not taken for one never made.
            deposits.store_provider_ref(session, deposit.id, payment.provider_ref)
        payment = _release(rail, payment, deposit)
    return payment


def _is_given_up(session: Session, deposit: Deposit) -> bool:
    lifetime = timedelta(minutes=current(session, limits.PaymentLimits).unfinished_minutes)
    return clock.now() - deposit.requested_at >= lifetime


def _release(rail: PaymentRail, payment: Payment, deposit: Deposit) -> Payment:
    """End a payment that the customer did not complete, so that they no longer can."""
    if not isinstance(rail, CardRail):
        return payment
    with _refusal_as_unknown():
        released = rail.release(payment.provider_ref, deposit.public_id)
    return replace(released, code=NEVER_FINISHED)


def _may_create(rail: PaymentRail, deposit: Deposit) -> bool:
    """Return whether creating the payment cannot charge the customer twice."""
    if deposit.provider_ref is not None:
        return False
    if deposit.opened_at is None:
        return True
    return rail.repeatable and clock.now() - deposit.opened_at < _REPEATABLE_FOR


@contextmanager
def _refusal_as_unknown() -> Iterator[None]:
    """Raise `ProviderOutcomeUnknown` for a refused look-up or capture."""
    try:
        yield
    except ProviderRefused as refusal:
        raise ProviderOutcomeUnknown(
            f"the provider did not say what happened: {refusal.code}"
        ) from None


def _give_up_or_wait(session: Session, deposit: Deposit) -> None:
    """Fail a deposit that its provider has had no record of for a day."""
    if deposit.opened_at and clock.now() - deposit.opened_at > _UNRECORDED_MAX:
        deposits.fail(session, deposit.id, "never_arrived")


def handle_payment_event(database: Database, event_id: UUID) -> None:
    """Stage the check of the deposit that a webhook is about."""
    with database.transaction() as session:
        event = providers_queries.stored_event(session, event_id)
        row = session.row(_FIND_BY_REF, (event.provider, event.subject))
        if row is not None:
            deposit_id, method = row
            deposits.stage_advance(session, deposit_id, PaymentMethod(method), event.provider)
            return
    # The webhook came before we stored the provider's id: the payment bears our reference.
    rail = rail_of(resolve(PaymentRails), event.provider)
    if rail is None:
        return
    deposit_id = ids.try_decode(deposits.PREFIX, rail.fetch(event.subject).reference)
    if deposit_id is None:
        # Not one of our payments: reconciliation reports it.
        return
    with database.transaction() as session:
        deposit = deposit_queries.find_deposit(session, deposit_id)
        if deposit is not None and deposit.provider == event.provider:
            deposits.store_provider_ref(session, deposit.id, event.subject)
            deposits.stage_advance(session, deposit.id, deposit.method, event.provider)


def apply_payment(session: Session, deposit_id: UUID, payment: Payment, provider_id: UUID) -> None:
    """Apply the current state of the provider's payment to its deposit."""
    deposit = deposit_queries.lock_deposit(session, deposit_id)
    deposit = deposits.record_check(session, deposit, payment.provider_ref)
    is_paid = payment.state is PaymentState.PAID
    if is_paid and payment.cost is not None and deposit.status in RECEIVED_DEPOSITS:
        account = deposits.settlement_account(deposit.method, payment.cost, provider_id)
        deposits.record_cost(session, deposit, payment.cost, account)
    if deposit.status not in (OPEN_DEPOSITS | VOID_DEPOSITS if is_paid else OPEN_DEPOSITS):
        return
    match payment.state:
        case PaymentState.PAID:
            cost = payment.cost or Amount(payment.amount.asset, 0)
            account = deposits.settlement_account(deposit.method, payment.amount, provider_id)
            limits.lock_customer_payments(session, deposit.user_id)
            deposits.credit(session, deposit, payment.amount, cost, account)
        case PaymentState.FAILED:
            deposits.fail(session, deposit.id, payment.code)
        case _ if _is_given_up(session, deposit):
            deposits.fail(session, deposit.id, NEVER_FINISHED)
        case _ if deposit.status is not DepositStatus.PENDING:
            deposits.set_instructions(session, deposit.id, payment.instructions)


def _set_status(
    session: Session, deposit_id: UUID, status: DepositStatus, *, evidence: str | None = None
) -> None:
    """Set the status of a deposit that is still open."""
    deposit = deposit_queries.lock_deposit(session, deposit_id)
    if deposit.status in OPEN_DEPOSITS and deposit.status is not status:
        deposits.transition(session, deposit, status, evidence=evidence)
