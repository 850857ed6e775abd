"""Throw-away fixtures until the project's own conftest stands."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app.config import Settings
from app.factory import create_app
from app.kit.db import Database


@pytest.fixture(scope="session")
def app() -> Iterator[Flask]:
    app = create_app(Settings(rate_limit="off", argon2_memory_kib=64, argon2_passes=1))
    yield app
    app.extensions["database"].engine.dispose()


@pytest.fixture
def database(app: Flask) -> Database:
    return app.extensions["database"]
