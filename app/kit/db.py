"""The database seam: one transaction per request or task; plain statements travel together.

`Database.transaction()` is the only place that commits. It hands out a `Session`: `send` and `rows`
for plain SQL, on one connection of SQLAlchemy's pool and in one transaction. Writes that nobody
waits for (`send`) are queued and leave in one network round trip with the next read, or with the
COMMIT; so rooms stay separate and the order path still takes three trips.

A refusal by the database (a CHECK, a UNIQUE, a RAISE with a constraint name) becomes the named
refusal that its room registered with `refuses`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

from app.kit.errors import Unavailable
from app.kit.pipeline import Parameters, Pipeline, Row, Statement

#: For `Database.transaction`: every read sees the same instant, and nothing can be written.
SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(constraint_name)s",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


class Base(orm.DeclarativeBase):
    """Every table's base. A CHECK is named for the rule it states."""

    metadata = sa.MetaData(naming_convention=NAMING)


class XactId(UserDefinedType[int]):
    """PostgreSQL's xid8: a transaction's number, never reused."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        return "XID8"


postgresql.base.ischema_names["xid8"] = XactId


class LockTimeout(Unavailable):
    """Someone else held the row for longer than we wait. Nothing was changed."""

    title = "Busy: someone else is changing the same thing. Try again"


class DatabaseUnavailable(Unavailable):
    """The database could not be reached, and nothing was changed."""

    title = "The database cannot be reached. Nothing was changed"


class CommitOutcomeUnknown(Unavailable):
    """The connection broke while committing: it may have happened or not."""

    title = (
        "The connection broke while the change was being stored. "
        "Send the same request with the same Idempotency-Key to learn what happened"
    )


_REFUSALS: dict[str, Callable[[str | None], Exception]] = {}


def register_refusal(constraint: str, refusal: Callable[[str | None], Exception]) -> None:
    """When the database names `constraint` in an error, raise `refusal(detail)` instead."""
    _REFUSALS[constraint] = refusal


class Session:
    """One database transaction. Made by `Database`, passed to services, never stored."""

    def __init__(self, pipeline: Callable[[], Pipeline]) -> None:
        self._pipeline = pipeline
        self._queue: list[Statement] = []

    def send(self, statement: str, parameters: Parameters = None) -> None:
        """Queue a statement whose result nobody needs. An error surfaces with the next read,
        `flush`, or the commit."""
        self._queue.append((statement, parameters))

    def rows(self, statement: str, parameters: Parameters = None) -> list[Row]:
        """The rows of one statement, after everything queued before it."""
        return self.fetch((statement, parameters))[0]

    def row(self, statement: str, parameters: Parameters = None) -> Row | None:
        """The first row of one statement, or None."""
        rows = self.rows(statement, parameters)
        return rows[0] if rows else None

    def fetch(self, *statements: Statement) -> list[list[Row]]:
        """The rows of several statements, sent together with everything queued before them."""
        queued, self._queue = self._queue, []
        return self._pipeline().run([*queued, *statements])[len(queued) :]

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What the block does, or, when it raises, nothing of it: the transaction goes on as if the
        block had never begun. For a form that is shown again. Raises what the block raised, or the
        refusal that its room registered for the constraint that was hit."""
        self.send("SAVEPOINT attempt")
        self.flush()
        try:
            yield
            self.send("RELEASE SAVEPOINT attempt")
            self.flush()
        except Exception as error:  # noqa: BLE001 - always raised again, under its own name
            self._queue.clear()
            self.send("ROLLBACK TO SAVEPOINT attempt")
            raise_refusal(error, committing=False)

    def flush(self) -> None:
        """Send what is queued now, and raise what it raises."""
        if self._queue:
            self.fetch()


class Database:
    """The engine's connections, and the only commits in the program."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        sa.event.listen(engine, "connect", _disable_driver_transactions)

    @contextmanager
    def transaction(self, begin: str = "BEGIN") -> Iterator[Session]:
        """One transaction: committed when the block ends, rolled back when it raises.

        Raises the refusal that a room registered for the constraint that was hit;
        `DatabaseUnavailable` if the connection broke before the commit was sent;
        `CommitOutcomeUnknown` if it broke after.
        """
        lease = _ConnectionLease(self.engine)
        session = Session(lease.pipeline)
        session.send(begin)
        committing = False
        try:
            yield session
            committing = True
            session.send("COMMIT")
            session.flush()
        except BaseException as error:  # noqa: BLE001 - whatever ends the block, roll back
            lease.roll_back()
            raise_refusal(error, committing=committing)
        finally:
            lease.end()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for reads: each `fetch` is its own snapshot and its own round trip."""
        lease = _ConnectionLease(self.engine)
        try:
            yield Session(lease.pipeline)
        except Exception as error:  # noqa: BLE001 - always raised again, under its own name
            raise_refusal(error, committing=False)
        finally:
            lease.end()


class _ConnectionLease:
    """A connection of the pool, taken when the first statement leaves."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._taken: sa.PoolProxiedConnection | None = None

    def pipeline(self) -> Pipeline:
        """The connection's pipeline, which lives as long as the connection."""
        if self._taken is None:
            self._taken = self._engine.raw_connection()
        pipeline: Pipeline | None = self._taken.info.get("pipeline")
        if pipeline is None:
            driver = self._taken.driver_connection
            assert isinstance(driver, psycopg.Connection)
            pipeline = self._taken.info["pipeline"] = Pipeline(driver)
        return pipeline

    def roll_back(self) -> None:
        """End the transaction if its connection still lives; the server ends the others itself."""
        if self._taken is not None and not self.pipeline().closed:
            with suppress(psycopg.OperationalError):
                self.pipeline().run([("ROLLBACK", None)])

    def end(self) -> None:
        """Give the connection back."""
        if self._taken is None:
            return
        if self.pipeline().closed:
            # The server went away: the other pooled connections are as dead as this one.
            self._taken.invalidate()
            self._engine.dispose()
        self._taken.close()


def _disable_driver_transactions(connection: "psycopg.Connection[Row]", _record: object) -> None:
    # BEGIN and COMMIT travel in our own pipelines, so the driver must not add its own.
    connection.autocommit = True


def raise_refusal(error: BaseException, *, committing: bool) -> NoReturn:
    """Raise what the program should see in place of a database error; others as they are."""
    original = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if isinstance(error, sa.exc.TimeoutError):
        raise DatabaseUnavailable("All connections to the database are taken; try again") from error
    if not isinstance(original, psycopg.Error):
        raise error
    if original.diag.constraint_name in _REFUSALS:
        raise _REFUSALS[original.diag.constraint_name](original.diag.message_detail) from error
    if isinstance(original, pg.LockNotAvailable | pg.DeadlockDetected | pg.SerializationFailure):
        raise LockTimeout from error
    if isinstance(original, psycopg.OperationalError):
        raise (CommitOutcomeUnknown if committing else DatabaseUnavailable) from error
    raise error
