"""Named reads of suppliers' invoices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from app.catalog.rules import USD
from app.fulfillment.restock.invoices.models import SupplierInvoice
from app.fulfillment.restock.invoices.rules import PREFIX, InvoiceStatus
from app.fulfillment.restock.purchase_orders.models import PurchaseOrder
from app.fulfillment.restock.suppliers.models import Supplier
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.list_query import ListSource
from app.kit.money import Amount


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """A supplier's invoice."""

    id: UUID
    order_id: UUID
    order_number: int
    supplier: str
    branch_id: UUID
    number: str
    status: InvoiceStatus
    amount_usd: int
    received_usd: int
    invoiced_on: date
    due_on: date
    recorded_by: UUID
    recorded_at: datetime
    paid_at: datetime | None
    bank_reference: str | None

    @property
    def public_id(self) -> PublicId:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def order_public_id(self) -> PublicId:
        """The purchase order's id as others see it."""
        return ids.encode("pur", self.order_id)

    @property
    def amount(self) -> Amount:
        """What the supplier asks for."""
        return Amount(USD, self.amount_usd)

    @property
    def received(self) -> Amount:
        """What was booked as owed for the goods that it asks for."""
        return Amount(USD, self.received_usd)

    @property
    def variance(self) -> Amount:
        """By how much it asks for more; negative if it asks for less."""
        return self.amount - self.received


_INVOICES = (
    sa.select(
        SupplierInvoice.id,
        SupplierInvoice.order_id,
        PurchaseOrder.number.label("order_number"),
        Supplier.name.label("supplier"),
        SupplierInvoice.branch_id,
        SupplierInvoice.number,
        SupplierInvoice.status,
        SupplierInvoice.amount_usd,
        SupplierInvoice.received_usd,
        SupplierInvoice.invoiced_on,
        SupplierInvoice.due_on,
        SupplierInvoice.recorded_by,
        SupplierInvoice.recorded_at,
        SupplierInvoice.paid_at,
        SupplierInvoice.bank_reference,
    )
    .join(PurchaseOrder, PurchaseOrder.id == SupplierInvoice.order_id)
    .join(Supplier, Supplier.id == SupplierInvoice.supplier_id)
)
INVOICES = ListSource(
    InvoiceRow,
    _INVOICES,
    key=SupplierInvoice.id,
    sorts={"recorded": SupplierInvoice.id, "due": SupplierInvoice.due_on},
    filters={
        "number": lambda text: sa.func.lower(SupplierInvoice.number) == text.lower(),
        "status": lambda status: SupplierInvoice.status == status,
        "supplier": lambda text: Supplier.name.icontains(text, autoescape=True),
    },
)


def get_invoice(session: Session, invoice_id: UUID) -> InvoiceRow:
    """Return an invoice. Raises `NotFound`."""
    return session.get(InvoiceRow, _INVOICES.where(SupplierInvoice.id == invoice_id))


def lock_invoice(session: Session, invoice_id: UUID) -> InvoiceRow:
    """Return an invoice, its row locked until the transaction ends. Raises `NotFound`."""
    found = _INVOICES.where(SupplierInvoice.id == invoice_id)
    return session.get(InvoiceRow, found.with_for_update(of=SupplierInvoice))


def list_invoices(session: Session, order_id: UUID) -> Sequence[InvoiceRow]:
    """Return the invoices of a purchase order, oldest first."""
    own = _INVOICES.where(SupplierInvoice.order_id == order_id)
    return session.select(InvoiceRow, own.order_by(SupplierInvoice.id))
