"""The background tasks of approvals."""

from uuid import UUID

from app.approvals import service
from app.kit.db import Session
from app.kit.tasks import Queue, task


@task("approvals.expire_old", queue=Queue.NIGHTLY)
def expire_requests(session: Session) -> None:
    """End the requests that were not decided in time."""
    service.expire_requests(session)


@task("approvals.tell_checkers", queue=Queue.MESSAGES)
def notify_checkers(session: Session, *, approval_id: str) -> None:
    """Email everyone who may decide a request."""
    service.notify_checkers(session, UUID(approval_id))
