"""The verbs of trading: quote a conversion, and convert at a quote or at the market price."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.catalog.rules import TRADABLE, Metal, Priced, Stablecoin, Token
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.money import UNITS_MAX, Amount, Asset
from app.kit.pipeline import Row, Statement
from app.kyc import queries as kyc_queries
from app.ledger import chart
from app.ledger import service as ledger
from app.notifications import service as notifications
from app.notifications.kinds import TradeConfirmed
from app.pricing import queries as pricing_queries
from app.pricing.gate import GateRules, require_gate_open
from app.pricing.ounce_limits import OUNCES_DAY, check_ounces
from app.pricing.rules import HaltReason, MarketPrice, halted, require_tradable
from app.settings.queries import current
from app.trading import rules
from app.trading.errors import QuoteExpired, QuoteNotFound, QuoteUsed, SlippageExceeded
from app.trading.models import EXCHANGES_GOLD, OrderRow
from app.trading.rules import Conversion, ConversionTerms, PricePair, TradingRules

TRADE_CAUSE = "trade"
#: How long an expired quote that was never filled is kept.
QUOTE_RETENTION = timedelta(days=7)

_INSERT_QUOTE = """
INSERT INTO quotes (id, user_id, from_asset, to_asset, given_units, received_units, price,
                    fee_asset, fee_units, spread_units, rounding_units, quoted_at, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_FIND_QUOTE = """
SELECT q.from_asset, q.to_asset, q.given_units, q.received_units, q.price, q.fee_asset, q.fee_units,
       q.spread_units, q.rounding_units, q.expires_at, o.id IS NOT NULL
FROM quotes q LEFT JOIN orders o ON o.quote_id = q.id
WHERE q.id = %s AND q.user_id = %s
"""
_INSERT_ORDER = """
INSERT INTO orders (id, user_id, quote_id, from_asset, to_asset, given_units, received_units, price,
                    fee_asset, fee_units, executed_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_DELETE_EXPIRED_QUOTES = """
DELETE FROM quotes WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM quotes q WHERE expires_at < %s
        AND NOT EXISTS (SELECT FROM orders o WHERE o.quote_id = q.id) LIMIT 10000
))
"""

OUNCES_DAY.count(
    sa.select(
        OrderRow.user_id.label("owner"),
        OrderRow.id.label("id"),
        OrderRow.executed_at.label("at"),
        OrderRow.given_units.label("units"),
    ).where(EXCHANGES_GOLD)
)


@dataclass(frozen=True, slots=True)
class RequestedConversion:
    """The conversion that a customer requests: exactly one of the amounts is set."""

    from_asset: Asset
    to_asset: Asset
    from_amount: Amount | None
    to_amount: Amount | None


@dataclass(frozen=True, slots=True)
class Quote:
    """A conversion whose price is guaranteed until `expires_at`."""

    id: UUID
    conversion: Conversion
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ConversionOrder:
    """A filled conversion."""

    id: UUID
    quote_id: UUID | None
    given: Amount
    received: Amount
    price: Decimal
    fee: Amount
    executed_at: datetime


def read_of_prices(from_asset: Asset, to_asset: Asset) -> Statement:
    """Return what `create_quote` and `convert_at_market` read first, to be read ahead."""
    needed = {*rules.prices_needed(from_asset), *rules.prices_needed(to_asset)}
    return pricing_queries.price_statement(needed)


def reads_of_quote(user_id: UUID, quote_id: UUID) -> tuple[Statement, Statement]:
    """Return what `fill_quote` reads first, to be read ahead."""
    # Which assets it is about is not known yet, so the prices of all come along.
    return (_FIND_QUOTE, (quote_id, user_id)), pricing_queries.price_statement((*Metal, *Token))


def create_quote(session: Session, actor: Actor, requested: RequestedConversion) -> Quote:
    """Price a conversion and keep the price for the actor. Reserves nothing.

    Raises `PriceStale`, `MarketHalted`, `GateClosed` or `TransferLimitExceeded`; `Invalid` if the
    amount converts to nothing, or to more than can be moved.
    """
    now = clock.now()
    conversion = _price_conversion(session, actor, requested, now)
    lifetime = timedelta(seconds=current(session, TradingRules).quote_seconds)
    new_quote = Quote(ids.new(), conversion, now + lifetime)
    session.send(
        _INSERT_QUOTE,
        (
            new_quote.id,
            actor.user_id,
            conversion.given.asset.code,
            conversion.received.asset.code,
            conversion.given.units,
            conversion.received.units,
            conversion.price,
            conversion.fee.asset.code,
            conversion.fee.units,
            conversion.spread.units,
            conversion.rounding.units,
            now,
            new_quote.expires_at,
        ),
    )
    return new_quote


def fill_quote(session: Session, actor: Actor, quote_id: UUID) -> ConversionOrder:
    """Convert at a quoted price, once.

    Raises `QuoteNotFound`, `QuoteUsed`, `QuoteExpired`, and what `create_quote` raises of the
    market and of limits. The database raises `InsufficientFunds`, and `QuoteUsed` for the slower of
    two concurrent requests.
    """
    now = clock.now()
    quote_rows, price_rows = session.fetch(*reads_of_quote(actor.user_id, quote_id))
    quote_row = next(iter(quote_rows), None)
    if quote_row is None:
        raise QuoteNotFound
    *columns, expires_at, is_used = quote_row
    if is_used:
        raise QuoteUsed
    if now >= expires_at:
        raise QuoteExpired
    conversion = _conversion_from_row(columns)
    # The price is the quote's, but no order fills that could not be quoted now.
    market = _Market.of_rows(price_rows)
    _require_market(session, market, (conversion.given.asset, conversion.received.asset), now)
    _check_limits(session, actor, conversion)
    return _execute_order(session, actor, conversion, now, quote_id)


def convert_at_market(
    session: Session,
    actor: Actor,
    requested: RequestedConversion,
    *,
    slippage_bps_max: int | None = None,
    expected_price: Decimal | None = None,
) -> ConversionOrder:
    """Convert at the current market price.

    `slippage_bps_max` limits how much worse for the actor the price may be than `expected_price`,
    or than mid without one.

    Raises what `create_quote` raises, and `SlippageExceeded`. The database raises
    `InsufficientFunds`.
    """
    now = clock.now()
    conversion = _price_conversion(
        session,
        actor,
        requested,
        now,
        slippage_bps_max=slippage_bps_max,
        expected_price=expected_price,
    )
    return _execute_order(session, actor, conversion, now, None)


def _price_conversion(
    session: Session,
    actor: Actor,
    requested: RequestedConversion,
    now: datetime,
    *,
    slippage_bps_max: int | None = None,
    expected_price: Decimal | None = None,
) -> Conversion:
    assets = requested.from_asset, requested.to_asset
    market = _Market.of_rows(session.rows(*read_of_prices(*assets)))
    prices = _require_market(session, market, assets, now)
    conversion_terms = ConversionTerms(
        requested.from_asset,
        requested.to_asset,
        rules.price_of(requested.from_asset, prices),
        rules.price_of(requested.to_asset, prices),
        current(session, TradingRules).fee_bps,
    )
    if requested.from_amount is not None:
        field, conversion = (
            "fromAmount",
            rules.convert_given(conversion_terms, requested.from_amount),
        )
    else:
        assert requested.to_amount is not None
        field, conversion = (
            "toAmount",
            rules.convert_received(conversion_terms, requested.to_amount),
        )
    if conversion is None:
        raise Invalid(field, "Enter a larger amount. This one converts to nothing at this price.")
    if max(conversion.given.units, conversion.received.units) > UNITS_MAX:
        raise Invalid(field, "Enter a smaller amount. The other side is more than can be moved.")
    _check_limits(session, actor, conversion)
    if slippage_bps_max is not None:
        reference = conversion_terms.price_at_mid if expected_price is None else expected_price
        if rules.exceeds_slippage(conversion, reference, slippage_bps_max):
            raise SlippageExceeded(
                f"The price is {conversion.price}, more than {slippage_bps_max} bps worse "
                f"than {reference}. Try again or raise the limit."
            )
    return conversion


def _check_limits(session: Session, actor: Actor, conversion: Conversion) -> None:
    """Raise `TransferLimitExceeded` if it exchanges more ounces of PAXG and gold than is left."""
    if rules.passes_gate(conversion.given.asset, conversion.received.asset):
        accounts = kyc_queries.accounts_of_person(session, actor.user_id)
        check_ounces(session, accounts, conversion.given)


@dataclass(frozen=True, slots=True)
class _Market:
    """Prices, each with its halt, and the halts of what counts as a dollar."""

    prices: Mapping[Priced, MarketPrice]
    halts: Mapping[Stablecoin, HaltReason]

    @classmethod
    def of_rows(cls, rows: Sequence[Row]) -> "_Market":
        return cls(
            pricing_queries.market_prices_from(rows), pricing_queries.stablecoin_halts_from(rows)
        )


def _require_market(
    session: Session,
    market: _Market,
    assets: tuple[Asset, Asset],
    now: datetime,
) -> dict[Priced, PricePair]:
    """Return the prices of a conversion between the assets, if it may happen now.

    The same for quotes, their orders and orders at the market. Raises `PriceStale`, `MarketHalted`
    or `GateClosed`.
    """
    pricing_rules = pricing_queries.current_rules(session)
    prices = {}
    for stablecoin, reason in market.halts.items():
        if any(asset.code == stablecoin for asset in assets):
            raise halted(stablecoin, reason)
    for asset in assets:
        for priced in rules.prices_needed(asset):
            price = require_tradable(market.prices.get(priced), now, pricing_rules)
            prices[priced] = PricePair(price.bid, price.ask, price.mid)
    if rules.passes_gate(*assets):
        require_gate_open(market.prices, now, pricing_rules, current(session, GateRules))
    return prices


def _conversion_from_row(columns: Sequence[Any]) -> Conversion:
    """Return the conversion stored in a quote's row."""
    from_code, to_code, given, received, price, fee_code, fee, spread, rounding = columns
    from_asset, to_asset, fee_asset = (TRADABLE[code] for code in (from_code, to_code, fee_code))
    return Conversion(
        given=Amount(from_asset, given),
        received=Amount(to_asset, received),
        price=price,
        fee=Amount(fee_asset, fee),
        spread=Amount(fee_asset, spread),
        rounding=Amount(fee_asset, rounding),
    )


def _execute_order(
    session: Session,
    actor: Actor,
    conversion: Conversion,
    now: datetime,
    quote_id: UUID | None,
) -> ConversionOrder:
    """Record the order and its ledger entry and stage its confirmation, in one transaction."""
    given, received, fee = conversion.given, conversion.received, conversion.fee
    order = ConversionOrder(ids.new(), quote_id, given, received, conversion.price, fee, now)
    session.send(
        _INSERT_ORDER,
        (
            order.id,
            actor.user_id,
            quote_id,
            given.asset.code,
            received.asset.code,
            given.units,
            received.units,
            order.price,
            fee.asset.code,
            fee.units,
            now,
        ),
    )
    # PBCEx keeps its part on the fee's side; the rest of that side passes through the position.
    kept = fee + conversion.spread + conversion.rounding
    sells = fee.asset == received.asset
    ledger.post(
        session,
        cause=TRADE_CAUSE,
        reference=ids.encode("trd", order.id),
        posted_at=now,
        postings=[
            ledger.debit(chart.customer(actor.user_id, given.asset), given),
            ledger.credit(chart.position(given.asset), given if sells else given - kept),
            ledger.credit(chart.customer(actor.user_id, received.asset), received),
            ledger.debit(chart.position(received.asset), received + kept if sells else received),
            ledger.credit(chart.fees(fee.asset), fee),
            ledger.credit(chart.spread(fee.asset), conversion.spread),
            ledger.credit(chart.rounding(fee.asset), conversion.rounding),
        ],
    )
    number = ids.encode("trd", order.id)
    confirmed = TradeConfirmed(number, given, received, order.price, fee, now)
    notifications.notify(session, confirmed, to=actor.user_id, event=number)
    return order


def delete_expired_quotes(session: Session) -> None:
    """Delete the quotes that expired `QUOTE_RETENTION` ago and were never filled."""
    session.send(_DELETE_EXPIRED_QUOTES, (clock.now() - QUOTE_RETENTION,))
