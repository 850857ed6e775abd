"""Orders of goods, for staff."""

from typing import Any

from app.access import Actor, Permission
from app.approvals.errors import ApprovalPending
from app.blueprints.api.schemas import shop_admin as schemas_shop_admin
from app.blueprints.api.schemas import shop_refunds as schemas_refunds
from app.blueprints.api_blueprint import ApiBlueprint
from app.blueprints.api_operation import RouteReply
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.list_query import ListQuery, fetch_following
from app.shop.checkout import held_orders, order_release
from app.shop.checkout.errors import OrderNotOnHold, ScreeningUndecided
from app.shop.orders import listed_orders
from app.shop.orders.errors import OwnOrder
from app.shop.orders.rules import PREFIX, OrderDecision
from app.shop.refunds import approval
from app.shop.refunds import queries as refunds_queries
from app.shop.refunds.by_staff import RefundRequest
from app.shop.refunds.errors import OrderNotRefundable

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


@blp.operation(
    "PUT",
    "/orders/<order_id>/status",
    operation_id="staffSetShopOrderStatus",
    permission=Permission.SHOP_ORDERS_REVIEW,
    body_schema=schemas_shop_admin.OrderStatusRequestSchema,
    response_schema=schemas_shop_admin.StaffOrderAnswerSchema,
    other_responses={202: schemas_shop_admin.ReleaseRequestedSchema},
    idempotent=True,
    fresh=True,
    refusals=(NotFound, OwnOrder, OrderNotOnHold, ScreeningUndecided, ApprovalPending),
)
def set_order_status(session: Session, actor: Actor, body: dict[str, Any], order_id: str) -> object:
    """Release an order on hold (`allocated`) or reject it (`cancelled`).

    A large order is released by two people: then the answer is 202 with the request that another
    one approves. An order whose recipient has become a listed party is rejected instead.
    """
    identifier = ids.decode(PREFIX, order_id)
    if body["status"] is OrderDecision.REJECT:
        held_orders.reject(session, actor, identifier, reason=body["reason"])
    elif approval_id := order_release.release(session, actor, identifier, reason=body["reason"]):
        return RouteReply({"approval": {"id": approval_id}}, 202)
    return {"order": listed_orders.view_order(session, actor, identifier)}


@blp.operation(
    "POST",
    "/orders/<order_id>/refund",
    operation_id="staffRefundShopOrder",
    permission=Permission.SHOP_ORDERS_REFUND,
    body_schema=schemas_refunds.RefundRequestSchema,
    response_schema=schemas_refunds.RefundsSchema,
    other_responses={202: schemas_refunds.RefundRequestedSchema},
    idempotent=True,
    fresh=True,
    refusals=(NotFound, OwnOrder, OrderNotRefundable, ApprovalPending),
)
def refund_order(session: Session, actor: Actor, body: dict[str, Any], order_id: str) -> object:
    """Refund units of an order, and list all refunds of it.

    The tax of what stays is assessed anew. The money goes back to the payments by their shares: to
    the card what it paid, else to the balance. Goods on the shelf are for sale again, those that
    were shipped stay with the customer. A large refund takes two people: then the answer is 202
    with the request that another one approves.
    """
    identifier = ids.decode(PREFIX, order_id)
    units = {item["line"] - 1: item["quantity"] for item in body["items"]}
    if len(units) < len(body["items"]):
        raise Invalid("items", "Send each line once.")
    request = RefundRequest(units, body["with_shipping"])
    if approval_id := approval.refund(session, actor, identifier, request, reason=body["reason"]):
        return RouteReply({"approval": {"id": approval_id}}, 202)
    return {"data": refunds_queries.list_refunds(session, [identifier])}
