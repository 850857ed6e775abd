"""The API, its documentation, the webhooks of providers and the health checks."""

from alembic.script import ScriptDirectory
from flask import Flask

from app.blueprints import docs, health, openapi, webhooks
from app.blueprints.api import admin, auth, kyc, me, messages, payments, privacy, trade, wallet
from app.config import PROJECT, VERSION, Settings
from app.integrations import rate_limit_storage
from app.keys.errors import KeyRingUnavailable
from app.keys.ports import KeyRing
from app.kit import clock
from app.kit.db import Database
from app.kit.formatting import format_time
from app.kit.health import Condition, HealthCheck, check_database
from app.kit.ports import resolve
from app.pricing import hours
from app.pricing.rules import MarketHours

API_BLUEPRINTS = (
    health.blp,
    auth.blp,
    me.blp,
    privacy.blp,
    trade.blp,
    wallet.blp,
    payments.blp,
    kyc.blp,
    messages.blp,
    admin.blp,
)


def register(app: Flask, settings: Settings, database: Database) -> None:
    """Register what programs request."""
    api = openapi.register(app, version=VERSION, public_url=settings.public_url)
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

    health.register(
        app,
        [lambda: check_database(database, heads), check_keys, check_redis, check_calendar],
    )
