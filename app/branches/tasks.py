"""The background tasks of branches."""

from app.branches.licences import service as licences
from app.kit.db import Session
from app.kit.tasks import Queue, task


@task("branches.warn_of_licences", queue=Queue.NIGHTLY)
def warn_of_licences(session: Session) -> None:
    """Open a case for each licence that expires soon."""
    licences.warn_of_expiry(session)
