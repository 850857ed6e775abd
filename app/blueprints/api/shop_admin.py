"""Orders of goods, for staff."""

from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import shop_admin as schemas_shop_admin
from app.blueprints.api_blueprint import ApiBlueprint
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.list_query import ListQuery, fetch_following
from app.shop.orders import listed_orders
from app.shop.orders.rules import PREFIX

blp = ApiBlueprint("shop_admin", "/api/shop/admin", "Orders of goods, for staff")


@blp.operation(
    "GET",
    "/orders",
    operation_id="staffShopOrders",
    permission=Permission.SHOP_ORDERS_READ,
    query_schema=schemas_shop_admin.OrdersQuerySchema,
    response_schema=schemas_shop_admin.ListedOrdersSchema,
)
def list_orders(session: Session, _actor: Actor, query: dict[str, Any]) -> object:
    """List the orders of goods of all customers, newest first."""
    filters = {name: query[name] for name in listed_orders.ORDERS.filters if name in query}
    wanted = ListQuery(filters, "-placed", query.get("cursor"), query["limit"])
    page, _ = fetch_following(session, listed_orders.ORDERS, wanted)
    return page


@blp.operation(
    "GET",
    "/orders/<order_id>",
    operation_id="staffShopOrder",
    permission=Permission.SHOP_ORDERS_READ,
    response_schema=schemas_shop_admin.StaffOrderAnswerSchema,
    refusals=(NotFound,),
    writes=True,
)
def show_order(session: Session, actor: Actor, order_id: str) -> object:
    """Show an order of goods with its addresses. That it was read is recorded."""
    return {"order": listed_orders.view_order(session, actor, ids.decode(PREFIX, order_id))}
