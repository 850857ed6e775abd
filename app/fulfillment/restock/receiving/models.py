"""The table of receipts of purchase orders."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class PurchaseReceipt(Base):
    """Units of one line that came with one delivery note. Only its invoice changes."""

    __tablename__ = "purchase_receipts"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["order_id", "position"],
            ["purchase_order_lines.order_id", "purchase_order_lines.position"],
        ),
        sa.UniqueConstraint(
            "order_id", "position", "delivery_note", name="delivery_note_is_received_once"
        ),
        sa.CheckConstraint("units > 0", name="purchase_receipt_has_units"),
        sa.CheckConstraint("surplus_units BETWEEN 0 AND units", name="purchase_surplus_is_part"),
        sa.CheckConstraint("cost_usd > 0", name="purchase_receipt_has_a_cost"),
        sa.Index("purchase_receipts_invoice_id_idx", "invoice_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID]
    position: Mapped[int]
    delivery_note: Mapped[str] = mapped_column(sa.Text)
    #: The lot that it became; the first one, of bars with serials.
    lot_id: Mapped[UUID] = mapped_column(sa.ForeignKey("lots.id"), unique=True)
    units: Mapped[int] = mapped_column(sa.BigInteger)
    #: How many of them were not ordered.
    surplus_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: Cents: what was booked as owed for them.
    cost_usd: Mapped[int] = mapped_column(sa.BigInteger)
    #: The supplier's invoice that asks for it.
    invoice_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("supplier_invoices.id"))
    received_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    received_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
