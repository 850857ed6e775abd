"""Database access: one transaction per request or task, with several statements per round trip.

`Database.transaction()` is the only place that commits. It yields a `Session`: `send` and `rows`
for plain SQL, on one connection of SQLAlchemy's pool and in one transaction. Writes without a
result (`send`) are queued and leave in one network round trip with the next read, or with the
COMMIT; so rooms stay separate and an order takes two trips.

A constraint that the database enforces (a CHECK, a UNIQUE, a RAISE with a constraint name) raises
the refusal that its room registered with `register_refusal`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, TypeVar

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

from app.kit.errors import NotFound, Refusal, Unavailable
from app.kit.pipeline import Parameters, Pipeline, Row, Statement
from app.kit.statements import (
    AnyReturning,
    AnySelect,
    CompiledSelect,
    compile_select,
    compile_statement,
    insert_rows,
)

RowT = TypeVar("RowT")

#: `begin` for `Database.transaction`: every read sees the same instant, and nothing can be written.
SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(constraint_name)s",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


class Base(orm.DeclarativeBase):
    """The base of every table. A CHECK is named after the rule it states."""

    metadata = sa.MetaData(naming_convention=NAMING)


class XactId(UserDefinedType[int]):
    """PostgreSQL's xid8: a transaction id, never reused."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        return "XID8"


postgresql.base.ischema_names["xid8"] = XactId


class LockTimeout(Unavailable):
    """Another transaction held the lock for longer than we wait. Nothing was changed."""

    title = "This record is being changed by another request. Try again in a moment."


class DatabaseUnavailable(Unavailable):
    """The database could not be reached. Nothing was changed."""

    title = "The database cannot be reached. Nothing was changed. Try again in a moment."


class CommitOutcomeUnknown(Unavailable):
    """The connection broke during the commit: the change may or may not be stored."""

    title = (
        "The connection broke while the change was being stored. "
        "Send the same request with the same Idempotency-Key to learn whether it was stored."
    )


#: A statement whose rows `Session.select` reads.
Readable = AnySelect | AnyReturning | CompiledSelect

_SAVEPOINT: Statement = ("SAVEPOINT attempt", None)
_REFUSALS: dict[str, Callable[[str | None], Exception]] = {}


def register_refusal(constraint: str, refusal: Callable[[str | None], Exception]) -> None:
    """Raise `refusal(detail)` in place of database errors that name `constraint`."""
    _REFUSALS[constraint] = refusal


class Session:
    """One database transaction. Created by `Database`, passed to services, never stored."""

    def __init__(self, pipeline: Callable[[], Pipeline]) -> None:
        self._pipeline = pipeline
        self._queue: list[Statement] = []
        self._ahead: tuple[Sequence[Statement], list[list[Row]]] = (), []
        #: What stays the same throughout the transaction, once it was read.
        self.memo: Any = {}

    def send(self, statement: str, parameters: Parameters = None) -> None:
        """Queue a statement without a result. Its error is raised by the next read, `flush`, or the
        commit."""
        self._queue.append((statement, parameters))

    def rows(self, statement: str, parameters: Parameters = None) -> list[Row]:
        """Send the queue and this statement. Return its rows."""
        return self.fetch((statement, parameters))[0]

    def row(self, statement: str, parameters: Parameters = None) -> Row | None:
        """Send the queue and this statement. Return its first row, to be unpacked, or None."""
        return next(iter(self.rows(statement, parameters)), None)

    def value(self, statement: str, parameters: Parameters = None) -> Any:
        """Send the queue and this statement. Return the only value of its only row."""
        [(value,)] = self.rows(statement, parameters)
        return value

    def optional_value(self, statement: str, parameters: Parameters = None) -> Any | None:
        """Send the queue and this statement. Return the only value of its first row, or None."""
        row = self.row(statement, parameters)
        if row is None:
            return None
        (value,) = row
        return value

    def fetch(self, *statements: Statement, ahead: Sequence[Statement] = ()) -> list[list[Row]]:
        """Send the queue and these statements in one trip. Return the rows of each.

        The statements `ahead` go along. Their rows are kept for the next `fetch`: if it is of just
        these statements and nothing was queued in between, it needs no trip.
        """
        queued, self._queue = self._queue, []
        (read, kept), self._ahead = self._ahead, ((), [])
        if read and read == statements and not queued:
            return kept
        rows = self._pipeline().run([*queued, *statements, *ahead])[len(queued) :]
        if ahead:
            self._ahead = tuple(ahead), rows[len(statements) :]
        return rows[: len(statements)]

    def select(self, row: Callable[..., RowT], statement: Readable, /, **values: Any) -> list[RowT]:
        """Send the queue and a statement built from the models, a SELECT or a write with RETURNING,
        with the values of its `sa.bindparam`s.

        Return what `row` makes of each row; its parameters are the names of the columns.
        """
        compiled = statement if isinstance(statement, CompiledSelect) else compile_select(statement)
        [rows] = self.fetch(compiled.with_values(values))
        return [row(**compiled.read(columns)) for columns in rows]

    def select_together(
        self, *reads: tuple[Callable[..., Any], CompiledSelect], **values: Any
    ) -> list[list[Any]]:
        """Send the queue and these statements in one trip, each with those of the values that it
        has as parameters. Return what the function beside each makes of its rows."""
        statements = [
            compiled.with_values({name: values[name] for name in compiled.parameters})
            for _, compiled in reads
        ]
        return [
            [row(**compiled.read(columns)) for columns in rows]
            for (row, compiled), rows in zip(reads, self.fetch(*statements), strict=True)
        ]

    def find(self, row: Callable[..., RowT], statement: Readable, /, **values: Any) -> RowT | None:
        """Return the first row of `select`, or None."""
        return next(iter(self.select(row, statement, **values)), None)

    def get(self, row: Callable[..., RowT], statement: Readable, /, **values: Any) -> RowT:
        """Return the first row of `select`. Raises `NotFound` without one."""
        found = self.find(row, statement, **values)
        if found is None:
            raise NotFound
        return found

    def write(self, statement: sa.Insert | sa.Update | sa.Delete) -> None:
        """Queue a statement built from the models. Its errors come as those of `send`."""
        self._queue.append(compile_statement(statement))

    def insert(self, *tables: tuple[type[Base], Sequence[Mapping[str, Any]]]) -> None:
        """Queue one statement that adds rows to tables, all rows of a table with the same columns;
        what refers to each other is checked at its end. It takes a fraction of the time of `write`,
        and no expressions of SQL."""
        self._queue.append(insert_rows(*tables))

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo the block's changes when it raises, and keep the transaction usable: for a form that
        is shown again. A refusal that keeps records undoes nothing. Raises what the block raised,
        or the refusal registered for the violated constraint."""
        self.flush()
        self._queue.append(_SAVEPOINT)
        kept: list[Refusal] = []
        try:
            with _catching_kept(kept):
                yield
            self.send("RELEASE SAVEPOINT attempt")
            self.flush()
        except Exception as error:  # noqa: BLE001 - always raised again, as a refusal
            unsent, self._queue = self._queue, []
            if _SAVEPOINT not in unsent:
                self.send("ROLLBACK TO SAVEPOINT attempt")
                # A savepoint around this one has the same name.
                self.send("RELEASE SAVEPOINT attempt")
            raise_refusal(error, committing=False)
        for refusal in kept:
            raise refusal

    @contextmanager
    def refusing(self, general: type[Refusal], particular: type[Refusal]) -> Iterator[None]:
        """Raise the refusal `particular` where the block's statements violate what is refused as
        `general` elsewhere. The transaction is lost, as with any refusal of the database."""
        self.flush()
        try:
            yield
            self.flush()
        except Exception as error:  # noqa: BLE001 - always raised again, as a refusal
            try:
                raise_refusal(error, committing=False)
            except general as refusal:
                raise particular from refusal

    def flush(self) -> None:
        """Send the queue now and raise its errors."""
        if self._queue:
            self.fetch()


class Database:
    """The engine's connections, and the only commits in the application."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        sa.event.listen(engine, "connect", _disable_driver_transactions)

    @contextmanager
    def transaction(self, begin: str = "BEGIN") -> Iterator[Session]:
        """Run the block in one transaction: commit when it ends, roll back when it raises.

        A refusal that keeps records (`Refusal.keeping_records`) commits them and is then raised.
        Raises the refusal registered for the violated constraint; `DatabaseUnavailable` if the
        connection broke before the commit was sent, `CommitOutcomeUnknown` if it broke after.
        """
        lease = _ConnectionLease(self.engine)
        session = Session(lease.pipeline)
        session.send(begin)
        committing = False
        kept: list[Refusal] = []
        try:
            with _catching_kept(kept):
                yield session
            committing = True
            session.send("COMMIT")
            session.flush()
        except BaseException as error:  # noqa: BLE001 - any exception rolls back
            lease.roll_back()
            raise_refusal(error, committing=committing)
        finally:
            lease.end()
        for refusal in kept:
            raise refusal

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session for reads: each `fetch` is its own snapshot and its own round trip."""
        lease = _ConnectionLease(self.engine)
        try:
            yield Session(lease.pipeline)
        except Exception as error:  # noqa: BLE001 - always raised again, as a refusal
            raise_refusal(error, committing=False)
        finally:
            lease.end()


@contextmanager
def _catching_kept(kept: list[Refusal]) -> Iterator[None]:
    """Catch a refusal that keeps records, for the caller to raise once they are kept."""
    try:
        yield
    except Refusal as refusal:
        if not refusal.keeps_records:
            raise
        kept.append(refusal)


class _ConnectionLease:
    """A connection of the pool, taken when the first statement is sent."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._connection: sa.PoolProxiedConnection | None = None

    def pipeline(self) -> Pipeline:
        """Return the connection's pipeline, which lives as long as the connection."""
        if self._connection is None:
            self._connection = self._engine.raw_connection()
        pipeline: Pipeline | None = self._connection.info.get("pipeline")
        if pipeline is None:
            driver = self._connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            pipeline = self._connection.info["pipeline"] = Pipeline(driver)
        return pipeline

    def roll_back(self) -> None:
        """Roll back if the connection is alive; otherwise the server does it itself."""
        if self._connection is not None and not self.pipeline().closed:
            with suppress(psycopg.OperationalError):
                self.pipeline().run([("ROLLBACK", None)])

    def end(self) -> None:
        """Return the connection to the pool."""
        if self._connection is None:
            return
        if self.pipeline().closed:
            # The server went away: the other pooled connections are closed as well.
            self._connection.invalidate()
            self._engine.dispose()
        self._connection.close()


def _disable_driver_transactions(connection: "psycopg.Connection[Row]", _record: object) -> None:
    # BEGIN and COMMIT travel in our own pipelines, so the driver must not add its own.
    connection.autocommit = True


def raise_refusal(error: BaseException, *, committing: bool) -> NoReturn:
    """Raise the refusal in place of a database error, and any other error unchanged."""
    original = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if isinstance(error, sa.exc.TimeoutError):
        raise DatabaseUnavailable(
            "All connections to the database are in use. Try again in a moment."
        ) from error
    if not isinstance(original, psycopg.Error):
        raise error
    if original.diag.constraint_name in _REFUSALS:
        raise _REFUSALS[original.diag.constraint_name](original.diag.message_detail) from error
    if isinstance(original, pg.LockNotAvailable | pg.DeadlockDetected | pg.SerializationFailure):
        raise LockTimeout from error
    if isinstance(original, psycopg.OperationalError):
        raise (CommitOutcomeUnknown if committing else DatabaseUnavailable) from error
    raise error
