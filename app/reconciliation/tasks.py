"""Background tasks of reconciliation."""

from datetime import datetime

from app.kit.db import Database, Session
from app.kit.tasks import Queue, task
from app.reconciliation import service
from app.reconciliation.queries import TASK


@task(TASK, queue=Queue.NIGHTLY)
def reconcile(session: Session) -> None:
    """Stage a job for each source; runs each night and on request."""
    service.stage_comparisons(session)


@task("reconciliation.compare_source", queue=Queue.NIGHTLY, own_transactions=True)
def compare_source(database: Database, *, source: str, since: str) -> None:
    """Compare one source since an instant, and record the result."""
    service.compare_source(database, source, datetime.fromisoformat(since))
