"""The background tasks of the outbox."""

from app.kit.db import Session
from app.kit.tasks import Queue, task
from app.outbox import service


@task("outbox.prune_done", queue=Queue.NIGHTLY)
def prune_done(session: Session) -> None:
    """Delete a batch of the jobs that were done more than a week ago."""
    service.prune_done(session)
