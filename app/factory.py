"""Every wire is connected here and nowhere else."""

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

from app import models
from app.config import Settings
from app.identity.passwords import Passwords
from app.identity.tokens import AccessTokens, signing_keys
from app.kit.db import Database, Session
from app.kit.ports import provide


def create_app(settings: Settings | None = None) -> Flask:
    """The application, ready to serve. Settings come from the environment unless given."""
    settings = settings or Settings()
    app = Flask(__name__)
    app.config.update(settings.flask)
    app.extensions["settings"] = settings
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
    db = SQLAlchemy(app, metadata=models.metadata, session_options={"class_": Session})
    Migrate(app, db, compare_server_default=True)
    with app.app_context():
        app.extensions["database"] = Database(db.engine)
    return app
