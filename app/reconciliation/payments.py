"""Compare the payments, disputes and refunds that a processor lists with our deposits."""

from dataclasses import dataclass, replace
from uuid import UUID

from app.funding.deposits import payments
from app.funding.deposits import service as deposits
from app.funding.disputes import service as disputes
from app.funding.disputes.service import StoredDispute
from app.funding.ports import CardRail, Dispute, DisputeKind, Payment, PaymentRail, PaymentState
from app.funding.states import OPEN_DEPOSITS, RECEIVED_DEPOSITS, VOID_DEPOSITS, DepositStatus
from app.kit import ids
from app.kit.formatting import format_amount
from app.kit.money import Amount
from app.providers.ports import Listing
from app.reconciliation.comparison import Comparison
from app.reconciliation.deposits import report_unlisted_deposits

_UNFINISHED = frozenset({PaymentState.PENDING, PaymentState.AUTHORISED})
_DEPOSIT = """
SELECT status, coalesce(credited_units, asked_units), cost_units, provider_ref
FROM deposits WHERE id = %s
"""


@dataclass(frozen=True, slots=True)
class _ComparedDeposit:
    """What our books say of a deposit."""

    status: DepositStatus
    units: int
    cost_units: int
    provider_ref: str | None

    def agrees(self, payment: Payment) -> bool:
        """Return whether the payment is in the state, and of the amount and cost, that our books
        have. A cost that the processor does not state yet is not compared."""
        if payment.state is PaymentState.PAID:
            cost = payment.cost.units if payment.cost is not None else self.cost_units
            theirs = (payment.amount.units, cost)
            return self.status in RECEIVED_DEPOSITS and (self.units, self.cost_units) == theirs
        if payment.state is PaymentState.FAILED:
            return self.status in VOID_DEPOSITS
        return self.status in OPEN_DEPOSITS


def compare_payments(comparison: Comparison, rail: PaymentRail) -> None:
    listed = rail.payments(comparison.since)
    comparison.set_aside(listed.set_aside, rail.name, "payments")
    paid_deposits: set[UUID] = set()
    for payment in listed:
        with comparison.item():
            _compare_payment(comparison, rail, payment, paid_deposits)
    names = {payment.provider_ref for payment in listed}
    names |= {payment.reference for payment in listed}
    names |= {row.provider_ref for row in listed.set_aside}
    since = listed.since or comparison.since
    report_unlisted_deposits(comparison, rail.name, names, since)


def _compare_payment(
    comparison: Comparison, rail: PaymentRail, payment: Payment, paid_deposits: set[UUID]
) -> None:
    """Compare one listed payment. `paid_deposits` are the deposits that payments before it paid: a
    second payment for the same deposit belongs to no customer yet."""
    facts = {
        "reference": payment.reference,
        "there": f"{payment.state}, {payment.charged or format_amount(payment.amount)}",
    }
    deposit_id = ids.try_decode(deposits.PREFIX, payment.reference)
    deposit = None if deposit_id is None else _find_deposit(comparison, deposit_id)
    if deposit_id is None or deposit is None:
        title = "A processor lists a payment that is none of ours"
        comparison.report_foreign(payment.provider_ref, title, facts)
        return
    if payment.state in _UNFINISHED and deposit.status not in OPEN_DEPOSITS:
        if isinstance(rail, CardRail):
            rail.release(payment.provider_ref, payment.reference)
            comparison.healed += 1
        return
    is_second = deposit_id in paid_deposits
    if payment.state is PaymentState.PAID:
        paid_deposits.add(deposit_id)
    if not is_second:
        if deposit.agrees(payment):
            return
        if _is_settled(comparison, rail, deposit_id, payment):
            comparison.healed += 1
            return
    elif payment.state is not PaymentState.PAID:
        return
    title = "A payment differs between its processor and our books"
    comparison.report(payment.provider_ref, title, facts)


def _find_deposit(comparison: Comparison, deposit_id: UUID) -> _ComparedDeposit | None:
    with comparison.database.reading() as session:
        row = session.row(_DEPOSIT, (deposit_id,))
    if row is None:
        return None
    status, units, cost_units, provider_ref = row
    return _ComparedDeposit(DepositStatus(status), units, cost_units, provider_ref)


def _is_settled(
    comparison: Comparison, rail: PaymentRail, deposit_id: UUID, payment: Payment
) -> bool:
    """Do what a webhook about the payment would have made us do; return whether it agrees now."""
    payments.advance(comparison.database, deposit_id)
    deposit = _find_deposit(comparison, deposit_id)
    assert deposit is not None, "deposits are never deleted"
    latest = _in_agreed_terms(rail, deposit, payment)
    if latest.state is PaymentState.PAID and deposit.status not in OPEN_DEPOSITS:
        # The customer paid by our reference after the payment that we requested had ended, or the
        # processor says only now what it kept.
        with comparison.database.transaction() as session:
            payments.apply_payment(session, deposit_id, latest, rail.provider_id)
        deposit = _find_deposit(comparison, deposit_id)
        assert deposit is not None
    return deposit.agrees(latest)


def _in_agreed_terms(rail: PaymentRail, deposit: _ComparedDeposit, payment: Payment) -> Payment:
    """Return the payment in its current state.

    Where the customer was charged in another currency, it is listed at today's rate and under a
    name of its own. If the same was charged as agreed, it is worth what was agreed.
    """
    if not payment.charged:
        return rail.fetch(payment.provider_ref)
    if deposit.provider_ref in {None, payment.provider_ref}:
        return payment
    agreed = rail.fetch(deposit.provider_ref)
    return replace(payment, amount=agreed.amount) if agreed.charged == payment.charged else payment


def compare_disputes(comparison: Comparison, rail: PaymentRail) -> None:
    """Compare the disputes opened lately, and those in our books that can still end or end again:
    a decision takes months."""
    assert isinstance(rail, CardRail)
    _compare_taken_back(comparison, rail, DisputeKind.DISPUTE, rail.disputes(comparison.since))


def compare_refunds(comparison: Comparison, rail: PaymentRail) -> None:
    """Compare the refunds made lately, of whatever payment, and those that can still fail."""
    assert isinstance(rail, CardRail)
    _compare_taken_back(comparison, rail, DisputeKind.REFUND, rail.refunds(comparison.since))


def _compare_taken_back(
    comparison: Comparison, rail: PaymentRail, kind: DisputeKind, listing: Listing[Dispute]
) -> None:
    comparison.set_aside(listing.set_aside, rail.name, f"{kind}s")
    listed = {dispute.provider_ref: dispute for dispute in listing}
    with comparison.database.reading() as session:
        stored_refs = disputes.refs_to_compare(session, rail.name, kind)
    known = listed.keys() | {row.provider_ref for row in listing.set_aside}
    for ref in [*listed, *(ref for ref in stored_refs if ref not in known)]:
        with comparison.item():
            _compare_dispute(comparison, rail, kind, ref, listed.get(ref))


def _compare_dispute(
    comparison: Comparison, rail: PaymentRail, kind: DisputeKind, ref: str, listed: Dispute | None
) -> None:
    stored = _find_dispute(comparison, rail, ref)
    if listed is None or stored is None or not stored.agrees(listed):
        comparison.healed += disputes.follow(comparison.database, rail, kind, ref)
        stored = _find_dispute(comparison, rail, ref)
    if stored is not None and listed is not None and stored.units != listed.amount.units:
        ours = format_amount(Amount(listed.amount.asset, stored.units))
        comparison.report(
            ref,
            f"The amount of a {kind} differs between its processor and our books",
            {"there": format_amount(listed.amount), "with us": ours},
        )


def _find_dispute(comparison: Comparison, rail: PaymentRail, ref: str) -> StoredDispute | None:
    with comparison.database.reading() as session:
        return disputes.find_dispute(session, rail.name, ref)
