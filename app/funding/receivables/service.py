"""The verbs of receivables: what a customer owes after a payment was collected back.

A receivable is an account of its own; the customer's balance never becomes negative. Nothing is
withdrawn while one is open.
"""

from uuid import UUID

from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.rules import USD
from app.funding.errors import ReceivableOutstanding
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.money import Amount, Asset
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.chart import AccountClass, AccountKey

COLLECT = "receivable_collected"
PAYMENT_TAKEN_BACK = "payment_taken_back"
PAYMENT_WON_BACK = "payment_won_back"


def amount_owed(session: Session, user_id: UUID, asset: Asset = USD) -> Amount:
    """Return what the customer owes in an asset."""
    return Amount(asset, ledger_queries.account_balance(session, chart.receivable(user_id, asset)))


def owes_anything(session: Session, user_id: UUID) -> bool:
    """Return whether the customer owes anything, in any asset."""
    owed = ledger_queries.class_balances(session, AccountClass.RECEIVABLE, user_id)
    return any(owed.values())


def require_nothing_owed(session: Session, user_id: UUID) -> None:
    """Raise `ReceivableOutstanding` if the customer owes anything, in any asset."""
    if owes_anything(session, user_id):
        raise ReceivableOutstanding


def record_receivable(
    session: Session, user_id: UUID, *, reference: str, owed: Amount, taken_from: AccountKey
) -> None:
    """Book that a payment was taken back from `taken_from` and the customer owes it.

    A reference is booked once.
    """
    ledger.post(
        session,
        cause=PAYMENT_TAKEN_BACK,
        reference=reference,
        posted_at=clock.now(),
        postings=[
            ledger.debit(chart.receivable(user_id, owed.asset), owed),
            ledger.credit(taken_from, owed),
        ],
    )


def reverse_receivable(
    session: Session, user_id: UUID, *, reference: str, amount: Amount, returned_to: AccountKey
) -> None:
    """Book that a taken-back payment was recovered.

    The open receivable is reduced, and what was collected for it is credited to the customer.
    """
    outstanding = amount_owed(session, user_id, amount.asset)
    waived = min(outstanding, amount)
    ledger.post(
        session,
        cause=PAYMENT_WON_BACK,
        reference=reference,
        posted_at=clock.now(),
        postings=[
            ledger.debit(returned_to, amount),
            ledger.credit(chart.receivable(user_id, amount.asset), waived),
            ledger.credit(chart.customer(user_id, amount.asset), amount - waived),
        ],
    )


def collect(session: Session, user_id: UUID, asset: Asset) -> None:
    """Collect what the customer owes from their available balance, as far as it goes.

    The caller holds `limits.lock_customer_payments`, so that nothing is collected twice.
    """
    debt = amount_owed(session, user_id, asset)
    available = [
        Amount(asset, balance.posted - balance.held)
        for balance in ledger_queries.customer_balances(session, user_id)
        if balance.asset == asset.code
    ]
    collected = min(debt, *available) if available else Amount(asset, 0)
    if not collected:
        return
    reference = ids.encode("col", ids.new())
    ledger.post(
        session,
        cause=COLLECT,
        reference=reference,
        posted_at=clock.now(),
        postings=[
            ledger.debit(chart.customer(user_id, asset), collected),
            ledger.credit(chart.receivable(user_id, asset), collected),
        ],
    )
    audit.record(
        session,
        actor=None,
        action=AuditAction.RECEIVABLE_COLLECTED,
        subject=ids.encode("usr", user_id),
        on_behalf_of=user_id,
        after={"asset": asset.code, "amount": str(collected), "entry": reference},
    )
