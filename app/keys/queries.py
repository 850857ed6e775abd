"""Read how many values each key seals, which values do not open, and the latest rotation."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.keys import service
from app.keys.errors import KeyLost
from app.keys.registry import SealedColumn, sealed_columns
from app.kit.crypto import DecryptionFailed
from app.kit.db import Session
from app.kit.labels import Mark, StatusEnum

_BATCH = 1000
_BY_KEY = """
SELECT encode(substring("{column}" FROM 2 FOR 8), 'hex'), count(*)
FROM "{table}" WHERE "{column}" IS NOT NULL GROUP BY 1
"""
_VALUES = """
SELECT "{key}", "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL {after}
ORDER BY "{key}" LIMIT %(limit)s
"""
_AFTER = 'AND "{key}" > %(after)s'
_ROTATION = """
SELECT id, key_id, started_at, finished_at, rewrapped, unreadable
FROM key_rotations ORDER BY started_at DESC LIMIT 1
"""


class RotationState(StatusEnum):
    """Whether a rotation has wrapped every value again. Not stored."""

    RUNNING = "running", "Rewrapping", Mark.UNDERWAY
    DONE = "done", "Done", Mark.DONE


@dataclass(frozen=True, slots=True)
class RotationProgress:
    """The progress of a rotation. `rewrapped` and `unreadable` count sealed values."""

    id: UUID
    key_id: str
    started_at: datetime
    finished_at: datetime | None
    rewrapped: int
    unreadable: int

    @property
    def state(self) -> RotationState:
        """Whether it is done."""
        return RotationState.RUNNING if self.finished_at is None else RotationState.DONE


@dataclass(frozen=True, slots=True)
class UnreadableValue:
    """A sealed value that does not open: its key is lost, or (`lost_key` None) it was altered."""

    column: SealedColumn
    key: UUID | str
    lost_key: str | None

    def __str__(self) -> str:
        cause = f"needs the lost key {self.lost_key}" if self.lost_key else "was altered or moved"
        return f"{self.column.table}.{self.column.column} of {self.key} {cause}"


def count_values_by_key(session: Session) -> Counter[str]:
    """Return how many sealed values need each key of the ring, by key id."""
    needed: Counter[str] = Counter()
    for column in sealed_columns():
        statement = _BY_KEY.format(table=column.table, column=column.column)
        for key_id, count in session.rows(statement):
            needed[key_id] += count
    return needed


def find_unreadable_values(session: Session) -> Iterator[UnreadableValue]:
    """Open every sealed value, and yield those that do not open."""
    for column in sealed_columns():
        after: UUID | str | None = None
        while rows := _read_batch(session, column, after):
            for key, sealed in rows:
                if unreadable := _try_to_open(column, key, sealed):
                    yield unreadable
            after = rows[-1][0]


def latest_rotation(session: Session) -> RotationProgress | None:
    """Return the rotation that started last; None if there was none."""
    row = session.row(_ROTATION)
    return RotationProgress(*row) if row else None


def _read_batch(
    session: Session, column: SealedColumn, after: UUID | str | None
) -> list[tuple[UUID | str, bytes]]:
    names = {"table": column.table, "column": column.column, "key": column.key}
    statement = _VALUES.format(after=_AFTER.format(**names) if after else "", **names)
    values = {"after": after, "limit": _BATCH}
    return [(key, sealed) for key, sealed in session.rows(statement, values)]


def _try_to_open(column: SealedColumn, key: UUID | str, sealed: bytes) -> UnreadableValue | None:
    try:
        service.open_sealed(sealed, table=column.table, column=column.column, key=key)
    except KeyLost as lost:
        return UnreadableValue(column, key, lost.key_id)
    except DecryptionFailed:
        return UnreadableValue(column, key, None)
    return None
