import psycopg
import pytest
from sqlalchemy import create_engine

from app.kit.db import Database, DatabaseUnavailable


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


@pytest.mark.parametrize("how", ["transaction", "reading"])
def test_a_cut_connection_is_named_and_replaced(one_connection, how):
    begin = getattr(one_connection, how)
    with pytest.raises(DatabaseUnavailable), begin() as session:
        session.rows("SELECT 1", cut(one_connection, session))
    with begin() as session:
        assert session.rows("SELECT 2") == [(2,)]


def cut(database, session):
    """End the session's connection, as a restart of PostgreSQL would."""
    url = database.engine.url.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        pid = session.rows("SELECT pg_backend_pid()")[0]
        connection.execute("SELECT pg_terminate_backend(%s)", pid)
    return ()
