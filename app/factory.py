"""Every wire is connected here and nowhere else."""

from datetime import timedelta

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

from app import models, tasks  # noqa: F401 - importing the tasks registers them
from app.config import Settings
from app.kit.db import Database, Session
from app.outbox.rules import Backoff


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
    return app
