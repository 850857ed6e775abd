"""The verb of reorder points: set one, or remove it."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.products import queries as products_queries
from app.kit.db import Session
from app.kit.errors import Invalid
from app.vault.alerts import service as alerts
from app.vault.alerts.service import StockPlace
from app.vault.locations import queries as locations_queries
from app.vault.locations.rules import RESTOCKED_KINDS
from app.vault.reorder_points import queries
from app.vault.reorder_points.models import ReorderPoint
from app.vault.rules import parse_units


def set_reorder_point(
    session: Session,
    actor: Actor,
    sku: str,
    *,
    location: str,
    reorder_below: str,
    fill_to: str = "",
) -> None:
    """Set from how many available units on a product is low at a location, given by its code, and
    the most units that its shelf takes; an empty `reorder_below` gives it the point of the product
    again. The alert there is checked at once.

    Raises `PermissionDenied`, `NotFound`, and `Invalid` naming the field.
    """
    require(actor, Permission.PRODUCTS_EDIT)
    product, place = (
        products_queries.get_product(session, sku),
        locations_queries.find_location(session, location),
    )
    if place is None:
        raise Invalid("location", "There is no location with this code. Check it.")
    if place.kind not in RESTOCKED_KINDS:
        raise Invalid("location", "Goods pass through this location: nothing is low there.")
    below = parse_units("reorder_below", reorder_below, least=0) if reorder_below else None
    most = parse_units("fill_to", fill_to, least=below or 0) if fill_to else None
    if most is not None and below is None:
        raise Invalid("reorder_below", "Enter from when on it is low, too.")
    before = queries.find_reorder_point(session, product.sku, place.id)
    if below is None:
        session.write(
            sa.delete(ReorderPoint).where(
                ReorderPoint.sku == product.sku, ReorderPoint.location_id == place.id
            )
        )
    else:
        values = {"reorder_below": below, "fill_to": most}
        new = insert(ReorderPoint).values(sku=product.sku, location_id=place.id, **values)
        session.write(new.on_conflict_do_update(index_elements=["sku", "location_id"], set_=values))
    alerts.check(session, [StockPlace(product.sku, place.id)])
    audit.record(
        session,
        actor=actor,
        action=AuditAction.REORDER_POINT_SET,
        subject=product.sku,
        before={"location": place.code, "reorder_below": before},
        after={"location": place.code, "reorder_below": below, "fill_to": most},
    )
