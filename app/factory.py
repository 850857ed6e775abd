"""Every wire is connected here and nowhere else."""

from datetime import timedelta

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

from app import models, tasks  # noqa: F401 - importing the tasks registers them
from app import models
from app.cli.prices import prices
from app.config import Settings
from app.integrations.feeds import price_feeds, pricing_rules
from app.kit import ports
from app.kit.db import Database, Session
from app.outbox.rules import Backoff
from app.pricing.rules import PricingRules


def create_app(settings: Settings | None = None) -> Flask:
    """The application, ready to serve. Settings come from the environment unless given."""
    settings = settings or Settings()
    app = Flask(__name__)
    app.config.update(settings.flask)
    app.extensions["settings"] = settings
    db = SQLAlchemy(app, metadata=models.metadata, session_options={"class_": Session})
    Migrate(app, db, compare_server_default=True)
    with app.app_context():
        app.extensions["database"] = Database(db.engine)
    app.extensions["backoff"] = Backoff(base=timedelta(seconds=settings.outbox_retry_seconds))
    ports.provide(PricingRules, pricing_rules(settings))
    app.extensions["price_feeds"] = price_feeds(settings)
    app.cli.add_command(prices)
    return app
