"""Create the application: every adapter, blueprint and command is connected here only."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from werkzeug.middleware.proxy_fix import ProxyFix

from app import embedded, models, tasks  # noqa: F401 - importing the tasks registers them
from app.approvals.ports import CurrentPermissions
from app.audit.keys import AuditKeys, audit_keys
from app.audit.ports import AnchorStore
from app.blueprints import (
    docs,
    health,
    mail,
    middleware,
    openapi,
    page_blueprint,
    rate_limits,
    rendering,
    staff_session_cookie,
    webhooks,
)
from app.blueprints import errors as blueprints_errors
from app.blueprints.admin import (
    approvals,
    audit,
    branches,
    cases,
    custody,
    exposure,
    jobs,
    people,
    reconciliation,
    roles,
    screening,
    staff,
)
from app.blueprints.admin import home as admin_home
from app.blueprints.admin import keys as key_pages
from app.blueprints.admin import payments as payment_pages
from app.blueprints.api import admin, auth, kyc, me, messages, payments, privacy, trade, wallet
from app.blueprints.auth import account, links, login, reauthentication, second_factor
from app.blueprints.public import home, policies
from app.blueprints.support import home as support_home
from app.blueprints.support import kyc as support_kyc
from app.blueprints.teller import home as teller_home
from app.cli import audit as audit_commands
from app.cli import books, keys, prices, sample, sanctions
from app.cli import custody as custody_commands
from app.cli import database as database_commands
from app.cli import jobs as job_commands
from app.cli import people as people_commands
from app.cli import reconcile as reconcile_command
from app.config import PROJECT, VERSION, Settings, UnsafeSettings
from app.custody.ports import Custodians
from app.funding.custody_rail import CustodyRail
from app.funding.limits import PaymentLimits
from app.funding.ports import PaymentMethod, PayoutRails
from app.funding.transfers.rules import TransferLimits
from app.hedging.rules import ExposureRules
from app.identity.credentials.one_time_tokens import OneTimeKey
from app.identity.credentials.passkeys import RelyingParty
from app.identity.credentials.passwords import PasswordHashing
from app.identity.roles.current_permissions import DatabasePermissions
from app.identity.sign_in.access_tokens import AccessTokens, parse_signing_keys
from app.integrations import messaging, rate_limit_storage
from app.integrations.anchor_files import AnchorFiles
from app.integrations.custodians import provide_custodians
from app.integrations.feeds import build_price_feeds, build_pricing_rules
from app.integrations.plaid import wiring as plaid
from app.integrations.rails import provide_rails
from app.keys.errors import KeyRingUnavailable
from app.keys.ports import KeyRing
from app.keys.ring import FileKeyRing
from app.kit import telemetry
from app.kit.db import Database
from app.kit.health import Condition, HealthCheck, check_database
from app.kit.ports import provide, resolve
from app.kyc.rules import KycRules
from app.kyc.submission.ports import IdentityProvider
from app.messages.ports import EmailSender, SmsSender
from app.messages.rules import EmailLinks
from app.outbox.rules import Backoff
from app.pricing.rules import PricingRules
from app.providers.ports import WebhookVerifiers
from app.providers.service import CallLog
from app.screening.rules import ScreeningRules
from app.trading.rules import TradingRules
from app.trading.service import TradingTerms

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

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
PAGE_BLUEPRINTS = (
    home.blp,
    policies.blp,
    login.blp,
    second_factor.blp,
    reauthentication.blp,
    account.blp,
    links.blp,
    admin_home.blp,
    support_home.blp,
    teller_home.blp,
    exposure.blp,
    support_kyc.blp,
    custody.blp,
    reconciliation.blp,
    approvals.blp,
    people.blp,
    staff.blp,
    roles.blp,
    branches.blp,
    cases.blp,
    screening.blp,
    audit.blp,
    jobs.blp,
    key_pages.blp,
    payment_pages.blp,
)

# Limits of statements: a customer waits behind each of them.
_SESSION = {
    "lock_timeout": "2s",
    "statement_timeout": "10s",
    "idle_in_transaction_session_timeout": "15s",
    "timezone": "UTC",
}


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application, ready to serve. Settings default to those of the environment.

    Raises `UnsafeSettings` naming every setting that is missing or unsafe.
    """
    settings = fill_in_embedded_servers(settings or Settings.load())
    telemetry.configure(level=settings.log_level, with_messages=not settings.is_production)
    app = Flask(__name__)
    # An almost correct URL is not found: programs do not follow a redirect with their body.
    app.url_map.merge_slashes = False
    app.config.update(settings.flask, SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings))
    app.extensions["settings"] = settings
    _provide_adapters(settings)
    app.extensions["price_feeds"] = build_price_feeds(settings)
    app.extensions["relying_party"] = RelyingParty.from_url(settings.passkey_url)
    app.extensions["backoff"] = Backoff(base=timedelta(seconds=settings.outbox_retry_seconds))
    database = _connect_database(app)
    _provide_providers(settings, database)
    _connect_edge(app, settings, database)
    database_commands.register(app, settings)
    for group in (
        audit_commands.audit,
        books.books,
        job_commands.jobs,
        keys.keys,
        people_commands.people,
        prices.prices,
        sample.sample,
        sanctions.sanctions,
    ):
        app.cli.add_command(group)
    app.cli.add_command(custody_commands.custody)
    app.cli.add_command(reconcile_command.reconcile)
    return app


def fill_in_embedded_servers(settings: Settings) -> Settings:
    """Return the settings with missing URLs and secrets of the running embedded servers.

    Production has none of them: there, settings without URLs do not load at all.
    """
    wanted = ("database_url", "database_owner_url", "redis_url")
    missing = [name for name in wanted if not getattr(settings, name)]
    if settings.is_production or (not missing and settings.secret_key):
        return settings
    defaults: dict[str, str] = {}
    if missing:
        urls = embedded.find_running_servers(settings.data_dir)
        if urls is None:
            reason = f"is not set, and no server runs in {settings.data_dir}: start bin/run"
            raise UnsafeSettings({name.upper(): reason for name in missing})
        defaults = {name: getattr(urls, name) for name in missing}
        defaults["sandbox_url"] = settings.sandbox_url or urls.sandbox_url
    if not settings.secret_key:
        defaults["secret_key"] = embedded.local_secret_key(settings.data_dir)
    return Settings.load(**(settings.model_dump() | defaults))


def engine_options(settings: Settings) -> dict[str, Any]:
    """Return how SQLAlchemy connects: few lasting connections, and time limits on statements."""
    return {
        "pool_size": settings.database_pool_size,
        "max_overflow": 0,
        "pool_timeout": 3,
        # A connection is returned outside any transaction: kit.db has ended it.
        "pool_reset_on_return": None,
        "connect_args": {
            "options": " ".join(f"-c {name}={value}" for name, value in _SESSION.items()),
            "application_name": "pbcex",
            "connect_timeout": 3,
            "keepalives_idle": 30,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
    }


def _provide_adapters(settings: Settings) -> None:
    """Provide what services and routes resolve: adapters, and configured limits."""
    provide(
        AccessTokens,
        AccessTokens(
            parse_signing_keys(settings.token_keys, settings.secret_key),
            lifetime_seconds=settings.access_token_seconds,
        ),
    )
    provide(AuditKeys, audit_keys(settings.audit_keys, settings.secret_key))
    provide(AnchorStore, AnchorFiles(settings.data_dir / "audit"))
    provide(
        PasswordHashing,
        PasswordHashing(
            memory_kib=settings.argon2_memory_kib,
            passes=settings.argon2_passes,
            lanes=settings.argon2_lanes,
        ),
    )
    provide(OneTimeKey, OneTimeKey(settings.secret_key))
    provide(EmailLinks, EmailLinks(settings.base_url))
    provide(KeyRing, FileKeyRing(settings.key_ring_path, create=not settings.is_production))
    provide(CurrentPermissions, DatabasePermissions())
    provide(
        KycRules,
        KycRules.from_daily_dollars(
            settings.kyc_daily_usd.split(","), validity=timedelta(days=settings.kyc_valid_days)
        ),
    )
    provide(
        PaymentLimits,
        PaymentLimits.from_dollars(
            card_max=settings.card_usd_max, approval_from=settings.withdrawal_approval_usd
        ),
    )
    pricing = build_pricing_rules(settings)
    provide(PricingRules, pricing)
    trading = TradingRules(fee_bps=settings.fee_bps, quote_seconds=settings.quote_seconds)
    provide(TradingTerms, TradingTerms(trading, pricing))
    provide(ExposureRules, ExposureRules.from_widths(settings.exposure_band_ounces))
    provide(ScreeningRules, ScreeningRules(threshold=settings.screening_threshold))
    provide(
        TransferLimits,
        TransferLimits(
            ounces_max=settings.transfer_ounces_max,
            ounces_per_day=settings.transfer_ounces_per_day,
            deviation_bps_max=settings.paxg_stray_bps_max,
        ),
    )


def _provide_providers(settings: Settings, database: Database) -> None:
    """Provide the adapters of providers, which record each call in the database."""
    calls, webhooks = (
        CallLog(database),
        WebhookVerifiers(messaging.build_webhook_verifiers(settings)),
    )
    provide(EmailSender, messaging.build_email_sender(settings, calls))
    provide(SmsSender, messaging.build_sms_sender(settings, calls))
    provide(IdentityProvider, plaid.build_identity_provider(settings, calls, webhooks))
    provide_rails(settings, database, webhooks)
    provide_custodians(settings, calls, webhooks)
    if resolve(Custodians):
        resolve(PayoutRails)[PaymentMethod.CRYPTO] = CustodyRail(database)
    provide(WebhookVerifiers, webhooks)


def _connect_database(app: Flask) -> Database:
    db = SQLAlchemy(app, metadata=models.metadata)
    Migrate(app, db, directory=str(PROJECT / "migrations"), compare_server_default=True)
    with app.app_context():
        database = Database(db.engine)
    app.extensions["database"] = database
    return database


def _connect_edge(app: Flask, settings: Settings, database: Database) -> None:
    wsgi: WSGIApplication = middleware.RequestMiddleware(app.wsgi_app, settings)
    if settings.proxies:
        wsgi = ProxyFix(wsgi, x_for=settings.proxies, x_proto=settings.proxies)
    app.wsgi_app = wsgi  # type: ignore[method-assign, assignment] # as Flask documents
    blueprints_errors.register(app)
    rate_limits.register(
        app, redis_url=settings.redis_url, database=database, quota_override=settings.rate_limit
    )
    api = openapi.register(app, version=VERSION, public_url=settings.public_url)
    for blueprint in API_BLUEPRINTS:
        api.register_blueprint(blueprint)
    app.register_blueprint(docs.blp)
    app.register_blueprint(webhooks.blp)
    rendering.register(app, settings)
    staff_session_cookie.register(
        app, secure=settings.is_production or settings.public_url.startswith("https://")
    )
    page_blueprint.register(app)
    for pages in PAGE_BLUEPRINTS:
        app.register_blueprint(pages)
    if not settings.is_production:
        app.register_blueprint(mail.blp)
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

    health.register(app, [lambda: check_database(database, heads), check_keys, check_redis])
