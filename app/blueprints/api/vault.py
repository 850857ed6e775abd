"""The inventory of the vault."""

from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import vault as schemas_vault
from app.blueprints.api_blueprint import ApiBlueprint
from app.flags.rules import Feature
from app.kit.db import Session
from app.kit.list_query import ListQuery, fetch_page
from app.reporting import inventory
from app.vault.inventory.queries import INVENTORY

blp = ApiBlueprint("vault", "/api/vault", "Goods in the vault")


def _list(session: Session, query: dict[str, Any], **filters: object) -> object:
    names = query.keys() & {"metal", "sku", "location"}
    chosen = {name: query[name] for name in names} | filters
    page = fetch_page(
        session, INVENTORY, ListQuery(chosen, "sku", query.get("cursor"), query["limit"])
    )
    return {"data": page.rows, "next_cursor": page.next_cursor}


@blp.operation(
    "GET",
    "/inventory",
    operation_id="vaultInventory",
    permission=Permission.VAULT_READ,
    feature=Feature.VAULT_REDEMPTION,
    query_schema=schemas_vault.InventoryQuerySchema,
    response_schema=schemas_vault.InventorySchema,
)
def list_inventory(session: Session, _actor: Actor, query: dict[str, Any]) -> object:
    """List the stock of each product at each location."""
    return _list(session, query)


@blp.operation(
    "GET",
    "/inventory/low-stock",
    operation_id="vaultLowStock",
    permission=Permission.VAULT_READ,
    feature=Feature.VAULT_REDEMPTION,
    query_schema=schemas_vault.InventoryQuerySchema,
    response_schema=schemas_vault.LowStockSchema,
)
def list_low_stock(session: Session, _actor: Actor, query: dict[str, Any]) -> object:
    """List what is low: fewer units are available at a location than should be.

    Only places that sell are listed: vaults, stores and partners' depots.
    """
    return _list(session, query, low=True)


@blp.operation(
    "GET",
    "/inventory/summary",
    operation_id="vaultSummary",
    permission=Permission.VAULT_READ,
    feature=Feature.VAULT_REDEMPTION,
    response_schema=schemas_vault.InventorySummarySchema,
    snapshot=True,
)
def summarize_inventory(session: Session, _actor: Actor) -> object:
    """Sum up what goods of each metal cost, and what their metal is worth now.

    Goods that are sold are left out, also those that wait to be picked up.
    """
    return inventory.summarize_inventory(session)
