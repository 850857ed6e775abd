"""The verbs of arrivals: what a custodian says came in is noted once, by the webhook or the poll.

Both ask the custodian and take in what it answers, in the same function; so it does not matter
which of them came, how often, or in which order.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from app.cases import service as cases
from app.custody import rules, sends
from app.custody.ports import Custodian, Custodians, CustodyTransfer, Direction, TransferState
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import NotFinished
from app.kit.ports import resolve
from app.kit.tasks import task
from app.outbox import service as outbox
from app.providers import queries as providers_queries
from app.providers.errors import ProviderRefused

#: Custodians' clocks and lists lag: the poll looks so far back each time.
_OVERLAP = timedelta(minutes=10)
_BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)

_ADDRESS = "SELECT id FROM custody_addresses WHERE custodian = %s AND address_key = %s"
_ADD = """
INSERT INTO custody_arrivals (id, custodian, provider_ref, address_id, address, asset, units,
    tx_hash, arrived_at, seen_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (custodian, provider_ref) DO NOTHING RETURNING id
"""
_SINCE = "SELECT since FROM custody_polls WHERE custodian = %s"
_POLLED = """
INSERT INTO custody_polls AS p (custodian, since, polled_at) VALUES (%s, %s, %s)
ON CONFLICT (custodian) DO UPDATE
SET since = greatest(p.since, excluded.since), polled_at = excluded.polled_at
"""
_BALANCE = """
INSERT INTO custody_balances AS b (custodian, asset, available_units, total_units, observed_at)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (custodian, asset) DO UPDATE
SET available_units = excluded.available_units, total_units = excluded.total_units,
    observed_at = excluded.observed_at
WHERE b.observed_at < excluded.observed_at
"""
_log = structlog.get_logger()


@task("custody.hear", own_transactions=True)
def handle_webhook_event(database: Database, *, event_id: str) -> None:
    """Ask the custodian of a webhook what is so, and take it in."""
    with database.reading() as session:
        event = providers_queries.stored_event(session, UUID(event_id))
    custodian = resolve(Custodians).get(event.provider)
    transfer = custodian.transfer(event.subject) if custodian is not None else None
    if custodian is None or transfer is None:
        _log.warning("custody_event_of_nothing", provider=event.provider, kind=event.kind)
        return
    with database.transaction() as session:
        apply_transfers(session, custodian, [transfer])


@task("custody.poll", own_transactions=True)
def poll_custodians(database: Database) -> None:
    """Ask every custodian what came in and what it keeps.

    One that does not answer is asked the next time, and keeps the others from nothing.
    """
    for custodian in resolve(Custodians).values():
        try:
            fetch_incoming(database, custodian)
            record_balances(database, custodian)
        except (NotFinished, ProviderRefused) as failure:
            _log.warning("custody_not_polled", custodian=custodian.name, reason=str(failure))


def fetch_incoming(database: Database, custodian: Custodian) -> None:
    """Take in everything that came in since the last time. Raises what the custodian raises."""
    with database.reading() as session:
        row = session.row(_SINCE, (custodian.name,))
    since = row[0] if row is not None else _BEGINNING
    came = custodian.transfers(since, Direction.IN)
    # What is not final yet is looked at again, however long that takes.
    waiting = [each.at for each in came if each.state is TransferState.PENDING]
    reached = min(waiting, default=max((each.at for each in came), default=since))
    with database.transaction() as session:
        apply_transfers(session, custodian, came)
        session.send(_POLLED, (custodian.name, reached - _OVERLAP, clock.now()))


def record_balances(database: Database, custodian: Custodian) -> None:
    """Keep what the custodian says that it keeps. Raises what the custodian raises."""
    asked_at = clock.now()
    holdings = custodian.balances()
    with database.transaction() as session:
        for each in sorted(holdings, key=lambda holding: holding.total.asset.code):
            asset, available, total = each.total.asset.code, each.available.units, each.total.units
            session.send(_BALANCE, (custodian.name, asset, available, total, asked_at))


def apply_transfers(
    session: Session, custodian: Custodian, transfers: Iterable[CustodyTransfer]
) -> None:
    """Take in what a custodian says of transfers, whichever way they go."""
    for transfer in transfers:
        if transfer.direction is Direction.IN:
            _arrived(session, custodian, transfer)
            continue
        send = sends.lock_send(session, transfer.reference) if transfer.reference else None
        if send is None:
            # Sent by hand at the custodian, or by another house with the same account.
            _log.warning("custody_send_not_ours", custodian=custodian.name)
        else:
            sends.apply_transfer(session, send, custodian.name, transfer)


def _arrived(session: Session, custodian: Custodian, transfer: CustodyTransfer) -> None:
    """Note what arrived, once, and have it credited; what came to nobody is looked into."""
    if transfer.state is not TransferState.COMPLETED or transfer.amount.units <= 0:
        return
    identifier, amount = ids.new(), transfer.amount
    address = session.row(_ADDRESS, (custodian.name, transfer.address.lower()))
    row = session.row(
        _ADD,
        (
            identifier,
            custodian.name,
            transfer.provider_ref,
            address[0] if address is not None else None,
            transfer.address,
            amount.asset.code,
            amount.units,
            transfer.tx_hash,
            transfer.at,
            clock.now(),
        ),
    )
    if row is not None and address is None:
        cases.open_case(
            session,
            kind="custody.arrival",
            subject=f"{custodian.name} {transfer.provider_ref}",
            key=f"{custodian.name}:{transfer.provider_ref}",
            title="Something came in at an address that is nobody's",
            facts={
                "Custodian": custodian.name,
                "Address": transfer.address,
                "Amount": f"{amount} {amount.asset.code}",
                "Transaction": transfer.tx_hash,
            },
        )
    elif row is not None:
        outbox.stage(session, rules.CREDIT_TASK, {"arrival_id": str(identifier)})
