"""The background tasks of redemption."""

from uuid import UUID

from app.kit.db import Session
from app.kit.tasks import Queue, task
from app.redemption.quotes import service as quotes
from app.redemption.requests import service as redemptions


@task("redemption.lapse", queue=Queue.LEDGER)
def let_lapse(session: Session, *, redemption_id: str) -> None:
    """End a redemption that was not decided in time."""
    redemptions.let_lapse(session, UUID(redemption_id))


@task("redemption.forget_quotes", queue=Queue.NIGHTLY)
def delete_expired_quotes(session: Session) -> None:
    """Delete the quotes that expired long ago and were never used."""
    quotes.delete_expired_quotes(session)
