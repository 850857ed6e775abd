"""The background tasks of trading."""

from app.kit.db import Session
from app.kit.tasks import Queue, task
from app.trading import service


@task("trading.forget_quotes", queue=Queue.NIGHTLY)
def delete_expired_quotes(session: Session) -> None:
    """Delete the quotes that expired long ago and were never filled."""
    service.delete_expired_quotes(session)
