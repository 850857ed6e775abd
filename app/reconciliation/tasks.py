"""Background tasks of reconciliation."""

from app.kit.db import Database
from app.kit.tasks import Queue, task
from app.reconciliation import service
from app.reconciliation.queries import TASK


@task(TASK, queue=Queue.NIGHTLY, own_transactions=True)
def reconcile(database: Database) -> None:
    """Compare every source; runs each night and on request."""
    service.reconcile_all(database)
