"""The quotes of Paxos as a price feed of PAXG.

Assumed: `side` is what we would do, so a quote to BUY is the ask; and prices are dollars for one
PAXG, which is a troy ounce of fine gold.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from app.catalog.rules import Priced, Token
from app.integrations import response_parsing
from app.pricing.ports import FeedFailed, Observation
from app.pricing.rules import quantize_price
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

SCOPES = "exchange:read_quote"
_MARKET = "PAXGUSD"
_LENGTH_MAX = 30


class Quotes(Protocol):
    """The method of the client that the feed uses."""

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """Return a document; None for 404. Raises the errors of providers."""
        ...


class PaxosFeed:
    """A `PriceFeed` that sends at most one request in `pause_seconds`, so that an outage does not
    delay every round. In between, the last result is returned again."""

    name = "paxos"
    covers: frozenset[Priced] = frozenset({Token.PAXG})

    def __init__(self, client: Quotes, *, pause_seconds: int = 10) -> None:
        self._client = client
        self._pause = timedelta(seconds=pause_seconds)
        self._requested_at = datetime.min.replace(tzinfo=UTC)
        self._observations: list[Observation] = []

    def fetch(self, now: datetime) -> list[Observation]:
        """Return the price of PAXG between the quotes to buy and to sell, of the older one's
        time."""
        if timedelta(0) <= now - self._requested_at < self._pause:
            return self._observations
        self._requested_at = now
        # After a failure, the price before is not repeated.
        self._observations = []
        try:
            payload = self._client.get("/quotes", {"markets": _MARKET})
            self._observations = [_observation(payload or {})]
        except (ProviderUnavailable, ProviderOutcomeUnknown, ProviderRefused) as error:
            raise FeedFailed(str(error)) from None
        return self._observations


def _observation(payload: dict[str, Any]) -> Observation:
    """Return what the quotes say. Raises `FeedFailed` and `ResponseUnreadable`."""
    quotes = {}
    for item in response_parsing.required_list(payload, "items"):
        quote = response_parsing.object_row(item)
        if quote.get("market") == _MARKET:
            quotes[response_parsing.required_text(quote, "side")] = quote
    if not {"BUY", "SELL"} <= quotes.keys():
        raise FeedFailed(f"the response has no quotes to buy and to sell {_MARKET}")
    ask, bid = _price(quotes["BUY"]), _price(quotes["SELL"])
    observed_at = min(
        response_parsing.required_instant(quotes[side], "created_at") for side in ("BUY", "SELL")
    )
    return Observation(Token.PAXG, bid, ask, quantize_price((bid + ask) / 2), observed_at)


def _price(quote: dict[str, Any]) -> Decimal:
    text = response_parsing.required_text(quote, "price")
    try:
        price = Decimal(text) if len(text) <= _LENGTH_MAX else Decimal("NaN")
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or not Decimal("1e-9") <= price <= Decimal("1e9"):
        raise FeedFailed("a price is not an amount of dollars")
    return price
