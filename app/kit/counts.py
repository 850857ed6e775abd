"""Counts of rows that are fetched together, in one round trip."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.kit.db import Session
from app.kit.pipeline import Row, Statement


def _first_value(_session: Session, rows: list[Row]) -> int:
    [(count,)] = rows
    return int(count)


@dataclass(frozen=True, slots=True)
class Count:
    """A statement that counts, and how to read the number from its rows: by default, the only value
    of the only row. What the rows alone do not decide is asked of the session."""

    statement: Statement
    read: Callable[[Session, list[Row]], int] = _first_value

    def fetch(self, session: Session) -> int:
        """Return the number, in a round trip of its own."""
        return self.read(session, session.rows(*self.statement))


def fetch_counts(session: Session, counts: Mapping[str, Count]) -> dict[str, int]:
    """Return the number of each count, all in one round trip unless one asks for more."""
    results = session.fetch(*(count.statement for count in counts.values())) if counts else []
    return {
        name: count.read(session, rows)
        for (name, count), rows in zip(counts.items(), results, strict=True)
    }
