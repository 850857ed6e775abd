"""Compare the transfers and tokens that came in at a provider with our books."""

from datetime import datetime

from app.custody import incoming_tokens
from app.custody.ports import Custodian, Direction, TransferState
from app.funding.deposits import incoming_transfers
from app.funding.deposits import service as deposits
from app.funding.ports import IncomingTransfer, IncomingTransferRail
from app.kit import ids
from app.kit.db import Session
from app.kit.formatting import format_amount
from app.reconciliation.comparison import Comparison
from app.reconciliation.deposits import report_unlisted_deposits

_DEPOSIT_OF_ARRIVAL = """
SELECT credited_units, id FROM deposits WHERE provider = %s AND provider_ref = %s
"""
_CUSTODY_ARRIVALS = """
SELECT provider_ref, units FROM custody_arrivals WHERE custodian = %s AND arrived_at >= %s
"""


def compare_arrivals(comparison: Comparison, rail: IncomingTransferRail) -> None:
    listed = rail.transfers_since(comparison.since)
    comparison.set_aside(listed.set_aside, rail.name, "arrivals")
    for arrival in listed:
        with comparison.item():
            _compare_arrival(comparison, rail, arrival)
    names = {row.provider_ref for row in (*listed, *listed.set_aside)}
    report_unlisted_deposits(comparison, rail.name, names, comparison.since)


def _compare_arrival(
    comparison: Comparison, rail: IncomingTransferRail, arrival: IncomingTransfer
) -> None:
    with comparison.database.transaction() as session:
        comparison.healed += incoming_transfers.record_transfer(
            session, rail.name, rail.provider_id, arrival
        )
        credited = session.rows(_DEPOSIT_OF_ARRIVAL, (rail.name, arrival.provider_ref))
    for credited_units, deposit_id in credited:
        if credited_units != arrival.amount.units:
            public_id = ids.encode(deposits.PREFIX, deposit_id)
            comparison.report(
                arrival.provider_ref,
                "The provider lists another amount than we credited",
                {"deposit": public_id, "there": format_amount(arrival.amount)},
            )


def compare_custody_arrivals(comparison: Comparison, custodian: Custodian) -> None:
    """Compare the tokens that a custodian received with those in our books."""
    with comparison.database.reading() as session:
        before = _custody_arrivals(session, custodian, comparison.since)
    listed = custodian.transfers(comparison.since, Direction.IN)
    for row in listed.set_aside:
        with comparison.item(), comparison.database.transaction() as session:
            comparison.differences += incoming_tokens.set_aside_row(session, custodian.name, row)
    for transfer in listed:
        with comparison.item(), comparison.database.transaction() as session:
            incoming_tokens.apply_transfers(session, custodian, [transfer])
    with comparison.database.reading() as session:
        after = _custody_arrivals(session, custodian, comparison.since)
    comparison.healed += len(after.keys() - before.keys())
    completed = {
        transfer.provider_ref: transfer.amount.units
        for transfer in listed
        if transfer.state is TransferState.COMPLETED
    }
    set_aside = {row.provider_ref for row in listed.set_aside}
    for provider_ref in sorted((completed.keys() | after.keys()) - set_aside):
        # Less than the smallest unit is collected with the balance.
        if completed.get(provider_ref, 0) == after.get(provider_ref, 0):
            continue
        with comparison.noting_error():
            comparison.report(
                f"{custodian.name}:{provider_ref}",
                "Incoming tokens differ between a custodian and our books",
                {
                    "there": str(completed.get(provider_ref, "nothing")),
                    "with us": str(after.get(provider_ref, "nothing")),
                },
            )


def _custody_arrivals(session: Session, custodian: Custodian, since: datetime) -> dict[str, int]:
    rows = session.rows(_CUSTODY_ARRIVALS, (custodian.name, since))
    return dict(rows)
