"""Check what became of the labels that we bought, and of the parcels that were delivered."""

from datetime import timedelta
from uuid import UUID

from app.catalog.rules import USD
from app.fulfillment.carriers.ports import LabelSeller, ParcelTracker
from app.fulfillment.labels import queries as labels_queries
from app.fulfillment.labels import service as labels
from app.fulfillment.tracking import service as tracking
from app.fulfillment.tracking.errors import ProofNotReady
from app.kit import clock, ids
from app.kit.money import Amount
from app.reconciliation.comparison import Comparison

#: How long a label may be bought before its parcel is at the carrier.
UNUSED_MAX = timedelta(days=4)
#: How long the purchase of a label may be unsettled: longer than its job is tried.
_UNSETTLED_MAX = timedelta(hours=6)
#: How long a carrier may take to have a proof of delivery.
_PROOF_MAX = timedelta(days=2)

_BOUGHT = """
SELECT l.id, l.tracking_number, l.cost_usd, t.status IS NULL OR t.status = 'label_created'
FROM parcel_labels l
LEFT JOIN tracked_parcels t ON t.carrier = l.carrier AND t.tracking_number = l.tracking_number
WHERE l.carrier = %s AND l.status = 'bought' AND l.ordered_at >= %s AND l.bought_at < %s
ORDER BY l.id
"""
_UNSETTLED = """
SELECT parcel_id FROM parcel_labels
WHERE carrier = %s AND status = 'ordered' AND ordered_at >= %s AND called_at < %s ORDER BY id
"""
_UNPROVEN = """
SELECT parcel_id, tracking_number FROM tracked_parcels
WHERE carrier = %s AND status = 'delivered' AND proof_sealed IS NULL AND since >= %s
    AND status_at < %s
ORDER BY id
"""


def compare_labels(comparison: Comparison, seller: LabelSeller) -> None:
    """Report labels that nothing was sent with, and cancel those whose purchase was given up."""
    now = clock.now()
    with comparison.database.reading() as session:
        bought = session.rows(_BOUGHT, (seller.name, comparison.since, now - UNUSED_MAX))
        unsettled = session.rows(_UNSETTLED, (seller.name, comparison.since, now - _UNSETTLED_MAX))
    for label_id, number, cost, is_unused in bought:
        with comparison.item():
            if is_unused:
                _report_unused(comparison, label_id, number, cost)
    for (parcel_id,) in unsettled:
        with comparison.item():
            labels.cancel_label(comparison.database, parcel_id)
            comparison.healed += 1


def compare_deliveries(comparison: Comparison, tracker: ParcelTracker) -> None:
    """Fetch the proofs that deliveries lack, and report those that the carrier does not have."""
    with comparison.database.reading() as session:
        unproven = session.rows(
            _UNPROVEN, (tracker.name, comparison.since, clock.now() - _PROOF_MAX)
        )
    for parcel_id, number in unproven:
        with comparison.item():
            try:
                tracking.fetch_proof(comparison.database, parcel_id)
            except ProofNotReady:
                comparison.report(
                    number,
                    "A carrier has no proof of a delivery",
                    {"carrier": tracker.name, "tracking number": number},
                )
            else:
                comparison.healed += 1


def _report_unused(comparison: Comparison, label_id: UUID, number: str, cost: int | None) -> None:
    facts = {
        "label": ids.encode(labels_queries.PREFIX, label_id),
        "tracking number": number,
        "cost": str(Amount(USD, cost)) if cost is not None else "unknown",
        "what to do": "Send the parcel, or cancel the label: it then costs nothing.",
    }
    comparison.report(number, "A label was bought, and its parcel is not at the carrier", facts)
