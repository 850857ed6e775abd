"""Tables of shipments."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.flags.rules import FulfilmentStrategy
from app.fulfillment.shipments.rules import ShipmentStatus, SubjectType
from app.keys.registry import Sealed
from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.tax.assessment import Delivery


class Shipment(Base):
    """Goods of one location for one order or redemption. Its row is locked by those who change
    it."""

    __tablename__ = "shipments"
    __table_args__ = (
        sa.CheckConstraint(
            "status IN ('requested', 'picking', 'packed', 'shipped', 'delivered', 'returned',"
            " 'lost', 'cancelled')",
            name="shipment_status_known",
        ),
        sa.CheckConstraint(
            "subject_type IN ('order', 'redemption', 'return')", name="shipment_subject_known"
        ),
        sa.CheckConstraint("delivery IN ('ship', 'pickup')", name="shipment_delivery_known"),
        sa.CheckConstraint(
            "(delivery = 'ship') = (address_sealed IS NOT NULL)", name="shipment_has_an_address"
        ),
        sa.CheckConstraint(
            "(delivery = 'pickup') = (branch_id IS NOT NULL)",
            name="collected_shipment_has_a_branch",
        ),
        sa.CheckConstraint("strategy IN ('JM', 'BRINKS')", name="shipment_strategy_known"),
        sa.CheckConstraint(
            "(strategy IS NULL) = (strategy_reason IS NULL)", name="strategy_has_a_reason"
        ),
        sa.Index(
            "shipments_subject_key",
            "subject_id",
            "location_id",
            unique=True,
            postgresql_where=sa.text("status <> 'cancelled' AND replaces_id IS NULL"),
        ),
        sa.Index("shipments_replaces_id_idx", "replaces_id"),
        sa.Index("shipments_subject_number_idx", "subject_number"),
        sa.Index("shipments_subject_idx", "subject_id", "id"),
        sa.Index("shipments_user_id_idx", "user_id", "id"),
        sa.Index("shipments_location_id_idx", "location_id", "id"),
        sa.Index(
            "shipments_open_idx",
            "id",
            postgresql_where=sa.text("status NOT IN ('delivered', 'cancelled')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: For people.
    number: Mapped[int] = mapped_column(
        sa.BigInteger, sa.Identity(always=True, start=50_000_001), unique=True
    )
    subject_type: Mapped[SubjectType] = mapped_column(StoredEnum(SubjectType))
    subject_id: Mapped[UUID]
    #: The subject's number for people.
    subject_number: Mapped[str] = mapped_column(sa.Text)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    location_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"))
    status: Mapped[ShipmentStatus] = mapped_column(StoredEnum(ShipmentStatus))
    delivery: Mapped[Delivery] = mapped_column(StoredEnum(Delivery))
    address_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    #: Where it is collected.
    branch_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("branches.id"))
    #: Who sends it, and why; null of goods that are collected.
    strategy: Mapped[FulfilmentStrategy | None] = mapped_column(StoredEnum(FulfilmentStrategy))
    strategy_reason: Mapped[str | None] = mapped_column(sa.Text)
    #: The one-time token of the code against which it is handed over, and how often a wrong code
    #: was entered.
    code_id: Mapped[UUID | None]
    code_failures: Mapped[int] = mapped_column(sa.SmallInteger, server_default=sa.text("0"))
    requested_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    #: The shipment from which its parcel was split off, or whose goods it sends again.
    replaces_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("shipments.id"))


class ShipmentLine(Base):
    """Units of a product in a shipment, or one bar. How many are scanned changes; units of a parcel
    that does not arrive pass to a shipment of its own."""

    __tablename__ = "shipment_lines"
    __table_args__ = (
        sa.CheckConstraint("units > 0", name="shipment_line_has_units"),
        sa.CheckConstraint("value_units >= 0", name="shipment_value_not_negative"),
        sa.CheckConstraint("scanned_units BETWEEN 0 AND units", name="scanned_units_are_part"),
        sa.Index("shipment_lines_lot_id_idx", "lot_id"),
    )

    shipment_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shipments.id"), primary_key=True)
    position: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    sku: Mapped[str] = mapped_column(sa.ForeignKey("products.sku"))
    units: Mapped[int] = mapped_column(sa.BigInteger)
    #: Of a product with serials: the bar.
    lot_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("lots.id"))
    #: The hold that reserved the units before they were the customer's.
    hold_id: Mapped[UUID | None]
    #: Cents: what the units were worth when they were bought.
    value_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: How many of them were scanned since picking began.
    scanned_units: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))


class ShipmentEvent(Base):
    """A status that a shipment took, with the actor and the evidence. Never changes."""

    __tablename__ = "shipment_events"
    __table_args__ = (sa.Index("shipment_events_shipment_id_idx", "shipment_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    shipment_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shipments.id"))
    from_status: Mapped[ShipmentStatus | None] = mapped_column(StoredEnum(ShipmentStatus))
    to_status: Mapped[ShipmentStatus] = mapped_column(StoredEnum(ShipmentStatus))
    actor_id: Mapped[UUID | None]
    evidence: Mapped[str | None] = mapped_column(sa.Text)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
