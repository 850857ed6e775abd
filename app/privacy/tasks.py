"""The background tasks of privacy."""

from uuid import UUID

from app.kit.db import Database, Session
from app.kit.tasks import Queue, task
from app.privacy import exports, unconfirmed


@task("privacy.build_archive", queue=Queue.FULFILLMENT, own_transactions=True)
def build_archive(database: Database, *, export_id: str) -> None:
    """Build the archive of a data export, and notify the person."""
    exports.build_archive(database, UUID(export_id))


@task("privacy.erase_lapsed", queue=Queue.NIGHTLY, own_transactions=True)
def erase_lapsed(database: Database) -> None:
    """Erase the accounts whose email address was not confirmed in time."""
    unconfirmed.erase_lapsed(database)


@task("privacy.expire_archives", queue=Queue.NIGHTLY)
def expire_archives(session: Session) -> None:
    """Delete expired archives, and cancel requests whose job has failed for good."""
    exports.expire_archives(session)
