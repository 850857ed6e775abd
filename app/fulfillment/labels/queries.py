"""Reads of labels."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.catalog.rules import USD
from app.fulfillment.carriers.rules import Carrier
from app.keys import service as keys
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.money import Amount

#: The prefix of a label's public id.
PREFIX = "lbl"
TABLE, DOCUMENT = "parcel_labels", "document_sealed"

_BOUGHT = """
SELECT id, carrier, tracking_number, cost_usd, bought_at FROM parcel_labels
WHERE parcel_id = %s AND status = 'bought'
"""
_DOCUMENT = """
SELECT id, document_sealed FROM parcel_labels
WHERE parcel_id = %s AND status = 'bought' AND document_sealed IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class BoughtLabel:
    """The label of a parcel. `cost` is None where the carrier did not say."""

    id: UUID
    carrier: Carrier
    tracking_number: str
    cost: Amount | None
    bought_at: datetime

    @property
    def public_id(self) -> str:
        """Its id for people, which is printed on it."""
        return ids.encode(PREFIX, self.id)


def bought_label(session: Session, parcel_id: UUID) -> BoughtLabel | None:
    """Return the label of a parcel; None if it has none."""
    row = session.row(_BOUGHT, (parcel_id,))
    if row is None:
        return None
    identifier, carrier, tracking_number, cost, bought_at = row
    amount = None if cost is None else Amount(USD, cost)
    return BoughtLabel(identifier, Carrier(carrier), tracking_number, amount, bought_at)


def label_document(session: Session, parcel_id: UUID) -> bytes:
    """Return the PDF of a parcel's label. Raises `NotFound` without one, or once it is emptied."""
    row = session.row(_DOCUMENT, (parcel_id,))
    if row is None:
        raise NotFound
    identifier, sealed = row
    return keys.open_sealed(sealed, table=TABLE, column=DOCUMENT, key=identifier)
