"""The background tasks of the ledger."""

from app.kit.db import Session
from app.kit.tasks import task
from app.ledger import service


@task("ledger.expire_holds")
def expire_due_holds(session: Session) -> None:
    """Release the holds that have expired."""
    service.expire_due_holds(session)


@task("ledger.roll_up")
def roll_up(session: Session) -> None:
    """Add settled postings of house accounts to their roll-ups."""
    service.roll_up(session)
