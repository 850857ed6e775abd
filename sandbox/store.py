"""The providers' knowledge, as documents."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Document = dict[str, Any]

_TABLE = """
CREATE TABLE IF NOT EXISTS documents (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (provider, kind, id)
)
"""
_PUT = """
INSERT INTO documents (provider, kind, id, document) VALUES (?, ?, ?, ?)
ON CONFLICT (provider, kind, id) DO UPDATE SET document = excluded.document
"""


class Store:
    """Documents by provider, kind and ID, in order of creation. Safe for use by several threads."""

    def __init__(self, path: str = ":memory:") -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute(_TABLE)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything done in the block, or nothing. One block runs at a time."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("COMMIT")

    def put(self, provider: str, kind: str, identifier: str, document: Document) -> Document:
        """Store a document under its ID, replacing the previous one; return it."""
        with self.transaction():
            self._connection.execute(_PUT, (provider, kind, identifier, json.dumps(document)))
        return document

    def get(self, provider: str, kind: str, identifier: str) -> Document | None:
        """Return the document of an ID."""
        documents = self._rows("AND kind = ? AND id = ?", provider, kind, identifier)
        return documents[0] if documents else None

    def find(self, provider: str, kind: str, **fields: object) -> list[Document]:
        """Return the documents of a kind whose fields have these values, oldest first."""
        conditions = "".join(f" AND json_extract(document, '$.{name}') IS ?" for name in fields)
        return self._rows(f"AND kind = ?{conditions}", provider, kind, *fields.values())

    def delete(self, provider: str, kind: str, identifier: str) -> None:
        """Delete one document."""
        with self.transaction():
            self._connection.execute(
                "DELETE FROM documents WHERE provider = ? AND kind = ? AND id = ?",
                (provider, kind, identifier),
            )

    def kinds(self) -> list[tuple[str, str, int]]:
        """Return provider, kind and number of documents of every kind."""
        with self._lock:
            return self._connection.execute(
                "SELECT provider, kind, count(*) FROM documents GROUP BY 1, 2 ORDER BY 1, 2"
            ).fetchall()

    def clear(self) -> None:
        """Delete every document."""
        with self.transaction():
            self._connection.execute("DELETE FROM documents")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _rows(self, condition: str, *values: object) -> list[Document]:
        query = f"SELECT document FROM documents WHERE provider = ? {condition} ORDER BY position"  # noqa: S608 - conditions are ours
        with self._lock:
            return [json.loads(text) for (text,) in self._connection.execute(query, values)]
