"""The background tasks of the audit trail."""

from app.audit import service
from app.kit.db import Session
from app.kit.tasks import Queue, task


@task("audit.seal", queue=Queue.LEDGER)
def seal(session: Session) -> None:
    """Give every record whose transaction has ended its position in the chain."""
    service.seal(session)


@task("audit.anchor", queue=Queue.LEDGER)
def anchor(session: Session) -> None:
    """Sign the head of the chain and store it outside the database."""
    service.anchor(session)
