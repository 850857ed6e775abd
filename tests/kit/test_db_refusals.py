import psycopg
import pytest
from sqlalchemy import create_engine

from app.kit.db import Database


@pytest.fixture
def one_connection(database):
    """A database whose transactions all use the same connection."""
    engine = create_engine(database.engine.url, pool_size=1, max_overflow=0)
    yield Database(engine)
    engine.dispose()


@pytest.mark.parametrize("failing", [(n, n + 3) for n in range(8)])
def test_a_connection_works_after_refusals_whenever_they_come(one_connection, failing):
    """psycopg prepares a statement at its sixth use, which may be one that is never reached."""
    for number in range(15):
        divisor = 0 if number in failing else 1
        try:
            with one_connection.transaction() as session:
                session.send("SELECT 1 / %s", (divisor,))
                session.send("SELECT 2")
        except psycopg.errors.DivisionByZero:
            assert divisor == 0
        else:
            assert divisor == 1
