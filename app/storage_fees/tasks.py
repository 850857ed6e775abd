"""The background tasks of storage fees."""

from uuid import UUID

from app.kit.db import Database, Session
from app.kit.tasks import Queue, task
from app.storage_fees import accruals, charging


@task("storage_fees.catch_up", queue=Queue.NIGHTLY, own_transactions=True)
def catch_up(database: Database) -> None:
    """Accrue the days that have ended, and close the months that have."""
    accruals.catch_up(database)


@task("storage_fees.stage_charges", queue=Queue.NIGHTLY)
def stage_charges(session: Session) -> None:
    """Stage the job of every charge that is due."""
    charging.stage_due(session)


@task("storage_fees.charge", queue=Queue.NIGHTLY)
def charge(session: Session, *, charge_id: str) -> None:
    """Post a charge, or leave it due while its metal cannot be sold."""
    charging.charge(session, UUID(charge_id))
