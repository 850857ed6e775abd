"""Reads of pricing."""

from collections.abc import Iterable, Sequence

from app.catalog.rules import Metal
from app.kit.db import Parameters, Row, Session
from app.pricing.rules import MarketPrice

_PRICES = """
SELECT metal, bid, ask, mid, as_of, source, halted, halted_reason
FROM market_prices WHERE metal = ANY(%s)
"""


def market(session: Session, metals: Iterable[Metal] | None = None) -> list[MarketPrice]:
    """The prices of these metals (all when None), in the catalogue's order; a metal that never
    had a price is absent."""
    wanted = frozenset(Metal if metals is None else metals)
    prices = market_prices_from(session.rows(*price_statement(wanted)))
    return [prices[metal] for metal in Metal if metal in prices]


def price_statement(metals: Iterable[Metal]) -> tuple[str, Parameters]:
    """A statement to send along with others; its rows are for `market_prices_from`."""
    return _PRICES, ([metal.value for metal in metals],)


def market_prices_from(rows: Sequence[Row]) -> dict[Metal, MarketPrice]:
    """The prices in the rows of `price_statement`, by metal."""
    return {Metal(row[0]): MarketPrice(Metal(row[0]), *row[1:]) for row in rows}
