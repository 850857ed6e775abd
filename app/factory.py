"""Every wire is connected here and nowhere else."""

from datetime import timedelta

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

from app import models, tasks  # noqa: F401 - importing the tasks registers them
from app.cli.books import books
from app.cli.prices import prices
from app.cli.sample import sample
from app.config import Settings
from app.funding.rules import TransferLimits
from app.identity.passwords import Passwords
from app.identity.tokens import AccessTokens, signing_keys
from app.integrations.feeds import price_feeds, pricing_rules
from app.kit.db import Database, Session
from app.kit.ports import provide
from app.outbox.rules import Backoff
from app.pricing.rules import PricingRules
from app.trading.rules import TradingRules
from app.trading.service import Desk


def create_app(settings: Settings | None = None) -> Flask:
    """The application, ready to serve. Settings come from the environment unless given."""
    settings = settings or Settings()
    app = Flask(__name__)
    app.config.update(settings.flask)
    app.extensions["settings"] = settings
    _provide_rules(settings)
    db = SQLAlchemy(app, metadata=models.metadata, session_options={"class_": Session})
    Migrate(app, db, compare_server_default=True)
    with app.app_context():
        app.extensions["database"] = Database(db.engine)
    app.extensions["backoff"] = Backoff(base=timedelta(seconds=settings.outbox_retry_seconds))
    app.extensions["price_feeds"] = price_feeds(settings)
    app.cli.add_command(books)
    app.cli.add_command(prices)
    app.cli.add_command(sample)
    return app


def _provide_rules(settings: Settings) -> None:
    """What services are handed by the edge: the numbers that configuration chose."""
    provide(
        AccessTokens,
        AccessTokens(
            signing_keys(settings.token_keys, settings.secret_key),
            lifetime_seconds=settings.access_token_seconds,
        ),
    )
    provide(
        Passwords,
        Passwords(
            memory_kib=settings.argon2_memory_kib,
            passes=settings.argon2_passes,
            lanes=settings.argon2_lanes,
        ),
    )
    pricing = pricing_rules(settings)
    provide(PricingRules, pricing)
    provide(Desk, Desk(TradingRules(), pricing))
    provide(TransferLimits, TransferLimits())
