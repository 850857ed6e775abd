"""The background tasks of hedging."""

from app.hedging import service
from app.kit.db import Session
from app.kit.tasks import Queue, task


@task("hedging.record_exposure", queue=Queue.LEDGER)
def record_exposure(session: Session) -> None:
    """Record the net exposure of every metal now."""
    service.record_exposure(session)
