"""Direct connections as each of the three database roles."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy.engine import make_url

from app.kit.db import Database
from tests.superuser import require_superuser


def connect(url: str, database: Database) -> psycopg.Connection:
    """Return a plain connection to the test's database as the role in the URL."""
    address = make_url(url).set(drivername="postgresql", database=database.engine.url.database)
    return psycopg.connect(address.render_as_string(hide_password=False), autocommit=True)


@pytest.fixture
def application(database: Database) -> Iterator[psycopg.Connection]:
    """Yield a connection as the application's role."""
    with connect(os.environ["DATABASE_URL"], database) as connection:
        yield connection


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection]:
    """Yield a connection as the role that migrates."""
    with connect(os.environ["DATABASE_OWNER_URL"], database) as connection:
        yield connection


@pytest.fixture
def superuser(database: Database) -> Iterator[psycopg.Connection]:
    """Yield a connection as the server's administrator, on embedded servers only."""
    url = require_superuser()
    with connect(url, database) as connection:
        yield connection
