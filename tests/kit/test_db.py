"""Connections after refusals and after a break."""

import psycopg
import pytest
from sqlalchemy import create_engine

from app.kit.db import Database, DatabaseUnavailable


@pytest.fixture
def one_connection(database):
    """Return a database whose transactions all use the same connection."""
    engine = create_engine(database.engine.url, pool_size=1, max_overflow=0)
    yield Database(engine)
    engine.dispose()


@pytest.mark.parametrize("failing", [(n, n + 3) for n in range(8)])
def test_connection_works_after_an_error_at_any_statement(one_connection, failing):
    """A statement that failed or was never reached may be half prepared."""
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


@pytest.mark.parametrize("method", ["transaction", "reading"])
def test_broken_connection_is_reported_and_replaced(one_connection, method):
    begin = getattr(one_connection, method)
    with pytest.raises(DatabaseUnavailable), begin() as session:
        session.rows("SELECT 1", break_connection(one_connection, session))
    with begin() as session:
        assert session.rows("SELECT 2") == [(2,)]


def test_value_is_the_only_value_of_the_only_row(database):
    with database.reading() as session:
        assert session.value("SELECT count(*) FROM generate_series(1, %s)", (3,)) == 3
        assert session.optional_value("SELECT 1 WHERE %s", (True,)) == 1
        assert session.optional_value("SELECT 1 WHERE %s", (False,)) is None
        for statement in ("SELECT 1 WHERE false", "SELECT 1, 2", "SELECT generate_series(1, 2)"):
            with pytest.raises(ValueError, match="values to unpack"):
                session.value(statement)


def break_connection(database, session):
    """End the session's connection, as a restart of PostgreSQL would."""
    url = database.engine.url.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        pid = session.rows("SELECT pg_backend_pid()")[0]
        connection.execute("SELECT pg_terminate_backend(%s)", pid)
    return ()
