"""What is attached to the Flask application itself: the database, and checks of every request."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from werkzeug.middleware.proxy_fix import ProxyFix

from app import models
from app.blueprints import errors, middleware, nul_characters, rate_limits
from app.blueprints.forwarded_address import ForwardedAddress
from app.config import PROJECT, Settings
from app.identity.credentials.passkeys import RelyingParty
from app.kit.db import Database
from app.outbox.rules import Backoff

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# Limits of statements: a customer waits behind each of them.
_SESSION = {
    "lock_timeout": "2s",
    "statement_timeout": "10s",
    "idle_in_transaction_session_timeout": "15s",
    "timezone": "UTC",
}


def attach(app: Flask, settings: Settings) -> Database:
    """Configure the application and attach what its parts find there. Return the database."""
    # An almost correct URL is not found: programs do not follow a redirect with their body.
    app.url_map.merge_slashes = False
    app.config.update(settings.flask, SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings))
    app.extensions["settings"] = settings
    app.extensions["relying_party"] = RelyingParty.from_url(settings.base_url)
    app.extensions["backoff"] = Backoff(base=timedelta(seconds=settings.outbox_retry_seconds))
    return _connect_database(app)


def check_requests(app: Flask, settings: Settings, database: Database) -> None:
    """Check, limit and log every request, and turn refusals into responses."""
    wsgi: WSGIApplication = middleware.RequestMiddleware(app.wsgi_app, settings)
    if settings.proxies:
        wsgi = ForwardedAddress(
            ProxyFix(wsgi, x_for=0, x_proto=settings.proxies), proxies=settings.proxies
        )
    app.wsgi_app = wsgi  # type: ignore[method-assign, assignment] # as Flask documents
    errors.register(app)
    rate_limits.register(
        app, redis_url=settings.redis_url, database=database, quota_override=settings.rate_limit
    )
    nul_characters.register(app)


def _connect_database(app: Flask) -> Database:
    db = SQLAlchemy(app, metadata=models.metadata)
    Migrate(app, db, directory=str(PROJECT / "migrations"), compare_server_default=True)
    with app.app_context():
        database = Database(db.engine)
    app.extensions["database"] = database
    return database


def _engine_options(settings: Settings) -> dict[str, Any]:
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
