"""A database in the state after the migrations, reset for one test after another.

Creating a database takes a third of a second of work, so the rows of the previous test are deleted
instead, bypassing every trigger. If a test changed more than rows, the database is recreated.
"""

import os
from collections.abc import Callable

import psycopg
from psycopg import errors, sql
from sqlalchemy.engine import make_url

_TABLES = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
ORDER BY relname
"""
# Every definition is a row of these catalogs, so a changed definition changes the digest.
_DEFINITIONS = """
SELECT md5(string_agg(written, ' ' ORDER BY written)) FROM (
    SELECT format('%s %s %s', tableoid, oid, xmin) FROM pg_constraint
    UNION ALL SELECT format('%s %s %s', tableoid, oid, xmin) FROM pg_trigger
    UNION ALL SELECT format('%s %s %s', tableoid, oid, xmin) FROM pg_rewrite WHERE oid >= 16384
    UNION ALL SELECT format('%s %s %s', tableoid, oid, xmin) FROM pg_attrdef
    UNION ALL SELECT format('%s %s %s', tableoid, oid, xmin) FROM pg_namespace
    UNION ALL SELECT format('%s %s %s', tableoid, oid, xmin) FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT format('%s %s %s', tableoid, indexrelid, xmin) FROM pg_index
    UNION ALL SELECT format('%s %s %s %s', tableoid, attrelid, attnum, xmin) FROM pg_attribute
        WHERE attrelid >= 16384
    UNION ALL SELECT format('%s %s %s %s %s %s', oid, relname, relowner, relacl, reloptions,
        relrowsecurity) FROM pg_class WHERE oid >= 16384
) AS definitions (written)
"""
_RESTART = "SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence"


class BlankDatabase:
    """The database `name`, which `make` recreates. Emptying it requires a superuser."""

    def __init__(self, name: str, make: Callable[[], None]) -> None:
        self._name = name
        self._recreate = make
        self._connection: psycopg.Connection | None = None
        self._definitions = ""
        #: The rows that the migrations insert into each table, in COPY format.
        self._rows: dict[str, bytes] = {}

    def reset(self) -> None:
        """Bring the database back to its state after the migrations."""
        if not self._try_to_empty():
            self.close()
            self._recreate()
            self._take_snapshot()

    def close(self) -> None:
        """Close the connection to the database."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _take_snapshot(self) -> None:
        url = os.environ["PBCEX_TEST_SUPERUSER_URL"]
        if not url:
            return
        address = make_url(url).set(drivername="postgresql", database=self._name)
        connection = self._connection = psycopg.connect(
            address.render_as_string(hide_password=False), autocommit=True
        )
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET lock_timeout = '2s'")
        self._definitions = self._definitions_digest(connection)
        self._rows = {}
        for (table,) in connection.execute(_TABLES).fetchall():
            statement = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))
            with connection.cursor().copy(statement) as copy:
                self._rows[table] = b"".join(copy)

    def _try_to_empty(self) -> bool:
        if (
            self._connection is None
            or self._definitions_digest(self._connection) != self._definitions
        ):
            return False
        try:
            self._empty(self._connection)
        except errors.LockNotAvailable:
            return False  # Another session still holds a lock.
        return True

    def _empty(self, connection: psycopg.Connection) -> None:
        with connection.transaction(), connection.cursor() as cursor:
            delete = sql.SQL("DELETE FROM {}")
            tables = [delete.format(sql.Identifier(table)) for table in self._rows]
            cursor.execute(sql.SQL("; ").join(tables))
            for table, rows in self._rows.items():
                if rows:
                    statement = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
                    with cursor.copy(statement) as copy:
                        copy.write(rows)
            cursor.execute(_RESTART)

    @staticmethod
    def _definitions_digest(connection: psycopg.Connection) -> str:
        row = connection.execute(_DEFINITIONS).fetchone()
        assert row is not None
        return str(row[0])
