"""Jobs of imports."""

from uuid import UUID

from app.imports import service
from app.kit.db import Database, Session
from app.kit.tasks import Queue, task


@task("imports.check_rows", queue=Queue.FULFILLMENT, own_transactions=True)
def check_rows(database: Database, *, import_id: str) -> None:
    """Check every row of a file, without effect."""
    service.check_rows(database, UUID(import_id))


@task("imports.apply_rows", queue=Queue.FULFILLMENT, own_transactions=True)
def apply_rows(database: Database, *, import_id: str) -> None:
    """Write every row of a confirmed import, or none."""
    service.apply_rows(database, UUID(import_id))


@task("imports.expire", queue=Queue.NIGHTLY)
def expire(session: Session) -> None:
    """Delete the files that were not confirmed in time."""
    service.expire_imports(session)
