"""Reads of pricing."""

from collections.abc import Iterable, Sequence

from app.catalog.rules import Metal, Priced, Token, parse_priced
from app.kit.db import Session
from app.kit.pipeline import Row, Statement
from app.kit.ports import resolve
from app.pricing.rules import MarketHours, MarketPrice, PriceSettings, PricingRules
from app.settings.queries import current

_PRICES = """
SELECT metal, bid, ask, mid, as_of, fresh_until, source, halted, halted_reason
FROM market_prices WHERE metal = ANY(%s)
"""


def current_rules(session: Session) -> PricingRules:
    """Return the rules in effect: the same ones throughout a transaction."""
    return PricingRules(current(session, PriceSettings), resolve(MarketHours))


def market_prices(session: Session, metals: Iterable[Priced] | None = None) -> list[MarketPrice]:
    """Return the prices of these metals, or of all if None, in the catalogue's order. Metals
    without a price are absent."""
    wanted = frozenset(Metal if metals is None else metals)
    prices = market_prices_from(session.rows(*price_statement(wanted)))
    return [prices[priced_as] for priced_as in (*Metal, *Token) if priced_as in prices]


def price_statement(metals: Iterable[Priced]) -> Statement:
    """Return a statement to send together with others; pass its rows to `market_prices_from`."""
    return _PRICES, ([metal.value for metal in metals],)


def market_prices_from(rows: Sequence[Row]) -> dict[Priced, MarketPrice]:
    """Return the prices in the rows of `price_statement`, by metal."""
    prices = (MarketPrice(parse_priced(metal), *values) for metal, *values in rows)
    return {price.metal: price for price in prices}
