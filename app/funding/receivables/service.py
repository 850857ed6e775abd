"""The verbs of receivables: what a customer owes after a payment was collected back.

A receivable is an account of its own; the customer's balance never becomes negative. The ledger
itself settles the two against each other, whatever moves either of them: units that come free go to
the debt in the same transaction, and what was collected for a debt that ends goes back. Nothing is
withdrawn while one is open, from whichever of the person's accounts.
"""

from uuid import UUID

from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.rules import USD
from app.funding.errors import ReceivableOutstanding
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.money import Amount, Asset
from app.kyc import queries as kyc_queries
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.chart import AccountKey
from app.notifications import service as notifications
from app.notifications.kinds import DebtCollected

PAYMENT_TAKEN_BACK = "payment_taken_back"
PAYMENT_WON_BACK = "payment_won_back"


def amount_owed(session: Session, user_id: UUID, asset: Asset = USD) -> Amount:
    """Return what the customer owes in an asset."""
    return Amount(asset, ledger_queries.owed_units(session, user_id).get(asset.code, 0))


def owes_anything(session: Session, user_id: UUID) -> bool:
    """Return whether the person owes anything on any of their accounts, in any asset."""
    accounts = kyc_queries.accounts_of_person(session, user_id)
    return ledger_queries.is_anything_owed(session, accounts)


def require_nothing_owed(session: Session, user_id: UUID) -> None:
    """Raise `ReceivableOutstanding` if the person owes anything on any of their accounts."""
    if owes_anything(session, user_id):
        raise ReceivableOutstanding


def record_receivable(
    session: Session, user_id: UUID, *, reference: str, owed: Amount, taken_from: AccountKey
) -> None:
    """Book that a payment was taken back from `taken_from` and the customer owes it, less what
    their available balance covers.

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
    ledger.post(
        session,
        cause=PAYMENT_WON_BACK,
        reference=reference,
        posted_at=clock.now(),
        postings=[
            ledger.debit(returned_to, amount),
            ledger.credit(chart.receivable(user_id, amount.asset), amount),
        ],
    )


def record_collection(
    session: Session, user_id: UUID, *, collected: Amount, reference: PublicId, because_of: str
) -> None:
    """Record in the audit trail what the ledger collected for a debt, and tell the customer.

    A negative amount was returned to them. `because_of` is the reference of the entry, or the id of
    the hold, that freed the amount or changed the debt.
    """
    is_returned = collected.units < 0
    action = AuditAction.RECEIVABLE_RETURNED if is_returned else AuditAction.RECEIVABLE_COLLECTED
    amount = -collected if is_returned else collected
    audit.record(
        session,
        actor=None,
        action=action,
        subject=ids.encode("usr", user_id),
        on_behalf_of=user_id,
        after={
            "asset": amount.asset.code,
            "amount": str(amount),
            "entry": reference,
            "because_of": because_of,
        },
    )
    # The message that a payment was taken back says what was collected then.
    cause = ledger_queries.entry_cause(session, because_of)
    if not is_returned and cause != PAYMENT_TAKEN_BACK:
        message = DebtCollected(amount, owed=amount_owed(session, user_id, amount.asset))
        notifications.notify(session, message, to=user_id, event=reference)
