"""The background tasks of throttle."""

from app.kit.db import Session
from app.kit.tasks import Queue, task
from app.throttle import service


@task("throttle.forget_ended", queue=Queue.NIGHTLY)
def delete_ended(session: Session) -> None:
    """Delete the windows that have ended."""
    service.delete_ended(session)
