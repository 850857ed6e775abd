"""The background tasks of the audit trail."""

from app.audit import denials, service
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


@task("audit.record_repeated_denials", queue=Queue.NIGHTLY)
def record_repeated_denials(session: Session) -> None:
    """Record the denials that were repeated in each hour that is over, with their number."""
    denials.record_repeated_denials(session)
