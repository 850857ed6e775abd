"""The background tasks of screening."""

from uuid import UUID

from app.kit.db import Database, Session
from app.kit.tasks import Queue, task
from app.screening.decisions import rescreening
from app.screening.lists import activation


@task("screening.activate", queue=Queue.FULFILLMENT, own_transactions=True)
def activate(database: Database, *, version: int) -> None:
    """Make a version of the sanctions list current if its import could not finish."""
    activation.activate(database, version)


@task("screening.rescreen", queue=Queue.FULFILLMENT)
def rescreen(session: Session, *, version: int, source: str, after: str | None) -> None:
    """Screen the next batch of a source against a version of the sanctions list."""
    rescreening.rescreen(
        session, version=version, source=source, after=UUID(after) if after else None
    )
