"""The shop: checkout, and orders of goods."""

from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import order_tracking
from app.blueprints.api.schemas import shop_orders as schemas_orders
from app.blueprints.api.schemas.addresses import parse_address
from app.blueprints.api.schemas.fields import PageQuerySchema, parse_amount
from app.blueprints.api.schemas.payments import fee_max
from app.blueprints.api_blueprint import ApiBlueprint
from app.blueprints.rate_limits import RateLimit
from app.catalog.rules import TRADABLE
from app.fulfillment.parcels import queries as parcels_queries
from app.fulfillment.restrictions.errors import AgeRestricted, RegionRestricted
from app.funding.errors import (
    CardMoneyUnsettled,
    DailyLimitExceeded,
    FeeChanged,
    PaymentMethodDisabled,
    ReceivableOutstanding,
    TooManyCardFailures,
    VerificationRequired,
)
from app.identity.errors import ReauthenticationRequired
from app.kit import ids, pagination
from app.kit.db import Session
from app.kit.errors import NotFound
from app.ledger.errors import InsufficientFunds
from app.limits.errors import LimitExceeded
from app.pricing.errors import MarketHalted, PriceStale
from app.screening.errors import RecipientBlocked
from app.shop.checkout import service as checkout
from app.shop.checkout.invoices import CheckoutRequest
from app.shop.checkout.rules import RequestedPayment
from app.shop.locks import queries as locks_queries
from app.shop.locks.errors import QuoteVoided
from app.shop.orders import notes, tracking
from app.shop.orders import queries as orders_queries
from app.shop.orders import rules as orders_rules
from app.shop.orders.rules import OrderPaymentMethod
from app.tax.errors import TaxUnknown
from app.trading.errors import QuoteExpired, QuoteNotFound, QuoteUsed

blp = ApiBlueprint("shop_orders", "/api/shop", "Checkout and orders of goods")

_OF_LOCK = (QuoteNotFound, QuoteExpired, QuoteUsed, QuoteVoided)
_OF_GOODS = (RegionRestricted, AgeRestricted, VerificationRequired, TaxUnknown)


@blp.operation(
    "POST",
    "/checkout/preview",
    operation_id="shopPreviewCheckout",
    permission=Permission.GOODS_BUY,
    body_schema=schemas_orders.CheckoutPreviewRequestSchema,
    response_schema=schemas_orders.CheckoutPreviewSchema,
    writes=False,
    refusals=(*_OF_LOCK, *_OF_GOODS),
)
def preview_checkout(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Show what an order costs in the end, and how it can be paid. Changes nothing."""
    return checkout.preview(session, actor, _request(body))


@blp.operation(
    "POST",
    "/checkout",
    operation_id="shopCheckout",
    permission=Permission.GOODS_BUY,
    body_schema=schemas_orders.CheckoutRequestSchema,
    response_schema=schemas_orders.GoodsOrderAnswerSchema,
    status=201,
    reads_ahead=lambda user_id, body: locks_queries.reads_of_lock_row(user_id, body["quote_id"]),
    idempotent=True,
    refusals=(
        *_OF_LOCK,
        *_OF_GOODS,
        PriceStale,
        MarketHalted,
        ReauthenticationRequired,
        ReceivableOutstanding,
        CardMoneyUnsettled,
        RecipientBlocked,
        InsufficientFunds,
        PaymentMethodDisabled,
        FeeChanged,
        LimitExceeded,
        DailyLimitExceeded,
        TooManyCardFailures,
    ),
)
def check_out(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Buy goods at locked prices.

    From balances they are paid at once, or nothing changes. Metal is sold at the bid that was
    promised with the prices. With a card or a bank transfer, the order waits for it: goods, price
    and the other payments are kept until `payment.dueAt`. Once the money is credited, the order is
    paid from the balance; if it does not arrive, the order is cancelled, and what arrives later is
    in the balance. Goods that are shipped need a recent sign-in. An order that leaves may be put on
    hold (`on_hold`): goods, price and payments are kept while our staff check it.
    """
    return {"order": checkout.check_out(session, actor, _request(body))}


@blp.operation(
    "GET",
    "/orders",
    operation_id="shopOrders",
    permission=Permission.GOODS_READ,
    query_schema=PageQuerySchema,
    response_schema=schemas_orders.GoodsOrdersSchema,
)
def list_orders(session: Session, actor: Actor, query: dict[str, Any]) -> object:
    """List the orders of goods, newest first."""
    return orders_queries.list_orders(session, actor.user_id, **pagination.page_arguments(query))


@blp.operation(
    "GET",
    "/orders/track",
    operation_id="trackShopOrder",
    public=True,
    rate_limit=RateLimit.SIGN_IN,
    query_schema=order_tracking.TrackingQuerySchema,
    response_schema=order_tracking.TrackedOrderAnswerSchema,
    refusals=(NotFound,),
)
def track_order(session: Session, query: dict[str, Any]) -> object:
    """Track an order by its number and contact, without signing in.

    The contact is the email address or the verified phone of its customer. A wrong number and a
    wrong contact are refused alike.
    """
    return {"order": tracking.track_order(session, query["number"], query["contact"])}


@blp.operation(
    "GET",
    "/orders/<order_id>",
    operation_id="shopOrder",
    permission=Permission.GOODS_READ,
    response_schema=schemas_orders.ShownOrderSchema,
    refusals=(NotFound,),
)
def show_order(session: Session, actor: Actor, order_id: str) -> object:
    """Show an order of goods, and its parcels."""
    identifier = ids.decode(orders_rules.PREFIX, order_id)
    order = orders_queries.get_order(session, identifier, user_id=actor.user_id)
    return {"order": order, "parcels": parcels_queries.list_sent(session, order.id)}


@blp.operation(
    "GET",
    "/orders/<order_id>/notes",
    operation_id="shopOrderNotes",
    permission=Permission.GOODS_READ,
    response_schema=schemas_orders.OrderNotesSchema,
    refusals=(NotFound,),
)
def list_notes(session: Session, actor: Actor, order_id: str) -> object:
    """List what our staff wrote to the customer about an order, oldest first."""
    identifier = ids.decode(orders_rules.PREFIX, order_id)
    return {"data": notes.list_own_notes(session, actor, identifier)}


def _request(body: dict[str, Any]) -> CheckoutRequest:
    delivery = schemas_orders.destination_of(body)
    assert delivery is not None  # the schema requires one
    payments = (
        [_payment("payment", body["payment"])]
        if "payment" in body
        else [
            _payment(f"payments.{number}", each)
            for number, each in enumerate(body.get("payments", ()))
        ]
    )
    return CheckoutRequest(
        body["quote_id"],
        delivery,
        payments,
        parse_address("shippingAddress", body.get("shipping_address")),
        parse_address("billingAddress", body.get("billing_address")),
        body.get("pickup_branch_id"),
    )


def _payment(field: str, body: dict[str, Any]) -> RequestedPayment:
    is_metal = body["method"] is OrderPaymentMethod.METAL
    code = body.get("asset", "XAU-s" if is_metal else "USD")
    text = body.get("amount")
    amount = parse_amount(f"{field}.amount", code, text) if text is not None else None
    return RequestedPayment(
        field,
        body["method"],
        TRADABLE[code],
        amount,
        body.get("payment_method", ""),
        fee_max({**body, "asset": "USD"}),
    )
