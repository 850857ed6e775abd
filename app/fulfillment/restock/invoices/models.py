"""The table of suppliers' invoices. Money is in cents."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.fulfillment.restock.invoices.rules import InvoiceStatus
from app.kit.db import Base
from app.kit.statements import StoredEnum


class SupplierInvoice(Base):
    """An invoice for what arrived of a purchase order."""

    __tablename__ = "supplier_invoices"
    __table_args__ = (
        sa.CheckConstraint(
            "status IN ('differs', 'accepted', 'paid', 'rejected')",
            name="supplier_invoice_status_known",
        ),
        sa.CheckConstraint("amount_usd > 0", name="supplier_invoice_positive"),
        sa.CheckConstraint("received_usd > 0", name="supplier_invoice_has_receipts"),
        sa.CheckConstraint(
            "(status = 'paid') = (paid_at IS NOT NULL AND bank_reference IS NOT NULL)",
            name="paid_invoice_has_evidence",
        ),
        sa.Index(
            "supplier_invoices_number_key",
            "supplier_id",
            sa.text("lower(number)"),
            unique=True,
            postgresql_where=sa.text("status <> 'rejected'"),
        ),
        sa.Index("supplier_invoices_order_id_idx", "order_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(sa.ForeignKey("purchase_orders.id"))
    supplier_id: Mapped[UUID] = mapped_column(sa.ForeignKey("suppliers.id"))
    #: The branch that owes it.
    branch_id: Mapped[UUID] = mapped_column(sa.ForeignKey("branches.id"))
    number: Mapped[str] = mapped_column(sa.Text)
    status: Mapped[InvoiceStatus] = mapped_column(StoredEnum(InvoiceStatus))
    amount_usd: Mapped[int] = mapped_column(sa.BigInteger)
    #: What was booked as owed for the goods that it asks for.
    received_usd: Mapped[int] = mapped_column(sa.BigInteger)
    invoiced_on: Mapped[date]
    due_on: Mapped[date]
    recorded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    paid_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: The bank's number of the transfer.
    bank_reference: Mapped[str | None] = mapped_column(sa.Text)
