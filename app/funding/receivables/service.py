"""What customers owe us because a payment of theirs was taken back: a receivable of its own, never
a negative balance. Nothing is withdrawn while there is one."""

from uuid import UUID

from app.audit import service as audit
from app.catalog.rules import USD
from app.funding.errors import ReceivableOutstanding
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.money import Amount, Asset
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.chart import AccountKey

COLLECT = "receivable_collected"
PAYMENT_TAKEN_BACK = "payment_taken_back"
PAYMENT_WON_BACK = "payment_won_back"


def amount_owed(session: Session, user_id: UUID, asset: Asset = USD) -> Amount:
    """What a customer owes in an asset."""
    return Amount(asset, ledger_queries.account_balance(session, chart.receivable(user_id, asset)))


def owes_anything(session: Session, user_id: UUID) -> bool:
    """Whether a customer owes anything."""
    return bool(amount_owed(session, user_id))


def require_nothing_owed(session: Session, user_id: UUID) -> None:
    """Raises `ReceivableOutstanding` unless the customer owes nothing."""
    if owes_anything(session, user_id):
        raise ReceivableOutstanding


def record_receivable(
    session: Session, user_id: UUID, *, reference: str, owed: Amount, taken_from: AccountKey
) -> None:
    """A payment was taken back from `taken_from`: the customer owes it. Once for a reference."""
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
    """A payment that was taken back is ours again: the debt goes, and what was collected for it
    is the customer's again."""
    open_debt = amount_owed(session, user_id, amount.asset)
    forgiven = min(open_debt, amount)
    ledger.post(
        session,
        cause=PAYMENT_WON_BACK,
        reference=reference,
        posted_at=clock.now(),
        postings=[
            ledger.debit(returned_to, amount),
            ledger.credit(chart.receivable(user_id, amount.asset), forgiven),
            ledger.credit(chart.customer(user_id, amount.asset), amount - forgiven),
        ],
    )


def collect(session: Session, user_id: UUID, asset: Asset) -> None:
    """Take what the customer owes from what they have, as far as it goes. The caller took turns
    (`limits.lock_customer_payments`), so that nothing is collected twice."""
    debt = amount_owed(session, user_id, asset)
    there = [
        Amount(asset, each.posted - each.held)
        for each in ledger_queries.customer_balances(session, user_id)
        if each.asset == asset.code
    ]
    taken = min(debt, *there) if there else Amount(asset, 0)
    if not taken:
        return
    reference = f"{ids.encode('col', ids.new())}"
    ledger.post(
        session,
        cause=COLLECT,
        reference=reference,
        posted_at=clock.now(),
        postings=[
            ledger.debit(chart.customer(user_id, asset), taken),
            ledger.credit(chart.receivable(user_id, asset), taken),
        ],
    )
    audit.record(
        session,
        actor=None,
        action="receivable.collected",
        subject=ids.encode("usr", user_id),
        on_behalf_of=user_id,
        after={"asset": asset.code, "amount": str(taken), "entry": reference},
    )
