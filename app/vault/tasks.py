"""The background tasks of the vault."""

from app.kit.db import Session
from app.kit.tasks import Queue, task
from app.vault.alerts import service as alerts


@task("vault.check_levels", queue=Queue.NIGHTLY)
def check_levels(session: Session) -> None:
    """Check every product at every location against its alerts."""
    alerts.check_all(session)


@task("vault.follow_alerts", queue=Queue.MESSAGES)
def follow_alerts(session: Session) -> None:
    """Check open alerts again, and notify staff of new ones."""
    alerts.follow(session)
