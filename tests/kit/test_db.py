"""Connections after refusals and after a break."""

from dataclasses import dataclass

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import create_engine

from app.kit.db import Database, DatabaseUnavailable
from app.kit.errors import Conflict, NotFound
from app.kit.health import Condition
from app.kit.statements import StoredEnum, compile_select
from tests.recorded_trips import record_trips


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


@pytest.mark.parametrize(
    ("between", "trips_made"),
    [
        (lambda _session: None, 0),
        (lambda session: session.send("SELECT 1"), 1),
        (lambda session: session.flush(), 0),
        (lambda session: session.rows("SELECT 1"), 2),
    ],
    ids=["nothing", "queued", "nothing-to-flush", "read"],
)
def test_rows_read_ahead_save_a_trip_unless_something_came_between(
    database, monkeypatch, between, trips_made
):
    statements = [("SELECT %s || 'b'", ("a",)), ("SELECT %s + 1", (1,))]
    with database.transaction() as session:
        assert session.fetch(("SELECT 0", None), ahead=statements) == [[(0,)]]
        trips = record_trips(monkeypatch)
        between(session)
        assert session.fetch(*statements) == [[("ab",)], [(2,)]]
        assert len(trips) == trips_made
        assert session.fetch(*statements) == [[("ab",)], [(2,)]]
        assert len(trips) == trips_made + 1, "rows are kept for one reading"


def test_compiled_statement_is_sent_with_values_of_its_parameters(database):
    member = sa.type_coerce(sa.bindparam("code"), StoredEnum(Condition)).label("condition")
    statement = compile_select(
        sa.select(member, sa.literal(1).label("count")).where(sa.bindparam("is_found"))
    )
    with database.reading() as session:
        found = session.get(Found, statement, code="ok", is_found=True)
        assert found == Found(condition=Condition.OK, count=1)
        assert session.find(Found, statement, code="ok", is_found=False) is None
        with pytest.raises(NotFound):
            session.get(Found, statement, code="ok", is_found=False)
        for values in ({"code": "ok"}, {"code": "ok", "is_found": True, "other": 1}):
            with pytest.raises(TypeError, match=r"code.*is_found"):
                session.select(Found, statement, **values)


@dataclass(frozen=True)
class Found:
    condition: Condition
    count: int


def break_connection(database, session):
    """End the session's connection, as a restart of PostgreSQL would."""
    url = database.engine.url.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        pid = session.rows("SELECT pg_backend_pid()")[0]
        connection.execute("SELECT pg_terminate_backend(%s)", pid)
    return ()


def write(session, text):
    """Set a setting of the connection, which a rollback undoes like any change."""
    session.send("SELECT set_config('pbcex.written', %s, false)", (text,))


def write_and_refuse(session, refusal, *statements):
    write(session, "evidence")
    for statement in statements:
        session.send(statement)
    raise refusal


def written(database):
    """Return the setting."""
    with database.reading() as session:
        return session.rows("SELECT current_setting('pbcex.written', true)")[0]


class TestRefusals:
    @pytest.mark.parametrize(
        ("refusal", "remains"),
        [(Conflict("no"), ""), (Conflict("no").keeping_records(), "evidence")],
        ids=["plain", "keeping_records"],
    )
    def test_refusal_commits_what_was_written_only_if_it_keeps_records(
        self, one_connection, refusal, remains
    ):
        with one_connection.transaction() as session:
            write(session, "")
        with pytest.raises(Conflict) as raised, one_connection.transaction() as session:
            write_and_refuse(session, refusal)
        assert raised.value is refusal
        assert written(one_connection) == (remains,)

    @pytest.mark.parametrize(
        ("refusal", "remains"),
        [(Conflict("no"), "before"), (Conflict("no").keeping_records(), "evidence")],
        ids=["plain", "keeping_records"],
    )
    def test_savepoint_keeps_the_records_of_a_refusal_that_the_page_shows(
        self, one_connection, refusal, remains
    ):
        with one_connection.transaction() as session:
            write(session, "before")
            with pytest.raises(Conflict), session.savepoint():
                write_and_refuse(session, refusal)
        assert written(one_connection) == (remains,)

    def test_error_of_a_kept_record_is_raised_instead_of_the_refusal(self, one_connection):
        with one_connection.transaction() as session:
            write(session, "")
        with (
            pytest.raises(psycopg.errors.DivisionByZero),
            one_connection.transaction() as session,
        ):
            write_and_refuse(session, Conflict("no").keeping_records(), "SELECT 1 / 0")
        assert written(one_connection) == ("",)
