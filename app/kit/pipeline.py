"""Plain statements on one connection, several per network round trip.

psycopg's own pipeline and cursors cost several times what PostgreSQL needs for the short statements
of an order. This is the narrow part that we use: text results, prepared statements, one
synchronisation at the end. psycopg still adapts values, waits and maps errors.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Never

import psycopg
from psycopg import errors, generators
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

Parameters = Sequence[Any] | Mapping[str, Any] | None
Statement = tuple[str, Parameters]
if TYPE_CHECKING:

    class Row(tuple[Any, ...]):
        """The values of a row, to be unpacked: a value is named, never read by its position."""

        # No index is allowed, which a tuple does not promise.
        def __getitem__(self, _index: Never) -> Any: ...  # type: ignore[override] # narrower on purpose

else:
    Row = tuple

# The application has a fixed set of statements; a connection sends any beyond this unprepared.
_PREPARED_MAX = 300
#: A percent sign, or a parameter, by its place or its name.
PLACEHOLDER = re.compile(r"%(?:(%)|s|\((\w+)\)s)")


_FAILED = frozenset({ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED})
#: A statement and the types of its parameters.
_Key = tuple[bytes, tuple[int, ...] | None]


@lru_cache(maxsize=1000)
def _number_parameters(text: str) -> tuple[bytes, list[str]]:
    """Return a statement with numbered parameters ($1), and their names in that order."""
    names: list[str] = []
    count = 0

    def number(match: re.Match[str]) -> str:
        nonlocal count
        if match[1]:
            return "%"
        if match[2] is None:
            count += 1
            return f"${count}"
        if match[2] not in names:
            names.append(match[2])
        return f"${names.index(match[2]) + 1}"

    numbered = PLACEHOLDER.sub(number, text)
    return numbered.encode(), names


class Pipeline:
    """Sends statements on one connection. Created once for it, used by one thread at a time."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection
        self._transformer = Transformer(connection)
        self._prepared: set[_Key] = set()

    @property
    def closed(self) -> bool:
        """Whether the connection is closed."""
        return bool(self._connection.closed)

    def run(self, statements: Sequence[Statement]) -> list[list[Row]]:
        """Send all statements in one trip. Return the rows of each.

        Raises psycopg's error for the first that failed; those after it were not executed. On any
        other error, an interruption included, the connection is closed: a result still on its way
        could otherwise be read as the result of a later statement.
        """
        pgconn = self._connection.pgconn
        # For each command: None if rows are expected, or the key of the statement being prepared.
        expected: list[_Key | None] = []
        try:
            pgconn.enter_pipeline_mode()
            for text, parameters in statements:
                self._send(pgconn, text, parameters, expected)
            pgconn.pipeline_sync()
            results = self._connection.wait(_receive(pgconn, len(expected)))
            pgconn.exit_pipeline_mode()
        except BaseException:
            self._connection.close()
            raise
        rows = []
        for prepared, result in zip(expected, results, strict=True):
            if result.status in _FAILED:
                raise errors.error_from_result(result)
            if prepared is None:
                rows.append(self._rows(result))
            else:
                self._prepared.add(prepared)
        return rows

    def _send(
        self, pgconn: PGconn, text: str, parameters: Parameters, expected: list[_Key | None]
    ) -> None:
        """Send one statement, preparing it first if it was not prepared yet."""
        values: Sequence[Any] = ()
        types, formats = None, None
        if parameters is None:
            sql = text.encode()
        else:
            sql, names = _number_parameters(text)
            if isinstance(parameters, Mapping):
                parameters = [parameters[name] for name in names]
            values = self._transformer.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
            types, formats = self._transformer.types, self._transformer.formats
        key = (sql, types)
        if key not in self._prepared and key not in expected:
            if len(self._prepared) >= _PREPARED_MAX:
                pgconn.send_query_params(sql, values, types, formats)
                expected.append(None)
                return
            pgconn.send_prepare(_name(key), sql, types)
            expected.append(key)
        pgconn.send_query_prepared(_name(key), values, formats)
        expected.append(None)

    def _rows(self, result: PGresult) -> list[Row]:
        if not result.ntuples:
            return []
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, Row)


@lru_cache(maxsize=1000)
def _name(key: _Key) -> bytes:
    """Return a statement's name: the same on every connection, and no other statement's."""
    return sha256(repr(key).encode()).hexdigest()[:40].encode()


def _receive(pgconn: PGconn, count: int) -> PQGen[list[PGresult]]:
    """Return the result of each command, and consume the synchronisation."""
    yield from generators.send(pgconn)
    results = []
    for _ in range(count):
        results.append((yield from generators.fetch_many(pgconn))[0])  # noqa: PERF401 - yields
    yield from generators.fetch_many(pgconn)
    return results
