"""Configured price feeds and pricing rules."""

from collections.abc import Callable

from app.config import Settings
from app.integrations.metalpriceapi.adapter import MetalpriceapiFeed
from app.integrations.metalpriceapi.client import MetalpriceapiClient
from app.integrations.simulated.feed import SimulatedFeed
from app.pricing.ports import PriceFeed
from app.pricing.rules import MarketHours


def build_market_hours(settings: Settings) -> MarketHours:
    """Return the calendar of this installation. In production it is the market's."""
    default = MarketHours.REAL if settings.is_production else MarketHours.ALWAYS_OPEN
    return MarketHours(settings.market_hours or default)


def build_price_feeds(settings: Settings) -> list[PriceFeed]:
    """Return the feeds named in PBCEX_PRICE_FEEDS.

    Raises `ValueError` for an unknown name, a repeated name, or a feed without its key.
    """
    default = () if settings.is_production else ("simulated",)
    names = settings.price_feeds or default
    if len(set(names)) < len(names):
        raise ValueError("PBCEX_PRICE_FEEDS: a feed is named twice")
    unknown = [name for name in names if name not in _FEEDS]
    if unknown:
        raise ValueError(f"PBCEX_PRICE_FEEDS: {unknown[0]} is not one of {', '.join(_FEEDS)}")
    return [_FEEDS[name](settings) for name in names]


def _simulated(settings: Settings) -> PriceFeed:
    return SimulatedFeed(settings.price_seed, is_open=build_market_hours(settings).is_open)


def _metalpriceapi(settings: Settings) -> PriceFeed:
    key = settings.metalpriceapi_key.get_secret_value()
    if not key:
        raise ValueError("METALPRICEAPI_KEY: the metalpriceapi feed needs a key")
    return MetalpriceapiFeed(MetalpriceapiClient(settings.metalpriceapi_base_url, key))


_FEEDS: dict[str, Callable[[Settings], PriceFeed]] = {
    "simulated": _simulated,
    "metalpriceapi": _metalpriceapi,
}
