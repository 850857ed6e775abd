"""Tables of parcels."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.fulfillment.carriers.rules import Carrier, Speed
from app.kit.db import Base
from app.kit.statements import StoredEnum


class ShipmentParcel(Base):
    """A parcel of a packed shipment. One that does not arrive passes to a shipment of its own."""

    __tablename__ = "shipment_parcels"
    __table_args__ = (
        sa.UniqueConstraint("shipment_id", "number"),
        sa.CheckConstraint("number > 0", name="parcel_number_is_positive"),
        sa.CheckConstraint("value_units > 0 AND grams > 0", name="parcel_has_value_and_weight"),
        sa.CheckConstraint("carrier IN ('fedex', 'ups')", name="parcel_carrier_known"),
        sa.CheckConstraint(
            "speed IN ('overnight', 'two_day', 'ground')", name="parcel_speed_known"
        ),
        sa.Index("shipment_parcels_ships_on_idx", "ships_on", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    shipment_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shipments.id"))
    #: 1 for the first parcel of the shipment.
    number: Mapped[int] = mapped_column(sa.Integer)
    #: Cents: what it is declared and insured for.
    value_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: With its packaging.
    grams: Mapped[int] = mapped_column(sa.BigInteger)
    carrier: Mapped[Carrier] = mapped_column(StoredEnum(Carrier))
    speed: Mapped[Speed] = mapped_column(StoredEnum(Speed))
    #: The day on which the carrier takes it.
    ships_on: Mapped[date] = mapped_column(sa.Date)


class ShipmentParcelUnits(Base):
    """Units of a line of a shipment in a parcel. Never changes."""

    __tablename__ = "shipment_parcel_units"
    __table_args__ = (sa.CheckConstraint("units > 0", name="parcel_has_units"),)

    parcel_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shipment_parcels.id"), primary_key=True)
    #: Of the line in its shipment.
    position: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    units: Mapped[int] = mapped_column(sa.BigInteger)
