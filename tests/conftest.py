"""Throw-away: the lead's conftest replaces this."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask_migrate import upgrade

from app.config import Settings
from app.factory import create_app
from app.kit.db import Database


@pytest.fixture(scope="session")
def app() -> Flask:
    app = create_app(Settings())
    with app.app_context():
        upgrade("migrations")
    return app


@pytest.fixture(scope="session")
def database(app: Flask) -> Iterator[Database]:
    database = app.extensions["database"]
    yield database
    database.engine.dispose()
