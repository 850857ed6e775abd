"""The table of what partners send for us."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.flags.rules import FulfilmentStrategy
from app.fulfillment.partners.rules import PartnerStatus
from app.kit.db import Base
from app.kit.statements import StoredEnum


class PartnerShipment(Base):
    """A shipment that a partner sends from its depot."""

    __tablename__ = "partner_orders"
    __table_args__ = (
        sa.CheckConstraint("strategy IN ('JM', 'BRINKS')", name="partner_of_order_known"),
        sa.CheckConstraint(
            "status IN ('received', 'processing', 'withdrawing', 'shipped', 'cancelled',"
            " 'rejected')",
            name="partner_order_status_known",
        ),
        sa.Index(
            "partner_orders_due_idx", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")
        ),
    )

    shipment_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shipments.id"), primary_key=True)
    strategy: Mapped[FulfilmentStrategy] = mapped_column(StoredEnum(FulfilmentStrategy))
    #: Null until the partner has answered.
    status: Mapped[PartnerStatus | None] = mapped_column(StoredEnum(PartnerStatus))
    #: When it is asked next; null once it is done.
    due_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
