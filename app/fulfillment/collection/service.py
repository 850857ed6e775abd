"""The verbs of collection: hand goods over, and send a new code."""

from uuid import UUID

from app.access import Actor, Permission, check_branch, require
from app.fulfillment.collection import codes
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments import service as shipments
from app.fulfillment.shipments.errors import ShipmentMovedOn
from app.fulfillment.shipments.queries import ShipmentRow
from app.fulfillment.shipments.rules import ShipmentStatus
from app.kit.db import Session
from app.tax.assessment import Delivery


def hand_over(
    session: Session, actor: Actor, shipment_id: UUID, *, code: str, document: str
) -> None:
    """Hand the goods of a shipment to its customer, who said the code and showed a document.

    Raises `PermissionDenied`, `NotFound` also for another branch, `ShipmentMovedOn`,
    `RecipientNotCleared`, `CollectionCodeWrong` and `CollectionCodeBlocked`. A wrong code and a
    screening are kept.
    """
    shipment = _lock_waiting(session, actor, shipment_id)
    shipments.require_cleared(session, shipment)
    codes.use_code(session, shipment, code)
    evidence = f"Handed over against the code and a document: {document}"
    shipments.hand_over(session, actor, shipment, evidence=evidence)


def send_new_code(session: Session, actor: Actor, shipment_id: UUID) -> None:
    """Send the customer another code; the earlier one stops working. Raises as `hand_over` does of
    the shipment."""
    codes.send_code(session, _lock_waiting(session, actor, shipment_id))


def get_waiting(session: Session, actor: Actor, shipment_id: UUID) -> ShipmentRow:
    """Return a shipment that waits to be collected at the actor's branch. Raises `NotFound`."""
    shipment = shipments_queries.get_shipment(session, shipment_id)
    check_branch(actor, shipment.branch_id)
    return shipment


def _lock_waiting(session: Session, actor: Actor, shipment_id: UUID) -> ShipmentRow:
    require(actor, Permission.SHIPMENTS_HAND_OVER)
    shipment = shipments_queries.lock_shipment(session, shipment_id)
    check_branch(actor, shipment.branch_id)
    if shipment.delivery is not Delivery.PICKUP or shipment.status is not ShipmentStatus.PACKED:
        raise ShipmentMovedOn
    return shipment
