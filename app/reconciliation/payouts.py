"""Compare the payouts that a provider lists with our withdrawals."""

from collections.abc import Mapping
from uuid import UUID

from app.funding.ports import Payout, PayoutRail, PayoutState
from app.funding.states import PAID_WITHDRAWALS, WithdrawalStatus
from app.funding.withdrawals import payouts
from app.funding.withdrawals import service as withdrawals
from app.kit import ids
from app.kit.db import Database
from app.kit.formatting import format_amount
from app.reconciliation.comparison import Comparison

_WITHDRAWAL = "SELECT status, units FROM withdrawals WHERE id = %s"
_PAID_OUT = """
SELECT id FROM withdrawals
WHERE provider = %s AND requested_at >= %s AND status = ANY (%s)
"""


def compare_payouts(comparison: Comparison, rail: PayoutRail) -> None:
    listed = rail.payouts(comparison.since)
    for payout in listed:
        with comparison.item():
            _compare_payout(comparison, rail, payout)
    references = {payout.reference for payout in listed}
    with comparison.database.reading() as session:
        rows = session.rows(_PAID_OUT, (rail.name, comparison.since, list(PAID_WITHDRAWALS)))
    for (withdrawal_id,) in rows:
        public_id = ids.encode(withdrawals.PREFIX, withdrawal_id)
        if public_id in references:
            continue
        with comparison.noting_error():
            comparison.report(
                public_id,
                "We sent a payout that the provider does not list",
                {"withdrawal": public_id},
            )


def _compare_payout(comparison: Comparison, rail: PayoutRail, payout: Payout) -> None:
    withdrawal_id = ids.try_decode(withdrawals.PREFIX, payout.reference)
    if withdrawal_id is not None and _withdrawal_agrees(comparison.database, withdrawal_id, payout):
        return
    if withdrawal_id is not None and _withdrawal_exists(comparison.database, withdrawal_id):
        payouts.advance(comparison.database, withdrawal_id)
        latest = rail.find(payout.reference) or payout
        with comparison.database.transaction() as session:
            payouts.apply_payout(session, withdrawal_id, latest)
        if _withdrawal_agrees(comparison.database, withdrawal_id, latest):
            comparison.healed += 1
            return
    comparison.report(
        payout.provider_ref,
        "A payout differs between its provider and our books",
        {"reference": payout.reference, "there": f"{payout.state}, {format_amount(payout.amount)}"},
    )


_STATUSES_BY_STATE: Mapping[PayoutState, frozenset[WithdrawalStatus]] = {
    PayoutState.SENT: frozenset({WithdrawalStatus.SENT, WithdrawalStatus.COMPLETED}),
    PayoutState.COMPLETED: frozenset({WithdrawalStatus.COMPLETED}),
    PayoutState.FAILED: frozenset({WithdrawalStatus.FAILED}),
    PayoutState.RETURNED: frozenset({WithdrawalStatus.RETURNED}),
}


def _withdrawal_agrees(database: Database, withdrawal_id: UUID, payout: Payout) -> bool:
    with database.reading() as session:
        row = session.row(_WITHDRAWAL, (withdrawal_id,))
    if row is None:
        return False
    status, units = row
    return status in _STATUSES_BY_STATE[payout.state] and units == payout.amount.units


def _withdrawal_exists(database: Database, withdrawal_id: UUID) -> bool:
    with database.reading() as session:
        return session.row(_WITHDRAWAL, (withdrawal_id,)) is not None
