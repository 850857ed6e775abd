"""The background tasks of the audit trail."""

from app.audit import service
from app.kit.db import Session
from app.kit.tasks import task


@task("audit.seal")
def seal(session: Session) -> None:
    """Give every record whose transaction has ended its position in the chain."""
    service.seal(session)


@task("audit.anchor")
def anchor(session: Session) -> None:
    """Sign the head of the chain and store it outside the database."""
    service.anchor(session)
