"""The background tasks of fulfilment."""

from datetime import datetime
from uuid import UUID

from app.fulfillment.carriers.rules import Carrier
from app.fulfillment.facts import ShipmentChanged
from app.fulfillment.labels import service as labels
from app.fulfillment.parcels import service as parcels
from app.fulfillment.partners import service as partners
from app.fulfillment.restock import automation
from app.fulfillment.restock.purchase_orders import ordering
from app.fulfillment.shipments import following
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.tracking import service as tracking
from app.fulfillment.tracking.facts import ParcelMoved
from app.kit.db import Database, Session
from app.kit.tasks import Queue, task
from app.outbox import service as outbox


@task("fulfillment.poll_tracking", queue=Queue.FULFILLMENT)
def poll_tracking(session: Session) -> None:
    """Stage the check of every parcel that is due."""
    tracking.poll(session)


@task("fulfillment.track_parcels", queue=Queue.FULFILLMENT, own_transactions=True, polled=True)
def track_parcels(database: Database, *, carrier: str, tracking_numbers: list[str]) -> None:
    """Ask a carrier for parcels, and store what happened to them."""
    tracking.track_parcels(database, Carrier(carrier), tracking_numbers)


@task("fulfillment.fetch_proof", queue=Queue.FULFILLMENT, own_transactions=True, on=ParcelMoved)
def fetch_proof(database: Database, *, parcel_id: str) -> None:
    """Fetch the proof of a delivery, if the parcel is delivered and has none."""
    tracking.fetch_proof(database, UUID(parcel_id))


@task("fulfillment.buy_labels", queue=Queue.FULFILLMENT, own_transactions=True)
def buy_labels(database: Database, *, shipment_id: str) -> None:
    """Buy the labels of the parcels of a packed shipment."""
    parcels.buy_labels(database, UUID(shipment_id))


@task("fulfillment.relabel", queue=Queue.FULFILLMENT, own_transactions=True)
def relabel(database: Database, *, shipment_id: str, corrected_at: str) -> None:
    """Buy the labels of a packed shipment again whose address was corrected."""
    parcels.relabel(database, UUID(shipment_id), datetime.fromisoformat(corrected_at))


@task("fulfillment.poll_partners", queue=Queue.FULFILLMENT)
def poll_partners(session: Session) -> None:
    """Stage the check of every shipment at a partner that is due."""
    partners.poll(session)


@task(
    "fulfillment.advance_partner_order",
    queue=Queue.FULFILLMENT,
    own_transactions=True,
    polled=True,
)
def advance_partner_order(database: Database, *, shipment_id: str) -> None:
    """Have a partner send a shipment, or ask it how far it is."""
    partners.advance(database, UUID(shipment_id))


@task("fulfillment.parcel_moved", queue=Queue.FULFILLMENT, on=ParcelMoved)
def follow_parcel(session: Session, *, parcel_id: str) -> None:
    """Give the shipment the status that its parcels have together."""
    following.follow_parcel(session, UUID(parcel_id))


@task("fulfillment.run_restock", queue=Queue.FULFILLMENT)
def run_restock(session: Session) -> None:
    """Find out what shelves need, and plan its purchase."""
    automation.run(session)


@task("fulfillment.restock_after_shipment", queue=Queue.FULFILLMENT, on=ShipmentChanged)
def restock_after_shipment(session: Session, *, subject_type: str, subject_id: str) -> None:
    """Run restock once goods of an order or a redemption have left, unless a run waits."""
    del subject_type
    if shipments_queries.has_left(session, UUID(subject_id)):
        outbox.stage_unless_waiting(session, "fulfillment.run_restock", {})


@task("fulfillment.poll_purchases", queue=Queue.FULFILLMENT)
def poll_purchases(session: Session) -> None:
    """Stage the job of every purchase order that is due."""
    ordering.poll(session)


@task("fulfillment.advance_purchase", queue=Queue.FULFILLMENT, own_transactions=True, polled=True)
def advance_purchase(database: Database, *, order_id: str) -> None:
    """Bring an order as far as its wholesaler lets it."""
    ordering.advance(database, UUID(order_id))


@task("fulfillment.forget_old", queue=Queue.NIGHTLY)
def forget_old(session: Session) -> None:
    """Delete the documents of old labels, and what happened to parcels long ago."""
    labels.empty_documents(session)
    tracking.delete_old(session)
