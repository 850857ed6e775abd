"""The background tasks of custody."""

from uuid import UUID

from app.custody import addresses, incoming_tokens, opening_balances, service
from app.custody.ports import TransferChanged
from app.kit.db import Database, Session
from app.kit.tasks import Queue, task


@task("custody.settle_send", queue=Queue.PAYMENTS, own_transactions=True)
def settle_send(database: Database, *, reference: str) -> None:
    """Move on a send whose outcome no webhook has reported."""
    service.settle(database, reference)


@task("custody.follow_sends", queue=Queue.PAYMENTS)
def follow_sends(session: Session) -> None:
    """Stage the check of every unsettled send that was not checked for a while."""
    service.follow_sends(session)


@task("custody.make_address", queue=Queue.PAYMENTS, own_transactions=True, provider="custody")
def create_address(database: Database, *, address_id: str) -> None:
    """Create a requested address at a custodian."""
    addresses.create_address(database, UUID(address_id))


@task("custody.hear", queue=Queue.PAYMENTS, own_transactions=True, on=TransferChanged)
def fetch_changed_transfer(database: Database, *, event_id: str) -> None:
    """Fetch and apply the transfer that a custodian's webhook is about."""
    incoming_tokens.fetch_changed_transfer(database, UUID(event_id))


@task("custody.poll", queue=Queue.PAYMENTS)
def stage_polls(session: Session) -> None:
    """Stage the poll of every custodian."""
    incoming_tokens.stage_polls(session)


@task("custody.poll_custodian", queue=Queue.PAYMENTS, own_transactions=True)
def poll_custodian(database: Database, *, custodian: str) -> None:
    """Fetch incoming transfers and balances from one custodian."""
    incoming_tokens.poll_custodian(database, custodian)


@task("custody.open_books", queue=Queue.PAYMENTS, own_transactions=True, provider="custody")
def open_books(database: Database) -> None:
    """Post each custodian's balances as owners' capital, once."""
    opening_balances.open_books(database)
