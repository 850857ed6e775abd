"""Compare the payments and disputes that a processor lists with our deposits."""

from uuid import UUID

from app.funding.deposits import payments
from app.funding.deposits import service as deposits
from app.funding.disputes import service as disputes
from app.funding.ports import CardRail, Payment, PaymentRail, PaymentState
from app.funding.states import DepositStatus
from app.kit import ids
from app.kit.db import Database
from app.kit.formatting import format_amount
from app.reconciliation.comparison import Comparison
from app.reconciliation.deposits import report_unlisted_deposits

_RECEIVED = frozenset({DepositStatus.CREDITED, DepositStatus.DISPUTED, DepositStatus.TAKEN_BACK})
_DEPOSIT = "SELECT status, coalesce(credited_units, asked_units) FROM deposits WHERE id = %s"


def compare_payments(comparison: Comparison, rail: PaymentRail) -> None:
    listed = rail.payments(comparison.since)
    paid_deposits: set[UUID] = set()
    for payment in listed:
        with comparison.item():
            _compare_payment(comparison, rail, payment, paid_deposits)
    report_unlisted_deposits(comparison, rail.name, {payment.provider_ref for payment in listed})


def _compare_payment(
    comparison: Comparison, rail: PaymentRail, payment: Payment, paid_deposits: set[UUID]
) -> None:
    """Compare one listed payment. `paid_deposits` are the deposits that payments before it paid: a
    second payment for the same deposit belongs to no customer yet."""
    deposit_id = ids.try_decode(deposits.PREFIX, payment.reference)
    is_second = deposit_id in paid_deposits
    if deposit_id is not None and not is_second:
        if payment.state is PaymentState.PAID:
            paid_deposits.add(deposit_id)
        if _deposit_agrees(comparison.database, deposit_id, payment):
            return
        payments.advance(comparison.database, deposit_id)
        if _deposit_agrees(comparison.database, deposit_id, rail.fetch(payment.provider_ref)):
            comparison.healed += 1
            return
    if is_second and payment.state is not PaymentState.PAID:
        return
    comparison.report(
        payment.provider_ref,
        "A payment differs between its processor and our books",
        {
            "reference": payment.reference,
            "there": f"{payment.state}, {format_amount(payment.amount)}",
        },
    )


def _deposit_agrees(database: Database, deposit_id: UUID, payment: Payment) -> bool:
    with database.reading() as session:
        row = session.row(_DEPOSIT, (deposit_id,))
    if row is None:
        return False
    status, units = row
    is_received = status in _RECEIVED
    if payment.state is PaymentState.PAID:
        return is_received and units == payment.amount.units
    if payment.state is PaymentState.FAILED:
        return status in {DepositStatus.FAILED, DepositStatus.CANCELLED}
    return not is_received


def compare_disputes(comparison: Comparison, rail: PaymentRail) -> None:
    """Apply the disputes opened lately, and those open in our books: a decision takes months."""
    assert isinstance(rail, CardRail)
    listed = {dispute.provider_ref: dispute for dispute in rail.disputes(comparison.since)}
    with comparison.database.reading() as session:
        open_refs = disputes.open_dispute_refs(session, rail.name)
    for ref in [*listed, *(ref for ref in open_refs if ref not in listed)]:
        with comparison.item():
            dispute = listed.get(ref) or rail.dispute(ref)
            with comparison.database.transaction() as session:
                comparison.healed += disputes.apply_dispute(
                    session, rail.name, rail.provider_id, dispute
                )
