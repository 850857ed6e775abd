"""Throw-away: the lead's conftest replaces this file."""

import os

import pytest

from app.factory import create_app


@pytest.fixture(scope="session")
def app():
    assert os.environ["PBCEX_ENV"] == "test"
    app = create_app()
    yield app
    app.extensions["database"].engine.dispose()


@pytest.fixture(scope="session")
def database(app):
    return app.extensions["database"]
