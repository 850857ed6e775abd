"""Recording incoming token transfers once, whether a webhook or the poll reports them.

Both fetch transfers from the custodian and apply them with the same function. So their order, and
how often they run, do not matter.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from app.cases import service as cases
from app.custody import dust, send_records, unsupported_tokens
from app.custody.facts import TokensArrived
from app.custody.ports import (
    Custodian,
    Custodians,
    CustodyTransfer,
    Direction,
    TransferState,
    UnsupportedTokens,
)
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import NotFinished
from app.kit.formatting import format_amount
from app.kit.ports import resolve
from app.outbox import service as outbox
from app.providers import queries as providers_queries
from app.providers.errors import ProviderRefused, ResponseUnreadable
from app.providers.ports import SetAsideRow
from app.providers.set_aside import report_row

#: Custodians' clocks and lists lag: each poll repeats this much of the last one.
_OVERLAP = timedelta(minutes=10)
#: How long polls go back to a transfer that was set aside; then its case and webhooks are left.
_SET_ASIDE_HELD = timedelta(days=3)
_BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)

_FIND_ADDRESS = "SELECT id FROM custody_addresses WHERE custodian = %s AND address_key = %s"
_INSERT = """
INSERT INTO custody_arrivals (id, custodian, provider_ref, address_id, address, asset, units,
    tx_hash, arrived_at, seen_at, is_dust)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (custodian, provider_ref) DO NOTHING RETURNING id
"""
_SINCE = "SELECT since FROM custody_polls WHERE custodian = %s"
_SET_POLLED = """
INSERT INTO custody_polls AS p (custodian, since, polled_at) VALUES (%s, %s, %s)
ON CONFLICT (custodian) DO UPDATE
SET since = greatest(p.since, excluded.since), polled_at = excluded.polled_at
"""
_SET_BALANCE = """
INSERT INTO custody_balances AS b (custodian, asset, available_units, total_units, observed_at)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (custodian, asset) DO UPDATE
SET available_units = excluded.available_units, total_units = excluded.total_units,
    observed_at = excluded.observed_at
WHERE b.observed_at < excluded.observed_at
"""
_log = structlog.get_logger()


def fetch_changed_transfer(database: Database, event_id: UUID) -> None:
    """Fetch and apply the transfer that a custodian's webhook is about."""
    with database.reading() as session:
        event = providers_queries.stored_event(session, event_id)
    custodian = resolve(Custodians).get(event.provider)
    try:
        transfer = custodian.transfer(event.subject) if custodian is not None else None
    except ResponseUnreadable as error:
        raw = event.body.decode(errors="replace")
        with database.transaction() as session:
            set_aside_row(session, event.provider, SetAsideRow(event.subject, error, raw))
        return
    if custodian is None or transfer is None:
        _log.warning("custody_event_of_nothing", provider=event.provider, kind=event.kind)
        return
    with database.transaction() as session:
        apply_transfers(session, custodian, [transfer])


def stage_polls(session: Session) -> None:
    """Stage the poll of every custodian, so that a slow one does not hold up the others."""
    for name in resolve(Custodians):
        args = {"custodian": name}
        outbox.stage_unless_waiting(session, "custody.poll_custodian", args, provider=name)


def poll_custodian(database: Database, name: str) -> None:
    """Fetch incoming transfers and balances from a custodian. If it fails, the next poll tries
    again."""
    custodian = resolve(Custodians).get(name)
    if custodian is None:
        _log.warning("custodian_switched_off", custodian=name)
        return
    # Each of the two is done even if the other one fails.
    for step in (fetch_incoming, record_balances):
        try:
            step(database, custodian)
        except (NotFinished, ProviderRefused) as failure:
            _log.warning(
                "custody_not_polled", custodian=name, step=step.__name__, reason=str(failure)
            )


def fetch_incoming(database: Database, custodian: Custodian) -> None:
    """Apply every incoming transfer since the last poll. Raises what the custodian raises."""
    with database.reading() as session:
        since = session.optional_value(_SINCE, (custodian.name,)) or _BEGINNING
    transfers = custodian.transfers(since, Direction.IN)
    # The next poll starts before the oldest transfer that is not final yet. One that was set aside
    # may be readable soon.
    pending = [transfer.at for transfer in transfers if transfer.state is TransferState.PENDING]
    held_from = clock.now() - _SET_ASIDE_HELD
    pending += [row.at for row in transfers.set_aside if row.at and row.at > held_from]
    latest = max((transfer.at for transfer in transfers), default=since)
    reached = min(pending, default=latest)
    with database.transaction() as session:
        for row in transfers.set_aside:
            set_aside_row(session, custodian.name, row)
        apply_transfers(session, custodian, transfers)
        session.send(_SET_POLLED, (custodian.name, reached - _OVERLAP, clock.now()))


def record_balances(database: Database, custodian: Custodian) -> None:
    """Record the balances that the custodian reports. Raises what the custodian raises."""
    fetched_at = clock.now()
    balances = custodian.balances()
    with database.transaction() as session:
        for row in balances.set_aside:
            report_row(session, custodian.name, "balances", row)
        for balance in sorted(balances, key=lambda balance: balance.total.asset.code):
            asset = balance.total.asset.code
            available, total = balance.available.units, balance.total.units
            session.send(_SET_BALANCE, (custodian.name, asset, available, total, fetched_at))


def set_aside_row(session: Session, custodian: str, row: SetAsideRow) -> bool:
    """Open a case, once, for a transfer that cannot be read; return whether its case is open."""
    if isinstance(row.cause, UnsupportedTokens) and row.cause.direction is Direction.IN:
        return unsupported_tokens.report_arrival(session, custodian, row.provider_ref, row.cause)
    return report_row(session, custodian, "transfers", row)


def apply_transfers(
    session: Session, custodian: Custodian, transfers: Iterable[CustodyTransfer]
) -> None:
    """Apply the current state of a custodian's transfers, incoming and outgoing."""
    for transfer in transfers:
        if transfer.direction is Direction.IN:
            _record_incoming(session, custodian, transfer)
            continue
        send = send_records.lock_send(session, transfer.reference) if transfer.reference else None
        if send is None:
            # Sent by hand at the custodian, or by another system that uses the same account.
            _log.warning("custody_send_not_ours", custodian=custodian.name)
        else:
            send_records.apply_transfer(session, send, custodian.name, transfer)


def _record_incoming(session: Session, custodian: Custodian, transfer: CustodyTransfer) -> None:
    """Record a completed incoming transfer once, and stage its credit.

    A transfer to an address without an owner opens a case. Dust is collected.
    """
    if transfer.state is not TransferState.COMPLETED or transfer.amount.units <= 0:
        return
    identifier, amount = ids.new(), transfer.amount
    is_dust = dust.is_dust(session, amount)
    address_id = session.optional_value(_FIND_ADDRESS, (custodian.name, transfer.address.lower()))
    row = session.row(
        _INSERT,
        (
            identifier,
            custodian.name,
            transfer.provider_ref,
            address_id,
            transfer.address,
            amount.asset.code,
            amount.units,
            transfer.tx_hash,
            transfer.at,
            clock.now(),
            is_dust,
        ),
    )
    if row is not None and is_dust:
        dust.collect(session, custodian, transfer.provider_ref, amount)
    elif row is not None and address_id is None:
        cases.open_case(
            session,
            kind="custody.arrival",
            subject=f"{custodian.name} {transfer.provider_ref}",
            key=f"{custodian.name}:{transfer.provider_ref}",
            title="Incoming transfer to an unknown wallet address",
            facts={
                "Custodian": custodian.name,
                "Wallet address": transfer.address,
                "Amount": format_amount(amount),
                "Transaction": transfer.tx_hash,
            },
        )
    elif row is not None:
        outbox.publish(session, TokensArrived(identifier))
