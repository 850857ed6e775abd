"""Plain statements on one connection, several to a network round trip.

psycopg's own pipeline and cursors cost several times what PostgreSQL needs for the short statements
of an order. This is the narrow part of them that we use: text results, prepared statements, one
synchronisation at the end. Adaptation of values, waiting and errors remain psycopg's.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

import psycopg
from psycopg import errors, generators
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

Parameters = Sequence[Any] | Mapping[str, Any] | None
Statement = tuple[str, Parameters]
Row = tuple[Any, ...]

# A program has a fixed set of statements; what a busy connection sees beyond it is sent unprepared.
_PREPARED_MAX = 300
_PLACEHOLDER = re.compile(r"%(?:(%)|s|\((\w+)\)s)")


_FAILED = frozenset({ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED})
#: A statement and the types of its parameters.
_Key = tuple[bytes, tuple[int, ...] | None]


@lru_cache(maxsize=1000)
def _native(text: str) -> tuple[bytes, list[str]]:
    """A statement with its parameters numbered, and the order of their names."""
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

    numbered = _PLACEHOLDER.sub(number, text)
    return numbered.encode(), names


class Pipeline:
    """The statements of one connection. Made once for it, and used by one thread at a time."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection
        self._transformer = Transformer(connection)
        self._prepared: set[_Key] = set()

    @property
    def closed(self) -> bool:
        """Whether the connection is gone for good."""
        return bool(self._connection.closed)

    def run(self, statements: Sequence[Statement]) -> list[list[Row]]:
        """Send all statements at once and answer the rows of each.

        Raises psycopg's error for the first that failed; those after it were not executed. If
        anything else goes wrong, an interruption included, the connection is closed: what it was
        waiting for could otherwise be taken for an answer to something else.
        """
        pgconn = self._connection.pgconn
        # What is awaited of each command: rows, or that a statement was prepared under a name.
        awaited: list[_Key | None] = []
        try:
            pgconn.enter_pipeline_mode()
            for text, parameters in statements:
                self._send(pgconn, text, parameters, awaited)
            pgconn.pipeline_sync()
            results = self._connection.wait(_receive(pgconn, len(awaited)))
            pgconn.exit_pipeline_mode()
        except BaseException:
            self._connection.close()
            raise
        rows = []
        for prepared, result in zip(awaited, results, strict=True):
            if result.status in _FAILED:
                raise errors.error_from_result(result)
            if prepared is None:
                rows.append(self._rows(result))
            else:
                self._prepared.add(prepared)
        return rows

    def _send(
        self, pgconn: PGconn, text: str, parameters: Parameters, awaited: list[_Key | None]
    ) -> None:
        """Put one statement on its way, preparing it first where that is due."""
        values: Sequence[Any] = ()
        types, formats = None, None
        if parameters is None:
            sql = text.encode()
        else:
            sql, names = _native(text)
            if isinstance(parameters, Mapping):
                parameters = [parameters[name] for name in names]
            values = self._transformer.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
            types, formats = self._transformer.types, self._transformer.formats
        key = (sql, types)
        if key not in self._prepared and key not in awaited:
            if len(self._prepared) >= _PREPARED_MAX:
                pgconn.send_query_params(sql, values, types, formats)
                awaited.append(None)
                return
            pgconn.send_prepare(_name(key), sql, types)
            awaited.append(key)
        pgconn.send_query_prepared(_name(key), values, formats)
        awaited.append(None)

    def _rows(self, result: PGresult) -> list[Row]:
        if not result.ntuples:
            return []
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, tuple)


@lru_cache(maxsize=1000)
def _name(key: _Key) -> bytes:
    """The same statement has the same name on every connection, and no other has it."""
    return sha256(repr(key).encode()).hexdigest()[:40].encode()


def _receive(pgconn: PGconn, count: int) -> PQGen[list[PGresult]]:
    """The result of each command, and then the synchronisation."""
    yield from generators.send(pgconn)
    results = []
    for _ in range(count):
        results.append((yield from generators.fetch_many(pgconn))[0])  # noqa: PERF401 - yields
    yield from generators.fetch_many(pgconn)
    return results
