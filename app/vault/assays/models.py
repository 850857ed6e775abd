"""Tables of quarantine and assays."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.vault.assays.rules import AssayMethod, AssayResult


class Quarantine(Base):
    """Units that were put into quarantine together. Its row is locked by who examines them."""

    __tablename__ = "quarantines"
    __table_args__ = (
        sa.CheckConstraint("units > 0", name="quarantine_has_units"),
        sa.CheckConstraint(
            "examined_units BETWEEN 0 AND units", name="no_more_is_examined_than_is_there"
        ),
        sa.Index("quarantines_sku_idx", "sku", "id"),
        sa.Index(
            "quarantines_waiting_idx",
            "put_by",
            postgresql_where=sa.text("examined_units < units"),
        ),
        sa.Index("quarantines_location_idx", "location_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(sa.ForeignKey("products.sku"))
    location_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"))
    units: Mapped[int] = mapped_column(sa.BigInteger)
    examined_units: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))
    reason: Mapped[str] = mapped_column(sa.Text)
    #: None where the command line received them.
    put_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    put_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class Assay(Base):
    """An examination of units in quarantine. Never changes."""

    __tablename__ = "assays"
    __table_args__ = (
        sa.CheckConstraint("units > 0", name="assay_has_units"),
        sa.CheckConstraint("result IN ('passed', 'failed')", name="assay_result_known"),
        sa.CheckConstraint(
            "method IN ('xrf', 'ultrasound', 'conductivity', 'specific_gravity', 'fire_assay',"
            " 'weight_and_size')",
            name="assay_method_known",
        ),
        sa.CheckConstraint(
            "length(measured) BETWEEN 1 AND 100", name="assay_measured_has_a_length"
        ),
        sa.Index("assays_quarantine_id_idx", "quarantine_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    quarantine_id: Mapped[UUID] = mapped_column(sa.ForeignKey("quarantines.id"))
    units: Mapped[int] = mapped_column(sa.BigInteger)
    result: Mapped[AssayResult] = mapped_column(StoredEnum(AssayResult))
    method: Mapped[AssayMethod] = mapped_column(StoredEnum(AssayMethod))
    #: The values, as they were read.
    measured: Mapped[str] = mapped_column(sa.Text)
    assayed_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    assayed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
