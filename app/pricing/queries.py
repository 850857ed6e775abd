"""Reads of pricing."""

from collections.abc import Iterable, Sequence

from app.catalog.rules import Metal, Priced, Token, parse_priced
from app.kit.db import Session
from app.kit.pipeline import Row, Statement
from app.pricing.rules import MarketPrice

_PRICES = """
SELECT metal, bid, ask, mid, as_of, source, halted, halted_reason
FROM market_prices WHERE metal = ANY(%s)
"""


def market_prices(session: Session, metals: Iterable[Priced] | None = None) -> list[MarketPrice]:
    """These prices (of all metals when None), in the catalogue's order; what never had a price is
    absent."""
    wanted = frozenset(Metal if metals is None else metals)
    prices = market_prices_from(session.rows(*price_statement(wanted)))
    return [prices[each] for each in (*Metal, *Token) if each in prices]


def price_statement(metals: Iterable[Priced]) -> Statement:
    """A statement to send along with others; its rows are for `market_prices_from`."""
    return _PRICES, ([metal.value for metal in metals],)


def market_prices_from(rows: Sequence[Row]) -> dict[Priced, MarketPrice]:
    """The prices in the rows of `price_statement`, by metal."""
    return {parse_priced(row[0]): MarketPrice(parse_priced(row[0]), *row[1:]) for row in rows}
