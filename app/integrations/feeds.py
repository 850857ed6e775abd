"""Configured price feeds and pricing rules."""

from collections.abc import Callable, Mapping

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


def build_price_feeds(
    settings: Settings, of_providers: Mapping[str, Callable[[], PriceFeed]]
) -> list[PriceFeed]:
    """Return the feeds named in PBCEX_PRICE_FEEDS. `of_providers` are those that the connected
    providers have; `app.config` has checked that each feed has its key and address."""
    default = () if settings.is_production else ("simulated",)
    names = settings.price_feeds or default
    return [_FEEDS[name](settings) if name in _FEEDS else of_providers[name]() for name in names]


def _simulated(settings: Settings) -> PriceFeed:
    return SimulatedFeed(settings.price_seed, is_open=build_market_hours(settings).is_open)


def _metalpriceapi(settings: Settings) -> PriceFeed:
    key = settings.metalpriceapi_key.get_secret_value()
    return MetalpriceapiFeed(MetalpriceapiClient(settings.metalpriceapi_base_url, key))


_FEEDS: dict[str, Callable[[Settings], PriceFeed]] = {
    "simulated": _simulated,
    "metalpriceapi": _metalpriceapi,
}
