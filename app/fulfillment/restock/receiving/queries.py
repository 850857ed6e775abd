"""Named reads of receipts of purchase orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.catalog.rules import USD
from app.fulfillment.restock.purchase_orders.models import PurchaseOrder, PurchaseOrderLine
from app.fulfillment.restock.purchase_orders.rules import PREFIX
from app.fulfillment.restock.receiving.models import PurchaseReceipt
from app.fulfillment.restock.suppliers.models import Supplier
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.vault.locations.models import Location


@dataclass(frozen=True, slots=True)
class PurchaseReceiptRow:
    """Units of one product that came with one delivery note."""

    id: UUID
    order_id: UUID
    order_number: int
    supplier: str
    location_code: str
    sku: str
    delivery_note: str
    units: int
    surplus_units: int
    cost_usd: int
    invoice_id: UUID | None
    received_by: UUID
    received_at: datetime

    @property
    def order_public_id(self) -> PublicId:
        """The purchase order's id as others see it."""
        return ids.encode(PREFIX, self.order_id)

    @property
    def cost(self) -> Amount:
        """What was booked as owed for them."""
        return Amount(USD, self.cost_usd)


_RECEIPTS = (
    sa.select(
        PurchaseReceipt.id,
        PurchaseReceipt.order_id,
        PurchaseOrder.number.label("order_number"),
        Supplier.name.label("supplier"),
        Location.code.label("location_code"),
        PurchaseOrderLine.sku,
        PurchaseReceipt.delivery_note,
        PurchaseReceipt.units,
        PurchaseReceipt.surplus_units,
        PurchaseReceipt.cost_usd,
        PurchaseReceipt.invoice_id,
        PurchaseReceipt.received_by,
        PurchaseReceipt.received_at,
    )
    .join(
        PurchaseOrderLine,
        sa.and_(
            PurchaseOrderLine.order_id == PurchaseReceipt.order_id,
            PurchaseOrderLine.position == PurchaseReceipt.position,
        ),
    )
    .join(PurchaseOrder, PurchaseOrder.id == PurchaseReceipt.order_id)
    .join(Supplier, Supplier.id == PurchaseOrder.supplier_id)
    .join(Location, Location.id == PurchaseOrder.location_id)
)
RECEIPTS = ListSource(
    PurchaseReceiptRow,
    _RECEIPTS,
    key=PurchaseReceipt.id,
    sorts={"received": PurchaseReceipt.id},
    filters={
        "number": lambda number: PurchaseOrder.number == number,
        "sku": lambda text: PurchaseOrderLine.sku == text.upper(),
        "location": lambda text: Location.code == text.upper(),
    },
)


def list_receipts(session: Session, order_id: UUID) -> Sequence[PurchaseReceiptRow]:
    """Return what arrived of a purchase order, the first receipt first."""
    own = _RECEIPTS.where(PurchaseReceipt.order_id == order_id)
    return session.select(PurchaseReceiptRow, own.order_by(PurchaseReceipt.id))
