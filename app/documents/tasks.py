"""The background tasks of documents."""

from app.documents import service
from app.kit.db import Session
from app.kit.tasks import Queue, task


@task("documents.number_waiting", queue=Queue.LEDGER)
def number_waiting(session: Session) -> None:
    """Number the documents that were committed since the last time."""
    service.number_waiting(session)
