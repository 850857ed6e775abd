"""metalpriceapi.com as a price feed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from app.catalog.rules import Metal, Priced
from app.pricing.ports import FeedFailed, Observation
from app.pricing.rules import quantize_price

_SYMBOLS = {
    "XAU": Metal.AU,
    "XAG": Metal.AG,
    "XPT": Metal.PT,
    "XPD": Metal.PD,
    "XCU": Metal.CU,
}
# The inverse rate is printed with few digits, so the two forms agree only roughly.
_INVERSE_ERROR_MAX = Decimal("0.02")
# Far outside any rate, and small enough to calculate with.
_RATE_MIN, _RATE_MAX = Decimal("1e-9"), Decimal("1e9")
_TIMESTAMP_MAX = 4_102_444_800  # the year 2100


class LatestRates(Protocol):
    """The method of the client that the feed uses."""

    def latest(self, symbols: list[str]) -> dict[str, Any]:
        """Return the provider's document of rates. Raises `FeedFailed`."""
        ...


class MetalpriceapiFeed:
    """A `PriceFeed` that sends at most one request in `pause_seconds`.

    The provider counts requests, and an outage must not delay every round. In between, the last
    result is returned again.
    """

    name = "metalpriceapi"
    covers: frozenset[Priced] = frozenset(_SYMBOLS.values())

    def __init__(self, client: LatestRates, *, pause_seconds: int = 30) -> None:
        self._client = client
        self._pause = timedelta(seconds=pause_seconds)
        self._requested_at = datetime.min.replace(tzinfo=UTC)
        self._observations: list[Observation] = []

    def fetch(self, now: datetime) -> list[Observation]:
        """Return the latest rates in dollars per troy ounce, at the provider's own time."""
        if timedelta(0) <= now - self._requested_at < self._pause:
            return self._observations
        self._requested_at = now
        self._observations = observations(self._client.latest(list(_SYMBOLS)))
        return self._observations


def observations(payload: dict[str, Any]) -> list[Observation]:
    """Return the observations in a document of rates. Raises `FeedFailed` for any invalid value.

    `rates.XAU` is ounces per dollar, `rates.USDXAU` dollars per ounce. The latter is more exact and
    is used if present, but only if the two are each other's inverse.
    """
    if payload.get("base") != "USD":
        raise FeedFailed("the base of the rates is not USD")
    rates = payload.get("rates")
    if not isinstance(rates, dict):
        raise FeedFailed("the response has no rates")
    observed_at = _instant(payload.get("timestamp"))
    observed = [
        Observation(metal, None, None, price, observed_at)
        for symbol, metal in _SYMBOLS.items()
        if (price := _price(rates, symbol)) is not None
    ]
    if not observed:
        raise FeedFailed("the response has no rate of any metal")
    return observed


def _price(rates: dict[str, Any], symbol: str) -> Decimal | None:
    inverse, direct = _rate(rates, symbol), _rate(rates, f"USD{symbol}")
    if direct is None:
        return None if inverse is None else quantize_price(1 / inverse)
    if inverse is not None and abs(direct * inverse - 1) > _INVERSE_ERROR_MAX:
        raise FeedFailed(f"{symbol} and USD{symbol} are not each other's inverse")
    return quantize_price(direct)


def _rate(rates: dict[str, Any], name: str) -> Decimal | None:
    value = rates.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise FeedFailed(f"{name} is not a number")
    if not _RATE_MIN <= value <= _RATE_MAX:
        raise FeedFailed(f"{name} is not between {_RATE_MIN} and {_RATE_MAX}")
    return Decimal(value)


def _instant(timestamp: object) -> datetime:
    if isinstance(timestamp, bool) or not isinstance(timestamp, int):
        raise FeedFailed("the timestamp is not a whole number of seconds")
    if not 0 < timestamp < _TIMESTAMP_MAX:
        raise FeedFailed("the timestamp is not in seconds of this century")
    return datetime.fromtimestamp(timestamp, UTC)
