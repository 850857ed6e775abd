"""Prices, quotes and conversion orders."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import trade as schemas_trade
from app.blueprints.api.schemas.fields import PageQuerySchema, parse_amount
from app.blueprints.api_blueprint import ApiBlueprint
from app.catalog.rules import SYNTHETIC, TRADABLE, Metal
from app.kit import clock
from app.kit.db import Session
from app.kit.pipeline import Statement
from app.ledger.errors import InsufficientFunds
from app.pricing import queries as pricing_queries
from app.pricing.errors import GateClosed, MarketHalted, PriceStale, TransferLimitExceeded
from app.trading import queries as trading_queries
from app.trading import service as trading
from app.trading.errors import QuoteExpired, QuoteNotFound, QuoteUsed, SlippageExceeded
from app.trading.service import RequestedConversion

blp = ApiBlueprint("trade", "/api/trade", "Prices, quotes and conversion orders")


@blp.operation(
    "GET",
    "/prices",
    operation_id="tradePrices",
    public=True,
    query_schema=schemas_trade.PricesQuerySchema,
    response_schema=schemas_trade.PricesSchema,
)
def list_prices(session: Session, query: dict[str, Any]) -> object:
    """List the prices by metal, in US dollars per troy ounce.

    A stale price is too old to trade at; `marketState` says whether the metal trades.
    """
    rules, now = pricing_queries.current_rules(session), clock.now()
    metals = [Metal(query["asset"])] if "asset" in query else None
    return {
        "data": [
            {
                "metal": price.metal,
                "asset": SYNTHETIC[Metal(price.metal)].code,
                "bid": price.bid,
                "ask": price.ask,
                "mid": price.mid,
                "as_of": price.as_of,
                "source": price.source,
                "stale": price.is_stale(now),
                "market_state": price.state(now, rules),
            }
            for price in pricing_queries.market_prices(session, metals)
        ]
    }


@blp.operation(
    "POST",
    "/quote",
    operation_id="tradeQuote",
    permission=Permission.QUOTES_CREATE,
    body_schema=schemas_trade.ConversionRequestSchema,
    response_schema=schemas_trade.QuoteSchema,
    status=201,
    reads_ahead=lambda _user_id, body: _prices_of(body),
    refusals=(PriceStale, MarketHalted, GateClosed, TransferLimitExceeded),
)
def create_quote(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Get a quote: a price that is kept until it expires. Reserves nothing."""
    return trading.create_quote(session, actor, _wish(body))


@blp.operation(
    "POST",
    "/order",
    operation_id="tradePlaceOrder",
    permission=Permission.ORDERS_PLACE,
    body_schema=schemas_trade.OrderRequestSchema,
    response_schema=schemas_trade.OrderSchema,
    status=201,
    reads_ahead=lambda user_id, body: (
        trading.reads_of_quote(user_id, body["quote_id"])
        if "quote_id" in body
        else _prices_of(body)
    ),
    idempotent=True,
    refusals=(
        QuoteNotFound,
        QuoteExpired,
        QuoteUsed,
        PriceStale,
        MarketHalted,
        GateClosed,
        TransferLimitExceeded,
        SlippageExceeded,
        InsufficientFunds,
    ),
)
def place_order(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Place an order.

    It converts one asset into another, at a quote or at the current market price, or is refused.
    """
    if "quote_id" in body:
        return trading.fill_quote(session, actor, body["quote_id"])
    expected = body.get("expected_price")
    return trading.convert_at_market(
        session,
        actor,
        _wish(body),
        slippage_bps_max=body.get("max_slippage_bps"),
        expected_price=Decimal(expected) if expected is not None else None,
    )


@blp.operation(
    "GET",
    "/history",
    operation_id="tradeHistory",
    permission=Permission.ORDERS_READ,
    query_schema=PageQuerySchema,
    response_schema=schemas_trade.OrdersSchema,
)
def list_orders(session: Session, actor: Actor, query: dict[str, Any]) -> object:
    """List the orders, newest first."""
    return trading_queries.order_history(
        session, actor.user_id, limit=query["limit"], cursor=query.get("cursor")
    )


def _prices_of(body: dict[str, Any]) -> Sequence[Statement]:
    return [trading.read_of_prices(TRADABLE[body["from_asset"]], TRADABLE[body["to_asset"]])]


def _wish(body: dict[str, Any]) -> RequestedConversion:
    from_code, to_code = body["from_asset"], body["to_asset"]
    given, received = body.get("from_amount"), body.get("to_amount")
    return RequestedConversion(
        from_asset=TRADABLE[from_code],
        to_asset=TRADABLE[to_code],
        from_amount=parse_amount("fromAmount", from_code, given) if given else None,
        to_amount=parse_amount("toAmount", to_code, received) if received else None,
    )
