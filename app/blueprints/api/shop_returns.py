"""The shop: returns of goods."""

from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import shop_returns as schemas_returns
from app.blueprints.api_blueprint import ApiBlueprint
from app.blueprints.api_operation import FileReply
from app.blueprints.rate_limits import RateLimit
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.shop.orders import queries as orders_queries
from app.shop.orders.rules import PREFIX as ORDER_PREFIX
from app.shop.returns import labels, queries, requesting
from app.shop.returns.errors import ReturnMovedOn, ReturnWindowClosed
from app.shop.returns.queries import GoodsReturn
from app.shop.returns.requesting import ReturnRequest
from app.shop.returns.rules import PREFIX

blp = ApiBlueprint("shop_returns", "/api/shop", "Returns of goods")

_PDF = "application/pdf"


@blp.operation(
    "POST",
    "/orders/<order_id>/returns",
    operation_id="shopRequestReturn",
    permission=Permission.GOODS_BUY,
    body_schema=schemas_returns.ReturnRequestSchema,
    response_schema=schemas_returns.ReturnAnswerSchema,
    status=201,
    idempotent=True,
    refusals=(NotFound, ReturnWindowClosed),
)
def request_return(session: Session, actor: Actor, body: dict[str, Any], order_id: str) -> object:
    """Request to return delivered units of an order.

    Our staff approve it, and then there is a label for the parcel, or the goods are brought to a
    branch. Goods that are damaged, wrong or not authentic are refunded in full with shipping, or
    exchanged for others. There is no right to withdraw from buying precious metals: for other
    goods, the lower of the price and of what the metal is worth when they are here is refunded.
    """
    units: dict[int, int] = {}
    for item in body["items"]:
        position = item["line"] - 1
        if position in units:
            raise Invalid("items", "Name each line once.")
        units[position] = item["quantity"]
    wanted = ReturnRequest(units, body["reason"], body["way"], body["wish"])
    identifier = ids.decode(ORDER_PREFIX, order_id)
    return {"goods_return": requesting.request(session, actor, identifier, wanted)}


@blp.operation(
    "GET",
    "/orders/<order_id>/returns",
    operation_id="shopOrderReturns",
    permission=Permission.GOODS_READ,
    response_schema=schemas_returns.ReturnsSchema,
    refusals=(NotFound,),
)
def list_returns(session: Session, actor: Actor, order_id: str) -> object:
    """List the returns of an order, oldest first."""
    identifier = ids.decode(ORDER_PREFIX, order_id)
    order = orders_queries.get_order(session, identifier, user_id=actor.user_id)
    return {"data": queries.list_returns(session, order.id)}


@blp.operation(
    "GET",
    "/returns/<return_id>",
    operation_id="shopReturn",
    permission=Permission.GOODS_READ,
    response_schema=schemas_returns.ReturnAnswerSchema,
    refusals=(NotFound,),
)
def show_return(session: Session, actor: Actor, return_id: str) -> object:
    """Show a return of goods."""
    return {"goods_return": _get(session, actor, return_id)}


@blp.operation(
    "POST",
    "/returns/<return_id>/cancel",
    operation_id="shopCancelReturn",
    permission=Permission.GOODS_BUY,
    response_schema=schemas_returns.ReturnAnswerSchema,
    idempotent=True,
    refusals=(NotFound, ReturnMovedOn),
)
def cancel_return(session: Session, actor: Actor, return_id: str) -> object:
    """Cancel a return before its goods are on their way. Its label is not valid any more."""
    returned = _get(session, actor, return_id)
    return {"goods_return": requesting.cancel(session, actor, returned.id)}


@blp.operation(
    "GET",
    "/returns/<return_id>/label",
    operation_id="shopReturnLabel",
    permission=Permission.GOODS_READ,
    file_media_types=(_PDF,),
    rate_limit=RateLimit.STATEMENT,
    refusals=(NotFound,),
)
def download_label(session: Session, actor: Actor, return_id: str) -> object:
    """Download the label for the parcel of an approved return, as PDF. It is there within minutes
    after the approval."""
    returned = _get(session, actor, return_id)
    return FileReply(labels.read_label(session, returned), f"return-{returned.number}.pdf", _PDF)


def _get(session: Session, actor: Actor, return_id: str) -> GoodsReturn:
    return queries.get_return(session, ids.decode(PREFIX, return_id), user_id=actor.user_id)
