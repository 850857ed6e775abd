"""The shop: cancelling orders, and what was given back."""

from app.access import Actor, Permission
from app.blueprints.api.schemas import shop_orders as schemas_orders
from app.blueprints.api.schemas import shop_refunds as schemas_refunds
from app.blueprints.api_blueprint import ApiBlueprint
from app.fulfillment.errors import CancelWindowClosed
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.pricing.errors import MarketHalted, PriceStale
from app.shop.cancellations import service as cancellations
from app.shop.orders import queries as orders_queries
from app.shop.orders.rules import PREFIX
from app.shop.refunds import queries as refunds_queries

blp = ApiBlueprint("shop_refunds", "/api/shop/orders", "Cancelling orders, and refunds")


@blp.operation(
    "GET",
    "/<order_id>/cancellation",
    operation_id="shopPreviewCancellation",
    permission=Permission.GOODS_BUY,
    response_schema=schemas_refunds.CancellationAnswerSchema,
    refusals=(NotFound, CancelWindowClosed, MarketHalted, PriceStale),
)
def preview_cancellation(session: Session, actor: Actor, order_id: str) -> object:
    """Show what cancelling a paid order now would give back. The market may move until it is
    done."""
    identifier = ids.decode(PREFIX, order_id)
    return {"cancellation": cancellations.quote(session, identifier, user_id=actor.user_id)}


@blp.operation(
    "POST",
    "/<order_id>/cancel",
    operation_id="shopCancelOrder",
    permission=Permission.GOODS_BUY,
    response_schema=schemas_orders.GoodsOrderAnswerSchema,
    idempotent=True,
    refusals=(NotFound, CancelWindowClosed, MarketHalted, PriceStale),
)
def cancel_order(session: Session, actor: Actor, order_id: str) -> object:
    """Cancel an order before its goods are picked, whether it is paid or not.

    A card payment that was not charged is released, and money that arrives all the same is credited
    to the balance. Of a paid order, everything goes back but the fee and what the metal lost, on
    the terms that were stated with the prices: to the card what it paid, else to the balance. Metal
    that paid was sold, so that its dollars go back.
    """
    identifier = ids.decode(PREFIX, order_id)
    cancellations.cancel(session, actor, identifier)
    return {"order": orders_queries.get_order(session, identifier, user_id=actor.user_id)}


@blp.operation(
    "GET",
    "/<order_id>/refunds",
    operation_id="shopOrderRefunds",
    permission=Permission.GOODS_READ,
    response_schema=schemas_refunds.RefundsSchema,
    refusals=(NotFound,),
)
def list_refunds(session: Session, actor: Actor, order_id: str) -> object:
    """List what was given back of an order, oldest first."""
    order = orders_queries.get_order(session, ids.decode(PREFIX, order_id), user_id=actor.user_id)
    return {"data": refunds_queries.list_refunds(session, [order.id])}
