"""The table of labels."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.fulfillment.carriers.rules import Carrier, Speed
from app.fulfillment.labels.rules import LabelStatus
from app.keys.registry import Sealed
from app.kit.db import Base
from app.kit.statements import StoredEnum

Instant = sa.DateTime(timezone=True)


class ParcelLabel(Base):
    """A label that we ordered for a parcel. Its public id is the reference at the carrier."""

    __tablename__ = "parcel_labels"
    __table_args__ = (
        sa.CheckConstraint("carrier IN ('fedex', 'ups')", name="label_carrier_known"),
        sa.CheckConstraint("speed IN ('overnight', 'two_day', 'ground')", name="label_speed_known"),
        sa.CheckConstraint(
            "status IN ('ordered', 'bought', 'cancelled', 'refused')", name="label_status_known"
        ),
        sa.CheckConstraint(
            "status <> 'bought' OR (tracking_number IS NOT NULL AND bought_at IS NOT NULL)",
            name="bought_label_has_a_number",
        ),
        sa.CheckConstraint(
            "(status = 'cancelled') = (cancelled_at IS NOT NULL)",
            name="cancelled_label_says_when",
        ),
        sa.CheckConstraint(
            "(status = 'refused') = (code IS NOT NULL)", name="refused_label_says_why"
        ),
        sa.CheckConstraint("cost_usd >= 0", name="cost_of_label_is_positive"),
        sa.CheckConstraint(
            "(claim_id IS NULL) = (claimed_until IS NULL)", name="claim_of_label_ends"
        ),
        sa.UniqueConstraint(
            "carrier", "tracking_number", name="parcel_labels_carrier_tracking_number_key"
        ),
        sa.Index(
            "parcel_labels_one_of_each_parcel_idx",
            "parcel_id",
            unique=True,
            postgresql_where=sa.text("status IN ('ordered', 'bought')"),
        ),
        sa.Index("parcel_labels_parcel_id_idx", "parcel_id"),
        sa.Index("parcel_labels_ordered_at_idx", "ordered_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    parcel_id: Mapped[UUID]
    carrier: Mapped[Carrier] = mapped_column(StoredEnum(Carrier))
    speed: Mapped[Speed] = mapped_column(StoredEnum(Speed))
    status: Mapped[LabelStatus] = mapped_column(StoredEnum(LabelStatus))
    ordered_at: Mapped[datetime] = mapped_column(Instant)
    #: When the carrier was last asked to sell it; NULL while it has certainly not sold it.
    called_at: Mapped[datetime | None] = mapped_column(Instant)
    claim_id: Mapped[UUID | None]
    claimed_until: Mapped[datetime | None] = mapped_column(Instant)
    tracking_number: Mapped[str | None] = mapped_column(sa.Text)
    #: What the carrier charges, in cents; NULL where it did not say.
    cost_usd: Mapped[int | None] = mapped_column(sa.BigInteger)
    #: The PDF, with the recipient's address. Emptied after a month.
    document_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    bought_at: Mapped[datetime | None] = mapped_column(Instant)
    cancelled_at: Mapped[datetime | None] = mapped_column(Instant)
    #: Why the carrier refused, in its own code.
    code: Mapped[str | None] = mapped_column(sa.Text)
