"""The table of claims."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.fulfillment.claims.rules import ClaimStatus
from app.kit.db import Base
from app.kit.statements import StoredEnum


class CarrierClaim(Base):
    """What we claim from the carrier of a shipment, and what it paid."""

    __tablename__ = "carrier_claims"
    __table_args__ = (
        sa.CheckConstraint("status IN ('filed', 'paid', 'refused')", name="claim_status_known"),
        sa.CheckConstraint("claimed_units > 0", name="claim_is_above_zero"),
        sa.CheckConstraint(
            "paid_units BETWEEN 0 AND claimed_units", name="claim_pays_no_more_than_it_claims"
        ),
        sa.CheckConstraint(
            "(status = 'filed') = (decided_at IS NULL)", name="decided_claim_says_when"
        ),
        sa.CheckConstraint("(status = 'paid') = (paid_units > 0)", name="paid_claim_says_how_much"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    shipment_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shipments.id"), unique=True)
    status: Mapped[ClaimStatus] = mapped_column(StoredEnum(ClaimStatus))
    #: The carrier's number of it.
    reference: Mapped[str] = mapped_column(sa.Text)
    #: Cents.
    claimed_units: Mapped[int] = mapped_column(sa.BigInteger)
    paid_units: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))
    filed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    decided_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
