"""Named reads of reorder points."""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.catalog.products.models import Product
from app.kit.db import Session
from app.vault.locations.models import Location
from app.vault.reorder_points.models import ReorderPoint

#: Joins the point of a location to a statement with products and locations.
IS_OF_PLACE = sa.and_(ReorderPoint.sku == Product.sku, ReorderPoint.location_id == Location.id)
#: The point that counts at a location, in a statement with that join.
REORDER_BELOW = sa.func.coalesce(ReorderPoint.reorder_below, Product.reorder_below)


@dataclass(frozen=True, slots=True)
class ReorderPointRow:
    """The reorder point of a location."""

    location_id: UUID
    location_code: str
    location_name: str
    reorder_below: int
    fill_to: int | None


def list_reorder_points(session: Session, sku: str) -> list[ReorderPointRow]:
    """Return the reorder points of a product by location, in the order of the locations' codes."""
    return session.select(
        ReorderPointRow,
        sa.select(
            Location.id.label("location_id"),
            Location.code.label("location_code"),
            Location.name.label("location_name"),
            ReorderPoint.reorder_below,
            ReorderPoint.fill_to,
        )
        .join(Location, Location.id == ReorderPoint.location_id)
        .where(ReorderPoint.sku == sku)
        .order_by(Location.code),
    )


def find_reorder_point(session: Session, sku: str, location_id: UUID) -> int | None:
    """Return the reorder point of a product at a location; None if it has that of the product."""
    return session.find(
        lambda reorder_below: reorder_below,
        sa.select(ReorderPoint.reorder_below).where(
            ReorderPoint.sku == sku, ReorderPoint.location_id == location_id
        ),
    )
