"""The background tasks of idempotency."""

from app.idempotency import service
from app.kit.db import Session
from app.kit.tasks import task


@task("idempotency.forget_old")
def delete_expired(session: Session) -> None:
    """Delete the responses whose retention period is over."""
    service.delete_expired(session)
