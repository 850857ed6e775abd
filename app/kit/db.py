"""The database seam: one transaction per request or task; plain statements travel together.

`Database.transaction()` is the only place that commits. It hands out a `Session`: SQLAlchemy's ORM
session, plus `send` and `rows` for plain SQL on the same connection and in the same transaction.
Writes that nobody waits for (`send`) are queued and leave in one network round trip with the next
read, or with the COMMIT; so rooms stay separate and the order path still takes two or three trips.

A refusal by the database (a CHECK, a UNIQUE, a RAISE with a constraint name) becomes the named
refusal that its room registered with `refuses`.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg
from sqlalchemy import orm

from app.kit.errors import Unavailable

Parameters = Sequence[Any] | Mapping[str, Any] | None
Row = tuple[Any, ...]

# When a pipeline fails, psycopg also warns of the statements behind the one that raised.
logging.getLogger("psycopg").setLevel(logging.ERROR)

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


class LockTimeout(Unavailable):
    """Someone else held the row for longer than we wait. Nothing was changed."""

    title = "Busy: someone else is changing the same thing. Try again"


class DatabaseDown(Unavailable):
    """The database could not be reached, and nothing was changed."""

    title = "The database cannot be reached. Nothing was changed"


class OutcomeUnknown(Unavailable):
    """The connection broke while committing: it may have happened or not."""

    title = (
        "The connection broke while the change was being stored. "
        "Send the same request with the same Idempotency-Key to learn what happened"
    )


_REFUSALS: dict[str, Callable[[str | None], Exception]] = {}


def refuses(constraint: str, refusal: Callable[[str | None], Exception]) -> None:
    """When the database names `constraint` in an error, raise `refusal(detail)` instead."""
    _REFUSALS[constraint] = refusal


class Session(orm.Session):
    """One database transaction. Made by `Database`, passed to services, never stored."""

    _queue: list[tuple[str, Parameters]]
    _connection: sa.Connection | None = None
    _raw: "psycopg.Connection[Row] | None" = None

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

    def fetch(self, *statements: tuple[str, Parameters]) -> list[list[Row]]:
        """The rows of several statements, sent together with everything queued before them."""
        self.flush_pending()
        return self._exchange(statements)

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Send what is queued, then what the ORM has pending."""
        self.send_queued()
        super().flush(objects)

    def flush_pending(self) -> None:
        """Send what the ORM has pending, if anything; plain statements stay queued otherwise."""
        if self.new or self.deleted or self.dirty:
            super().flush()

    def send_queued(self) -> None:
        """Send the queued statements now and raise what they raise."""
        if self._queue:
            self._exchange(())

    def _exchange(self, statements: Sequence[tuple[str, Parameters]]) -> list[list[Row]]:
        """One round trip: the queue, then `statements`; answers the rows of the latter."""
        queued, self._queue = self._queue, []
        raw = self._raw or self._connect()
        if len(queued) + len(statements) == 1:
            statement, parameters = (queued or statements)[0]
            cursor = raw.execute(statement, parameters)
            return [cursor.fetchall()] if statements else []
        cursors = []
        with raw.pipeline():
            for statement, parameters in queued:
                raw.execute(statement, parameters)
            for statement, parameters in statements:
                cursors.append(raw.execute(statement, parameters))
        return [cursor.fetchall() if cursor.description else [] for cursor in cursors]

    def get_bind(self, *_mapper: Any, **_options: Any) -> sa.Connection:
        """The one connection of this transaction, for the ORM's statements too."""
        if self._connection is None:
            self._connect()
        assert self._connection is not None
        return self._connection

    def _connect(self) -> "psycopg.Connection[Row]":
        assert isinstance(self.bind, sa.Engine)
        self._connection = self.bind.connect()
        self._connection.info["session"] = self
        raw = self._connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        self._raw = raw
        return raw


class Database:
    """The engine, and the only commits in the program."""

    def __init__(self, engine: sa.Engine) -> None:
        # BEGIN and COMMIT travel in our own pipelines, so the driver must not add its own.
        self.engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        sa.event.listen(self.engine, "before_cursor_execute", _send_queued_first)

    @contextmanager
    def transaction(self, begin: str = "BEGIN") -> Iterator[Session]:
        """One transaction: committed when the block ends, rolled back when it raises.

        Raises the refusal that a room registered for the constraint that was hit; `DatabaseDown`
        if the connection broke before the commit was sent; `OutcomeUnknown` if it broke after.
        """
        session = self._open()
        session.send(begin)
        committing = False
        try:
            yield session
            session.flush_pending()
            committing = True
            session.send("COMMIT")
            session.send_queued()
        except BaseException as error:  # noqa: BLE001 - whatever ends the block, roll back
            self._roll_back(session)
            raise_refusal(error, committing=committing)
        finally:
            self._close(session)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for reads: each `fetch` is its own snapshot and its own round trip."""
        session = self._open()
        try:
            yield session
        except Exception as error:  # noqa: BLE001 - always raised again, under its own name
            raise_refusal(error, committing=False)
        finally:
            self._close(session)

    def _open(self) -> Session:
        session = Session(self.engine, expire_on_commit=False)
        session._queue = []  # noqa: SLF001 - the two classes are one mechanism
        return session

    def _roll_back(self, session: Session) -> None:
        raw = session._raw  # noqa: SLF001
        session._queue.clear()  # noqa: SLF001
        if raw is None:
            return
        try:
            if not raw.broken:
                raw.execute("ROLLBACK")
                # A statement that was due to be prepared and never ran, because one before it in
                # the pipeline failed, counts as prepared; nothing else makes psycopg forget it.
                raw._prepared.clear()  # noqa: SLF001
        except psycopg.Error:
            raw.close()

    def _close(self, session: Session) -> None:
        session.close()
        connection, raw = session._connection, session._raw  # noqa: SLF001
        if connection is None:
            return
        if raw is None or raw.closed:
            # The server went away: the other pooled connections are as dead as this one.
            connection.invalidate()
            self.engine.dispose()
        else:
            connection.info.pop("session", None)
        connection.close()


def _send_queued_first(connection: sa.Connection, *_event: object) -> None:
    """Statements of the ORM come after the plain ones that were queued before them."""
    session = connection.info.get("session")
    if session is not None:
        session.send_queued()


def raise_refusal(error: BaseException, *, committing: bool) -> NoReturn:
    """Raise what the program should see in place of a database error; others as they are."""
    original = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if not isinstance(original, psycopg.Error):
        raise error
    if original.diag.constraint_name in _REFUSALS:
        raise _REFUSALS[original.diag.constraint_name](original.diag.message_detail) from error
    if isinstance(original, pg.LockNotAvailable | pg.DeadlockDetected | pg.SerializationFailure):
        raise LockTimeout from error
    if isinstance(original, psycopg.OperationalError):
        raise (OutcomeUnknown if committing else DatabaseDown) from error
    raise error
