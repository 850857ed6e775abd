"""Price feeds and the market's calendar from settings."""

import pytest
from pydantic import ValidationError

from app.config import Settings
from app.integrations.feeds import build_market_hours, build_price_feeds
from app.pricing.rules import MarketHours


def settings(**fields: str) -> Settings:
    return Settings.model_validate({"PBCEX_ENV": "sample"} | fields)


def test_default_is_simulated_feed_and_always_open_market() -> None:
    assert [feed.name for feed in build_price_feeds(settings())] == ["simulated"]
    assert build_market_hours(settings()) is MarketHours.ALWAYS_OPEN
    assert build_market_hours(settings(PBCEX_MARKET_HOURS="real")) is MarketHours.REAL


def test_production_default_is_no_feed_and_real_hours() -> None:
    production = settings(
        PBCEX_ENV="production",
        PBCEX_SECRET_KEY="0123456789abcdefghijklmnopqrstuvwxyz",
        PBCEX_KEY_RING="/etc/pbcex/keys.json",
        PBCEX_PUBLIC_URL="https://exchange.example",
        PBCEX_SMTP_URL="smtps://mail.exchange.example",
        PBCEX_MAIL_FROM="no-reply@exchange.example",
        PBCEX_SUPPORT_EMAIL="support@exchange.example",
        PBCEX_ALLOWED_HOSTS="exchange.example",
        DATABASE_URL="postgresql://app@db.example/pbcex",
        REDIS_URL="redis://:long-password@redis.example/0",
    )
    assert build_price_feeds(production) == []
    assert build_market_hours(production) is MarketHours.REAL


def test_feeds_keep_the_configured_order() -> None:
    configured = settings(
        PBCEX_PRICE_FEEDS="metalpriceapi, simulated", METALPRICEAPI_KEY="key-4711"
    )
    assert [feed.name for feed in build_price_feeds(configured)] == ["metalpriceapi", "simulated"]
    assert "key-4711" not in repr(configured)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"PBCEX_PRICE_FEEDS": "tea-leaves"}, "tea-leaves is not one of simulated, metalpriceapi"),
        ({"PBCEX_PRICE_FEEDS": "simulated,simulated"}, "named twice"),
        ({"PBCEX_PRICE_FEEDS": "metalpriceapi"}, "METALPRICEAPI_KEY"),
    ],
)
def test_invalid_feed_setting_is_refused(fields: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_price_feeds(settings(**fields))


@pytest.mark.parametrize(
    "fields", [{"PBCEX_PRICE_FEEDS": "simulated"}, {"PBCEX_MARKET_HOURS": "always_open"}]
)
def test_production_refuses_simulated_market(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="refused in production"):
        settings(PBCEX_ENV="production", **fields)
