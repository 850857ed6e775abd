"""The background tasks of the ledger."""

from app.kit.db import Session
from app.kit.tasks import Queue, task
from app.ledger import service


@task("ledger.expire_holds", queue=Queue.LEDGER)
def expire_due_holds(session: Session) -> None:
    """Release the holds that have expired."""
    service.expire_due_holds(session)


@task("ledger.roll_up", queue=Queue.LEDGER)
def roll_up(session: Session) -> None:
    """Add settled postings of house accounts to their roll-ups."""
    service.roll_up(session)
