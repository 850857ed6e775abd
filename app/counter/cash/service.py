"""The verbs of customers' cash: take it in, pay it out.

One entry in the ledger, one movement of the drawer and one receipt, or nothing.
"""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.audit.rules import AuditOutcome
from app.catalog.rules import USD
from app.compliance.cash_reports import service as cash_reports
from app.compliance.cash_reports.rules import CashDirection
from app.compliance.cash_reports.service import CounterCash
from app.counter.cash.errors import CustomerOnHold, OwnCash
from app.counter.drawers import movements
from app.counter.drawers import queries as drawers_queries
from app.counter.drawers import service as drawers
from app.counter.drawers.errors import SecondPersonMissing
from app.counter.drawers.models import CashMovement
from app.counter.drawers.movements import CashAct
from app.counter.drawers.rules import CashMovementKind, CashPieces, suggest
from app.counter.receipts import service as receipts
from app.funding import limit_declarations, limits
from app.funding.withdrawals import payee_checks
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_amount
from app.kit.money import Amount
from app.kyc import queries as kyc_queries
from app.kyc.submission import queries as submission_queries
from app.kyc.submission.queries import CustomerIdentity
from app.ledger import chart
from app.ledger import service as ledger
from app.screening.rules import Verdict
from app.settings.queries import current
from app.settings.rules import setting, settings_group


def _usd(text: str) -> Amount:
    return Amount.parse(USD, text)


@settings_group("counter_cash", "Cash at the counter")
@dataclass(frozen=True, slots=True)
class CounterCashRules:
    """How much cash a teller takes in and pays out."""

    deposit_max: Amount = setting(
        "Largest cash deposit", _usd("50000"), minimum=_usd("1"), maximum=_usd("1000000")
    )
    deposit_witness_from: Amount = setting(
        "Second person counts a deposit from",
        _usd("25000"),
        minimum=_usd("1"),
        maximum=_usd("1000000"),
    )
    withdrawal_max: Amount = setting(
        "Largest cash withdrawal", _usd("25000"), minimum=_usd("1"), maximum=_usd("1000000")
    )
    withdrawal_witness_from: Amount = setting(
        "Second person counts a withdrawal from",
        _usd("5000"),
        minimum=_usd("1"),
        maximum=_usd("1000000"),
        about="A withdrawal that two members of staff would release if it were not cash takes one,"
        " too.",
    )


@dataclass(frozen=True, slots=True)
class CashPayment:
    """Cash of a customer, as the teller counted it. Pieces that were given back are negative.
    `document` is what the customer showed, `witness_id` the second person."""

    customer_id: UUID
    amount: Amount
    pieces: CashPieces
    document: str
    witness_id: UUID | None = None


def _uses_of(kind: CashMovementKind, sign: int) -> sa.Select[*tuple[object, ...]]:
    return sa.select(
        CashMovement.user_id.label("owner"),
        CashMovement.id.label("id"),
        CashMovement.at.label("at"),
        (sign * CashMovement.units).label("units"),
    ).where(CashMovement.kind == kind)


limit_declarations.DEPOSITS_DAY.count(_uses_of(CashMovementKind.DEPOSIT, 1))
for _limit in (limit_declarations.WITHDRAWALS_DAY, limit_declarations.WITHDRAWALS_WEEK):
    _limit.count(_uses_of(CashMovementKind.WITHDRAWAL, -1))


def deposit(session: Session, actor: Actor, payment: CashPayment) -> UUID:
    """Take cash into the actor's drawer and credit it to the customer's dollars. Return the id of
    the receipt.

    Raises `PermissionDenied`, `OwnCash`, `Invalid` for the amount, `NoOpenDrawer`,
    `SecondPersonMissing`, `TooFewPieces` for change that the drawer lacks, what
    `limits.check_deposit` raises, and `CustomerOnHold`, which keeps the screening.
    """
    rules = current(session, CounterCashRules)
    customer = _check_customer(session, actor, payment)
    _check_size(payment.amount, rules.deposit_max)
    if payment.amount >= rules.deposit_witness_from and payment.witness_id is None:
        raise SecondPersonMissing
    limits.lock_customer_payments(session, customer.id)
    limits.check_deposit(session, customer.id, None, payment.amount)
    return _book(session, actor, customer, payment, CashMovementKind.DEPOSIT)


def withdraw(session: Session, actor: Actor, payment: CashPayment) -> UUID:
    """Pay cash out of the actor's drawer and debit the customer's dollars. Return the id of the
    receipt.

    Raises `PermissionDenied`, `OwnCash`, `Invalid` for the amount, `NoOpenDrawer`,
    `SecondPersonMissing`, `TooFewPieces`, what `limits.check_withdrawal` raises, and
    `CustomerOnHold`, which keeps the screening; the database raises `InsufficientFunds`.
    """
    rules = current(session, CounterCashRules)
    customer = _check_customer(session, actor, payment)
    _check_size(payment.amount, rules.withdrawal_max)
    limits.check_withdrawal(session, customer.id, payment.amount, customer.tier_status)
    if payment.witness_id is None and needs_witness(session, customer.id, payment.amount):
        raise SecondPersonMissing
    return _book(session, actor, customer, payment, CashMovementKind.WITHDRAWAL)


def needs_witness(session: Session, customer_id: UUID, amount: Amount) -> bool:
    """Return whether a second person counts a withdrawal of this amount."""
    rules = current(session, CounterCashRules)
    return amount >= rules.withdrawal_witness_from or limits.needs_approval(
        session, customer_id, ids.new(), amount
    )


def suggest_payout(session: Session, actor: Actor, amount: Amount) -> CashPieces | None:
    """Return notes and coins of the actor's drawer that make up the amount; None if they cannot,
    or there is no drawer."""
    drawer = drawers_queries.find_own_drawer(session, actor)
    if drawer is None:
        return None
    return suggest(amount, drawers_queries.read_pieces(session, drawer.id))


def _check_customer(session: Session, actor: Actor, payment: CashPayment) -> CustomerIdentity:
    require(actor, Permission.DRAWERS_WORK)
    if actor.user_id in kyc_queries.accounts_of_person(session, payment.customer_id):
        raise OwnCash
    return submission_queries.get_customer(session, payment.customer_id)


def _check_size(amount: Amount, maximum: Amount) -> None:
    if maximum < amount:
        raise Invalid("amount", f"Enter at most {format_amount(maximum)}.")


def _book(
    session: Session, actor: Actor, customer: CustomerIdentity, payment: CashPayment,
    kind: CashMovementKind,
) -> UUID:  # fmt: skip
    """Screen the customer, move the cash, post it and write the receipt."""
    begun = movements.begin_act(kind, actor.user_id, payment.witness_id)
    act = CashAct(
        kind, begun.reference, actor.user_id, begun.at, payment.witness_id, payment.customer_id
    )
    _screen(session, actor, customer, act, payment)
    drawer, account = (
        drawers_queries.lock_own_drawer(session, actor),
        chart.customer(customer.id, USD),
    )
    _check_pieces(payment, drawer.pieces if kind is CashMovementKind.DEPOSIT else None)
    if kind is CashMovementKind.DEPOSIT:
        postings = drawers.take_in(session, drawer, payment.pieces, act)
        postings.append(ledger.credit(account, payment.amount))
    else:
        postings = drawers.pay_out(session, drawer, payment.pieces, act)
        postings.append(ledger.debit(account, payment.amount))
    movements.post(session, act, postings)
    is_deposit = kind is CashMovementKind.DEPOSIT
    cash_reports.record_cash(
        session,
        CounterCash(
            drawer.branch_id,
            customer.id,
            customer.id,
            CashDirection.IN if is_deposit else CashDirection.OUT,
            payment.amount,
            act.reference,
        ),
    )
    audit.record(
        session,
        actor=actor,
        action=_ACTIONS[kind],
        subject=act.reference,
        on_behalf_of=customer.id,
        after=_describe(payment),
    )
    return receipts.write(session, drawer.branch_id, act)


_ACTIONS = {
    CashMovementKind.DEPOSIT: AuditAction.CASH_TAKEN_IN,
    CashMovementKind.WITHDRAWAL: AuditAction.CASH_PAID_OUT,
}


def _check_pieces(payment: CashPayment, held: CashPieces | None) -> None:
    """Raise `Invalid` unless the pieces are the amount. `held` is what change can be given out
    of."""
    excess = payment.pieces.amount - payment.amount
    if not excess:
        return
    if held is None or excess.units < 0:
        raise Invalid(
            "amount",
            f"You counted {format_amount(payment.pieces.amount)}. Change the amount or the count.",
        )
    change = suggest(excess, held + payment.pieces)
    advice = f", such as {change}, and enter these with a minus" if change else ""
    raise Invalid("amount", f"Give back {format_amount(excess)}{advice}.")


def _screen(
    session: Session, actor: Actor, customer: CustomerIdentity, act: CashAct, payment: CashPayment
) -> None:
    verdict = payee_checks.screen_payee(session, customer, act.reference, {})
    if verdict is Verdict.CLEAR:
        return
    audit.record(
        session,
        actor=actor,
        action=_ACTIONS[act.kind],
        subject=act.reference,
        on_behalf_of=customer.id,
        after=_describe(payment),
        reason=payee_checks.evidence_of(verdict),
        outcome=AuditOutcome.DENIED,
    )
    raise CustomerOnHold().keeping_records()


def _describe(payment: CashPayment) -> dict[str, str]:
    facts = {**movements.describe(payment.pieces), "document": payment.document}
    if payment.witness_id is not None:
        facts["confirmed_by"] = ids.encode("usr", payment.witness_id)
    return facts
