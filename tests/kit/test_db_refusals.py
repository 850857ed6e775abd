from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

from app.kit import clock, ids
from app.kit.db import Database, DatabaseDown
from app.messages.models import Message


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


def test_a_refusal_of_the_orm_is_seen_and_gives_the_connection_back(one_connection):
    user_id = uuid4()
    for number in range(3):
        try:
            with one_connection.transaction() as session:
                session.rows("SELECT 1")
                session.add(message(user_id))
        except IntegrityError:
            assert number > 0
    assert one_connection.engine.pool.checkedout() == 0


def test_the_first_statement_of_the_orm_is_inside_the_transaction(one_connection):
    user_id = uuid4()
    with pytest.raises(AttributeError), one_connection.transaction() as session:
        session.execute(Message.__table__.insert().values(**values(user_id))).no_such_thing()
    with one_connection.reading() as session:
        assert session.rows("SELECT FROM messages WHERE user_id = %s", (user_id,)) == []


@pytest.mark.parametrize("how", ["transaction", "reading"])
def test_a_cut_connection_is_named_and_replaced(one_connection, how):
    begin = getattr(one_connection, how)
    with pytest.raises(DatabaseDown), begin() as session:
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


def values(user_id):
    return {
        "id": ids.new(),
        "user_id": user_id,
        "event_key": "the same",
        "kind": "test",
        "version": 1,
        "subject": "",
        "body": "",
        "created_at": clock.now(),
    }


def message(user_id):
    return Message(**values(user_id))
