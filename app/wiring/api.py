"""The API, its documentation, the webhooks of providers and the health checks."""

from alembic.script import ScriptDirectory
from flask import Flask

from app.blueprints import docs, health, openapi, webhooks
from app.blueprints.api import (
    admin,
    auth,
    branches,
    kyc,
    me,
    messages,
    payments,
    phone,
    privacy,
    redemption,
    second_factor,
    sessions,
    shop,
    shop_admin,
    shop_cart,
    shop_documents,
    shop_locks,
    shop_orders,
    shop_refunds,
    shop_returns,
    support,
    trade,
    vault,
    vault_redemptions,
    vault_restock,
    wallet,
)
from app.config import PROJECT, VERSION, Settings
from app.integrations import rate_limit_storage
from app.integrations.sandbox_values import SPECIAL_VALUES
from app.keys.errors import KeyRingUnavailable
from app.keys.ports import KeyRing
from app.kit import clock
from app.kit.db import Database
from app.kit.formatting import format_time
from app.kit.health import Condition, HealthCheck, check_database
from app.kit.ports import resolve
from app.pricing import hours
from app.pricing.ports import without_source
from app.pricing.rules import MarketHours

#: In the order of a customer's life, as the document shows them.
API_BLUEPRINTS = (
    auth.blp,
    second_factor.blp,
    me.blp,
    phone.blp,
    sessions.blp,
    kyc.blp,
    payments.blp,
    trade.blp,
    wallet.blp,
    branches.blp,
    shop.blp,
    shop_cart.blp,
    shop_locks.blp,
    shop_orders.blp,
    shop_refunds.blp,
    shop_returns.blp,
    shop_documents.blp,
    shop_admin.blp,
    messages.blp,
    privacy.blp,
    vault.blp,
    vault_restock.blp,
    redemption.blp,
    vault_redemptions.blp,
    support.blp,
    admin.blp,
    health.blp,
)


def register(app: Flask, settings: Settings, database: Database, *, shows_details: bool) -> None:
    """Register what programs request; with `shows_details` the metrics as well."""
    api = openapi.register(
        app,
        version=VERSION,
        public_url=settings.public_url,
        special_values=SPECIAL_VALUES if settings.sandbox_url else (),
    )
    for blueprint in API_BLUEPRINTS:
        api.register_blueprint(blueprint)
    app.register_blueprint(docs.blp)
    app.register_blueprint(webhooks.blp)
    heads = ScriptDirectory(str(PROJECT / "migrations")).get_heads()

    def check_redis() -> list[HealthCheck]:
        if rate_limit_storage.is_redis_available(settings.redis_url):
            return [HealthCheck("redis", Condition.OK, "available")]
        return [HealthCheck("redis", Condition.DEGRADED, "unavailable; PostgreSQL is used instead")]

    def check_keys() -> list[HealthCheck]:
        try:
            resolve(KeyRing).active_id()
        except KeyRingUnavailable:
            return [
                HealthCheck(
                    "keys", Condition.DEGRADED, "cannot be read; sealed data is unavailable"
                )
            ]
        return [HealthCheck("keys", Condition.OK, "readable")]

    def check_calendar() -> list[HealthCheck]:
        if resolve(MarketHours) is MarketHours.ALWAYS_OPEN:
            return []
        is_short = hours.CALENDAR.needs_extension(clock.now())
        until = f"holidays are known until {format_time(hours.CALENDAR.ends)}"
        status = Condition.DEGRADED if is_short else Condition.OK
        return [HealthCheck("market_calendar", status, until)]

    def check_price_feeds() -> list[HealthCheck]:
        missing = without_source(app.extensions["price_feeds"])
        if not missing:
            return []
        detail = f"PBCEX_PRICE_FEEDS names no source for {', '.join(missing)}"
        return [HealthCheck("price_feeds", Condition.DEGRADED, detail)]

    health.register(
        app,
        [
            lambda: check_database(database, heads),
            check_keys,
            check_redis,
            check_price_feeds,
            check_calendar,
        ],
        shows_details=shows_details,
    )
