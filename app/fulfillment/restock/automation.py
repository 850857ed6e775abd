"""Restock without a person: after goods were shipped, and by the timetable."""

from datetime import timedelta
from uuid import UUID

from app.access import Actor, Permission, require
from app.catalog.products import queries as products_queries
from app.fulfillment.restock.errors import BelowMinimum
from app.fulfillment.restock.needs import queries as needs_queries
from app.fulfillment.restock.needs import service as needs
from app.fulfillment.restock.needs.queries import NeedRow
from app.fulfillment.restock.purchase_orders import queries as purchases_queries
from app.fulfillment.restock.purchase_orders import service as purchases
from app.kit import clock
from app.kit.db import Session
from app.pricing import queries as pricing_queries

#: After a supplier refused a product for a location, a person decides for so long.
_REFUSED_PAUSE = timedelta(hours=6)


def run(session: Session, actor: Actor | None = None) -> list[UUID]:
    """Bring needs up to date, and plan the orders of all that have a supplier; return their ids.

    What is smaller than a supplier takes waits for more, and so does a metal without a price.
    Nothing is ordered of a product that its supplier refused within the last hours. `actor` is the
    person who asked for it, None for the system. Raises `PermissionDenied`.
    """
    if actor is not None:
        require(actor, Permission.PURCHASES_ORDER)
    needs.refresh(session)
    groups: dict[tuple[UUID | None, UUID], list[NeedRow]] = {}
    for need in _list_orderable(session):
        groups.setdefault((need.supplier_id, need.location_id), []).append(need)
    planned = []
    for group in groups.values():
        try:
            with session.savepoint():
                planned += purchases.plan_all(session, actor, group)
        except BelowMinimum:
            # The needs stay open until they are enough together.
            continue
    return planned


def _list_orderable(session: Session) -> list[NeedRow]:
    open_needs = [each for each in needs_queries.list_open_needs(session) if each.supplier_id]
    products = products_queries.list_products(session, {need.sku for need in open_needs})
    priced = {price.metal for price in pricing_queries.market_prices(session)}
    known = {product.sku for product in products if product.metal in priced}
    refused = purchases_queries.list_failed_places(session, clock.now() - _REFUSED_PAUSE)
    return [
        need
        for need in open_needs
        if need.sku in known and (need.sku, need.location_id) not in refused
    ]
