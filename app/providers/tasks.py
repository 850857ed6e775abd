"""The background tasks of providers."""

from app.kit.db import Session
from app.kit.tasks import Queue, task
from app.providers import service


@task("providers.forget_old", queue=Queue.NIGHTLY)
def delete_old_records(session: Session) -> None:
    """Delete a batch of calls and events older than the retention period."""
    service.delete_old_records(session)
