"""Tables of tracking."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.fulfillment.carriers.rules import Carrier, TrackingStatus
from app.keys.registry import Sealed
from app.kit.db import Base
from app.kit.statements import StoredEnum

Instant = sa.DateTime(timezone=True)
_STATUSES = (
    "'label_created', 'picked_up', 'in_transit', 'out_for_delivery', 'delivered', 'held',"
    " 'address_correction', 'damaged', 'returned', 'lost'"
)


class TrackedParcel(Base):
    """A parcel under the number that its carrier gave it."""

    __tablename__ = "tracked_parcels"
    __table_args__ = (
        sa.CheckConstraint("carrier IN ('fedex', 'ups')", name="carrier_of_parcel_known"),
        sa.CheckConstraint(f"status IN ({_STATUSES})", name="tracking_status_known"),
        sa.CheckConstraint("(status IS NULL) = (status_at IS NULL)", name="status_says_since_when"),
        sa.CheckConstraint(
            "proof_sealed IS NULL OR status = 'delivered'", name="proof_is_of_a_delivery"
        ),
        sa.UniqueConstraint(
            "carrier", "tracking_number", name="tracked_parcels_carrier_tracking_number_key"
        ),
        sa.Index("tracked_parcels_parcel_id_idx", "parcel_id"),
        sa.Index(
            "tracked_parcels_due_at_idx",
            "due_at",
            postgresql_where=sa.text("due_at IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    parcel_id: Mapped[UUID]
    carrier: Mapped[Carrier] = mapped_column(StoredEnum(Carrier))
    tracking_number: Mapped[str] = mapped_column(sa.Text)
    #: What happened before was to another parcel with the same number.
    since: Mapped[datetime] = mapped_column(Instant)
    #: NULL until the carrier knows the number.
    status: Mapped[TrackingStatus | None] = mapped_column(StoredEnum(TrackingStatus))
    #: When the parcel reached the status, as the carrier says.
    status_at: Mapped[datetime | None] = mapped_column(Instant)
    #: When the status last changed here.
    changed_at: Mapped[datetime] = mapped_column(Instant)
    expected_on: Mapped[date | None]
    #: When it is tracked again; NULL once its way has ended.
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    #: The PDF that proves the delivery, with the recipient's signature.
    proof_sealed: Mapped[bytes | None] = mapped_column(Sealed)


class TrackingEventRow(Base):
    """Something that happened to a parcel, stored once."""

    __tablename__ = "tracking_events"
    __table_args__ = (
        sa.CheckConstraint(f"status IN ({_STATUSES})", name="status_of_event_known"),
        sa.PrimaryKeyConstraint("tracked_id", "event_id", name="tracking_events_pkey"),
    )

    tracked_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("tracked_parcels.id", ondelete="CASCADE")
    )
    #: The carrier's id of the event, or a digest of it.
    event_id: Mapped[str] = mapped_column(sa.Text)
    at: Mapped[datetime] = mapped_column(Instant)
    #: NULL for a scan that changes nothing.
    status: Mapped[TrackingStatus | None] = mapped_column(StoredEnum(TrackingStatus))
    place: Mapped[str] = mapped_column(sa.Text)
    text: Mapped[str] = mapped_column(sa.Text)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
