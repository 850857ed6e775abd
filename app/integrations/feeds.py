"""Configured price feeds and pricing rules."""

from collections.abc import Callable
from decimal import Decimal

from app.catalog.rules import Metal, Priced
from app.config import Settings
from app.integrations.metalpriceapi.adapter import MetalpriceapiFeed
from app.integrations.metalpriceapi.client import MetalpriceapiClient
from app.integrations.simulated.feed import SimulatedFeed
from app.pricing.ports import PriceFeed
from app.pricing.rules import DEFAULT_SPREADS_BPS, MarketHours, PricingRules


def build_pricing_rules(settings: Settings) -> PricingRules:
    """Return the pricing rules of the settings. Raises `ValueError` naming an invalid one."""
    hours = settings.market_hours or ("real" if settings.is_production else "always_open")
    configured_spreads: dict[Priced, Decimal] = {
        Metal(metal): spread for metal, spread in settings.price_spread_bps.items()
    }
    for metal, spread in configured_spreads.items():
        if not 0 <= spread <= 10_000:  # noqa: PLR2004 - all of the price
            raise ValueError(f"PBCEX_PRICE_SPREAD_BPS: {metal} must be between 0 and 10000")
    return PricingRules(
        spreads_bps={**DEFAULT_SPREADS_BPS, **configured_spreads},
        stale_after_seconds=settings.price_stale_after_seconds,
        outlier_bps=settings.price_outlier_bps,
        market_hours=MarketHours(hours),
    )


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
    return SimulatedFeed(settings.price_seed, is_open=build_pricing_rules(settings).is_open)


def _metalpriceapi(settings: Settings) -> PriceFeed:
    key = settings.metalpriceapi_key.get_secret_value()
    if not key:
        raise ValueError("METALPRICEAPI_KEY: the metalpriceapi feed needs a key")
    return MetalpriceapiFeed(MetalpriceapiClient(settings.metalpriceapi_base_url, key))


_FEEDS: dict[str, Callable[[Settings], PriceFeed]] = {
    "simulated": _simulated,
    "metalpriceapi": _metalpriceapi,
}
