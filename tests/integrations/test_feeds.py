"""Price feeds and the market's calendar from settings."""

import pytest
from pydantic import ValidationError

from app.config import Settings
from app.config.checks import PRICE_FEEDS
from app.integrations.feeds import build_market_hours, build_price_feeds
from app.pricing.rules import MarketHours
from tests.production_settings import SAFE


def settings(**fields: str) -> Settings:
    return Settings.model_validate({"PBCEX_ENV": "sample"} | fields)


def test_default_is_simulated_feed_and_always_open_market() -> None:
    assert [feed.name for feed in build_price_feeds(settings(), {})] == ["simulated"]
    assert build_market_hours(settings()) is MarketHours.ALWAYS_OPEN
    assert build_market_hours(settings(PBCEX_MARKET_HOURS="real")) is MarketHours.REAL


def test_production_default_is_no_feed_and_real_hours() -> None:
    cost = {"PBCEX_ARGON2_MEMORY_KIB": "19456", "PBCEX_ARGON2_PASSES": "2"}
    production = Settings.model_validate(SAFE | cost)
    assert build_price_feeds(production, {}) == []
    assert build_market_hours(production) is MarketHours.REAL


def test_every_feed_that_settings_may_name_can_be_built() -> None:
    configured = settings(PBCEX_PRICE_FEEDS=",".join(PRICE_FEEDS), METALPRICEAPI_KEY="key-4711")
    simulated = build_price_feeds(settings(), {})
    feeds = build_price_feeds(configured, {"paxos": simulated.pop})
    assert len(feeds) == len(PRICE_FEEDS)


def test_feeds_keep_the_configured_order() -> None:
    configured = settings(
        PBCEX_PRICE_FEEDS="metalpriceapi, simulated", METALPRICEAPI_KEY="key-4711"
    )
    assert [feed.name for feed in build_price_feeds(configured, {})] == [
        "metalpriceapi",
        "simulated",
    ]
    assert "key-4711" not in repr(configured)


@pytest.mark.parametrize(
    "fields", [{"PBCEX_PRICE_FEEDS": "simulated"}, {"PBCEX_MARKET_HOURS": "always_open"}]
)
def test_production_refuses_simulated_market(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="refused in production"):
        settings(PBCEX_ENV="production", **fields)
