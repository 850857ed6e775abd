"""Restock of the vault, for staff: goods are bought from their suppliers."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from app.access import Actor, Permission
from app.blueprints.api.schemas import restock as schemas_restock
from app.blueprints.api_blueprint import ApiBlueprint
from app.flags.rules import Feature
from app.fulfillment.restock import automation
from app.fulfillment.restock.errors import BelowMinimum, NoSupplier, ShelfFull
from app.fulfillment.restock.purchase_orders import queries as purchases_queries
from app.fulfillment.restock.purchase_orders import service as purchases
from app.kit.db import Session
from app.kit.errors import Invalid
from app.pricing.errors import PriceStale

blp = ApiBlueprint("vault_restock", "/api/vault/inventory", "Restock, for staff")


def _show(session: Session, order_ids: Sequence[UUID]) -> object:
    orders = []
    for order_id in order_ids:
        order = purchases_queries.get_purchase(session, order_id)
        lines = purchases_queries.list_lines(session, order_id)
        orders.append({**asdict(order), "estimate": order.estimate, "lines": lines})
    return {"orders": orders}


@blp.operation(
    "POST",
    "/restock",
    operation_id="vaultRestock",
    permission=Permission.PURCHASES_ORDER,
    feature=Feature.VAULT_REDEMPTION,
    body_schema=schemas_restock.RestockRequestSchema,
    response_schema=schemas_restock.PlannedPurchasesSchema,
    status=201,
    idempotent=True,
    refusals=(NoSupplier, ShelfFull, BelowMinimum, PriceStale),
)
def restock(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Buy units of products for a location, from their suppliers.

    Orders of wholesalers are placed by themselves; the others are placed by a person. No more units
    are bought than the shelf takes.
    """
    units: dict[str, int] = {}
    for item in body["items"]:
        sku = item["sku"].upper()
        if sku in units:
            raise Invalid("items", "Send each SKU once.")
        units[sku] = item["quantity"]
    order_ids = purchases.order_by_hand(
        session, actor, location=body["location"], units_by_sku=units
    )
    return _show(session, order_ids)


@blp.operation(
    "POST",
    "/auto-restock",
    operation_id="vaultAutoRestock",
    permission=Permission.PURCHASES_ORDER,
    feature=Feature.VAULT_REDEMPTION,
    response_schema=schemas_restock.PlannedPurchasesSchema,
    idempotent=True,
)
def restock_automatically(session: Session, actor: Actor) -> object:
    """Buy everything that is low now, as the timetable does by itself.

    How much follows from the sales of the last days and from what is on order. What is smaller than
    a supplier takes waits for more.
    """
    return _show(session, automation.run(session, actor))
