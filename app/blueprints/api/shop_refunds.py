"""The shop: cancelling orders, and what was given back."""

from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import shop_orders as schemas_orders
from app.blueprints.api.schemas import shop_refunds as schemas_refunds
from app.blueprints.api.schemas.addresses import parse_address
from app.blueprints.api_blueprint import ApiBlueprint
from app.fulfillment.errors import CancelWindowClosed
from app.fulfillment.restrictions.errors import RegionRestricted
from app.identity.errors import ReauthenticationRequired
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.pricing.errors import MarketHalted, PriceStale
from app.screening.errors import RecipientBlocked
from app.shop.cancellations import service as cancellations
from app.shop.changes import addresses, reductions
from app.shop.changes.errors import OrderNotChangeable
from app.shop.orders import queries as orders_queries
from app.shop.orders.rules import PREFIX
from app.shop.refunds import queries as refunds_queries
from app.tax.errors import TaxUnknown

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
    "POST",
    "/<order_id>/changes/preview",
    operation_id="shopPreviewOrderChange",
    permission=Permission.GOODS_BUY,
    body_schema=schemas_refunds.ReductionPreviewRequestSchema,
    response_schema=schemas_refunds.CancellationAnswerSchema,
    writes=False,
    refusals=(NotFound, OrderNotChangeable, MarketHalted, PriceStale),
)
def preview_change(session: Session, actor: Actor, body: dict[str, Any], order_id: str) -> object:
    """Show what fewer units of a paid order would give back now. Changes nothing."""
    identifier, quantities = ids.decode(PREFIX, order_id), _quantities(body)
    terms = reductions.quote(session, identifier, quantities, user_id=actor.user_id)
    return {"cancellation": terms}


@blp.operation(
    "POST",
    "/<order_id>/changes",
    operation_id="shopChangeOrder",
    permission=Permission.GOODS_BUY,
    body_schema=schemas_refunds.OrderChangeRequestSchema,
    response_schema=schemas_orders.GoodsOrderAnswerSchema,
    idempotent=True,
    refusals=(
        NotFound,
        OrderNotChangeable,
        MarketHalted,
        PriceStale,
        ReauthenticationRequired,
        RegionRestricted,
        TaxUnknown,
        RecipientBlocked,
    ),
)
def change_order(session: Session, actor: Actor, body: dict[str, Any], order_id: str) -> object:
    """Change a paid order until its goods are picked: fewer units, or another address.

    Units that go are cancelled on the terms of the order: the fee, each time, and what their metal
    lost stay with PBCEx. Shipping and insurance are not given back. For more units, place a new
    order. Another address needs a recent sign-in, and tax and shipping must cost the same there.
    """
    identifier = ids.decode(PREFIX, order_id)
    if "items" in body:
        reductions.reduce(session, actor, identifier, _quantities(body))
    else:
        address = parse_address("shippingAddress", body["shipping_address"])
        assert address is not None  # the schema requires one
        addresses.change_address(session, actor, identifier, address)
    return {"order": orders_queries.get_order(session, identifier, user_id=actor.user_id)}


def _quantities(body: dict[str, Any]) -> dict[int, int]:
    return {item["line"] - 1: item["quantity"] for item in body["items"]}


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
