"""Compare the payouts that a provider lists with our withdrawals."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from app.funding import costs
from app.funding.ports import Payout, PayoutRail, PayoutState
from app.funding.states import PAID_WITHDRAWALS, WithdrawalStatus
from app.funding.withdrawals import payouts
from app.funding.withdrawals import service as withdrawals
from app.kit import clock, ids
from app.kit.formatting import format_amount
from app.reconciliation.comparison import Comparison

#: A provider may list a payout only once it has ended.
_UNLISTED_MAX = timedelta(days=1)
_WITHDRAWAL = "SELECT status, units - fee_units FROM withdrawals WHERE id = %s"
_PAID_OUT = """
SELECT id, provider_ref FROM withdrawals w
WHERE provider = %(provider)s AND requested_at >= %(since)s AND status = ANY (%(paid)s)
    AND (status <> 'sent' OR EXISTS (
        SELECT FROM withdrawal_events e
        WHERE e.withdrawal_id = w.id AND e.to_status = 'sent' AND e.at < %(sent_before)s
    ))
"""


def compare_payouts(comparison: Comparison, rail: PayoutRail) -> None:
    listed = rail.payouts(comparison.since)
    comparison.set_aside(listed.set_aside, rail.name, "payouts")
    for payout in listed:
        with comparison.item():
            _compare_payout(comparison, rail, payout)
    names = {payout.reference for payout in listed}
    names |= {row.provider_ref for row in listed.set_aside}
    values = {
        "provider": rail.name, "since": comparison.since, "paid": list(PAID_WITHDRAWALS),
        "sent_before": clock.now() - _UNLISTED_MAX,
    }  # fmt: skip
    with comparison.database.reading() as session:
        rows = session.rows(_PAID_OUT, values)
    for withdrawal_id, provider_ref in rows:
        public_id = ids.encode(withdrawals.PREFIX, withdrawal_id)
        if public_id in names or provider_ref in names:
            continue
        with comparison.noting_error():
            comparison.report(
                public_id,
                "We sent a payout that the provider does not list",
                {"withdrawal": public_id},
            )


def _compare_payout(comparison: Comparison, rail: PayoutRail, payout: Payout) -> None:
    facts = {
        "reference": payout.reference,
        "there": f"{payout.state}, {format_amount(payout.amount)}",
    }
    withdrawal_id = ids.try_decode(withdrawals.PREFIX, payout.reference)
    ours = None if withdrawal_id is None else _find_withdrawal(comparison, withdrawal_id)
    if withdrawal_id is None or ours is None:
        title = "A provider lists a payout that we did not order"
        comparison.report_foreign(payout.provider_ref, title, facts)
        return
    if _agrees(ours, payout) and _cost_agrees(comparison, withdrawal_id, payout):
        return
    payouts.advance(comparison.database, withdrawal_id)
    latest = rail.find(payout.reference) or payout
    if payouts.are_contradictory(payout.state, latest.state):
        latest = payout
    if payout.cost is not None:
        # What is looked up is remembered from an earlier call; the list is new.
        latest = replace(latest, cost=payout.cost)
    with comparison.database.transaction() as session:
        is_contradiction = payouts.apply_payout(session, withdrawal_id, latest)
    if is_contradiction:
        # It has its case.
        comparison.differences += 1
        return
    ours = _find_withdrawal(comparison, withdrawal_id)
    is_booked = _cost_agrees(comparison, withdrawal_id, latest)
    if ours is not None and _agrees(ours, latest) and is_booked:
        comparison.healed += 1
        return
    title = "A payout differs between its provider and our books"
    comparison.report(payout.provider_ref, title, facts)


_STATUSES_BY_STATE: Mapping[PayoutState, frozenset[WithdrawalStatus]] = {
    PayoutState.SENT: frozenset({WithdrawalStatus.SENT, WithdrawalStatus.COMPLETED}),
    PayoutState.COMPLETED: frozenset({WithdrawalStatus.COMPLETED}),
    PayoutState.FAILED: frozenset({WithdrawalStatus.FAILED}),
    PayoutState.RETURNED: frozenset({WithdrawalStatus.RETURNED}),
}


def _find_withdrawal(
    comparison: Comparison, withdrawal_id: UUID
) -> tuple[WithdrawalStatus, int] | None:
    """Return the status of a withdrawal and its units."""
    with comparison.database.reading() as session:
        row = session.row(_WITHDRAWAL, (withdrawal_id,))
    if row is None:
        return None
    status, units = row
    return WithdrawalStatus(status), units


def _agrees(ours: tuple[WithdrawalStatus, int], payout: Payout) -> bool:
    status, units = ours
    return status in _STATUSES_BY_STATE[payout.state] and units == payout.amount.units


def _cost_agrees(comparison: Comparison, withdrawal_id: UUID, payout: Payout) -> bool:
    """Return whether our books have the cost of a payout that was made, if the provider says it."""
    if payout.cost is None or payout.state not in {PayoutState.COMPLETED, PayoutState.RETURNED}:
        return True
    public_id = ids.encode(withdrawals.PREFIX, withdrawal_id)
    with comparison.database.reading() as session:
        return costs.booked_cost(session, public_id, payout.cost) == payout.cost
