"""Counts of rows that are fetched together, in one round trip."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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

    @property
    def is_single(self) -> bool:
        """Whether its statement returns the number and nothing else."""
        return self.read is _first_value

    def fetch(self, session: Session) -> int:
        """Return the number, in a round trip of its own."""
        return self.read(session, session.rows(*self.statement))


def fetch_counts(session: Session, counts: Mapping[str, Count]) -> dict[str, int]:
    """Return the number of each count, all in one round trip unless one asks for more. Those of a
    single number share one statement."""
    joined, names = _join({name: each for name, each in counts.items() if each.is_single})
    others = {name: each for name, each in counts.items() if name not in names}
    statements = [each.statement for each in others.values()]
    if names:
        statements.append(joined)
    results = session.fetch(*statements) if statements else []
    numbers = {
        name: each.read(session, rows)
        for (name, each), rows in zip(others.items(), results, strict=False)
    }
    for values in results[len(others) :]:
        [row] = values
        numbers |= dict(zip(names, map(int, row), strict=True))
    return {name: numbers[name] for name in counts}


def _join(counts: Mapping[str, Count]) -> tuple[Statement, list[str]]:
    """Return one statement of as many of these counts as have no parameter of the same name with
    another value, and the names of those."""
    texts: list[str] = []
    names: list[str] = []
    values: dict[str, Any] = {}
    for name, count in counts.items():
        text, parameters = count.statement
        if parameters is None:
            text, parameters = text.replace("%", "%%"), {}
        if not isinstance(parameters, Mapping):
            continue
        if all(values.get(key, value) == value for key, value in parameters.items()):
            texts.append(f"({text})")
            names.append(name)
            values |= parameters
    return (f"SELECT {', '.join(texts)}", values), names
