"""metalpriceapi.com as a price feed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from app.catalog.rules import Metal
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
_FORMS_DIFFER_AT_MOST = Decimal("0.02")
# Far outside any rate, and small enough to calculate with.
_RATE_MIN, _RATE_MAX = Decimal("1e-9"), Decimal("1e9")
_TIMESTAMP_MAX = 4_102_444_800  # the year 2100


class LatestRates(Protocol):
    """What the feed needs of a client."""

    def latest(self, symbols: list[str]) -> dict[str, Any]:
        """The provider's document of rates. Raises `FeedFailed`."""
        ...


class MetalpriceapiFeed:
    """A `PriceFeed` that asks at most once in `pause_seconds`: the provider counts requests, and
    an outage must not hold up every round. Between two questions it repeats the last answer."""

    name = "metalpriceapi"

    def __init__(self, client: LatestRates, *, pause_seconds: int = 30) -> None:
        self._client = client
        self._pause = timedelta(seconds=pause_seconds)
        self._asked_at = datetime.min.replace(tzinfo=UTC)
        self._answer: list[Observation] = []

    def fetch(self, now: datetime) -> list[Observation]:
        """The latest rates as dollars an ounce, at the provider's own time."""
        if timedelta(0) <= now - self._asked_at < self._pause:
            return self._answer
        self._asked_at = now
        self._answer = observations(self._client.latest(list(_SYMBOLS)))
        return self._answer


def observations(document: dict[str, Any]) -> list[Observation]:
    """The observations in a document of rates. Raises `FeedFailed` for any value that is not one.

    `rates.XAU` is ounces per dollar, `rates.USDXAU` dollars per ounce; the latter is more exact
    and is used where there is one, but only if the two are each other's inverse.
    """
    if document.get("base") != "USD":
        raise FeedFailed("the base of the rates is not USD")
    rates = document.get("rates")
    if not isinstance(rates, dict):
        raise FeedFailed("the answer has no rates")
    observed_at = _instant(document.get("timestamp"))
    seen = [
        Observation(metal, None, None, price, observed_at)
        for symbol, metal in _SYMBOLS.items()
        if (price := _price(rates, symbol)) is not None
    ]
    if not seen:
        raise FeedFailed("the answer has no rate of any metal")
    return seen


def _price(rates: dict[str, Any], symbol: str) -> Decimal | None:
    inverse, direct = _rate(rates, symbol), _rate(rates, f"USD{symbol}")
    if direct is None:
        return None if inverse is None else quantize_price(1 / inverse)
    if inverse is not None and abs(direct * inverse - 1) > _FORMS_DIFFER_AT_MOST:
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
