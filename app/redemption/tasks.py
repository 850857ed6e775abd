"""The background tasks of redemption."""

from uuid import UUID

from app.fulfillment.facts import ShipmentChanged
from app.fulfillment.shipments.rules import SubjectType
from app.kit.db import Session
from app.kit.tasks import Queue, task
from app.redemption.quotes import service as quotes
from app.redemption.requests import fulfilment
from app.redemption.requests import service as redemptions


@task("redemption.lapse", queue=Queue.LEDGER)
def let_lapse(session: Session, *, redemption_id: str) -> None:
    """End a redemption that was not decided in time."""
    redemptions.let_lapse(session, UUID(redemption_id))


@task("redemption.request_shipments", queue=Queue.FULFILLMENT)
def request_shipments(session: Session, *, redemption_id: str) -> None:
    """Request the shipments of an approved redemption."""
    fulfilment.request_shipments(session, UUID(redemption_id))


@task("redemption.shipment_changed", queue=Queue.LEDGER, on=ShipmentChanged)
def handle_changed_shipment(session: Session, *, subject_type: str, subject_id: str) -> None:
    """Give the redemption the status that its shipments have together."""
    if subject_type == SubjectType.REDEMPTION:
        fulfilment.follow_shipments(session, UUID(subject_id))


@task("redemption.forget_quotes", queue=Queue.NIGHTLY)
def delete_expired_quotes(session: Session) -> None:
    """Delete the quotes that expired long ago and were never used."""
    quotes.delete_expired_quotes(session)
