"""The table of reorder points."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class ReorderPoint(Base):
    """Below how many available units a product is low at a location, instead of everywhere, and up
    to how many it is filled."""

    __tablename__ = "reorder_points"
    __table_args__ = (
        sa.CheckConstraint("reorder_below >= 0", name="reorder_point_not_negative"),
        sa.CheckConstraint("fill_to >= reorder_below", name="shelf_is_filled_above_its_point"),
        sa.Index("reorder_points_location_id_idx", "location_id"),
    )

    sku: Mapped[str] = mapped_column(sa.ForeignKey("products.sku"), primary_key=True)
    location_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"), primary_key=True)
    reorder_below: Mapped[int] = mapped_column(sa.Integer)
    #: The most that the shelf takes; null for the multiple of the settings.
    fill_to: Mapped[int | None] = mapped_column(sa.Integer)
