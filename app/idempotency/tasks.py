"""The background tasks of idempotency."""

from app.idempotency import service
from app.kit.db import Session
from app.kit.tasks import Queue, task


@task("idempotency.forget_old", queue=Queue.NIGHTLY)
def delete_expired(session: Session) -> None:
    """Delete the responses whose retention period is over."""
    service.delete_expired(session)
