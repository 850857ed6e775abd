"""Named reads of the outbox, for health, metrics and staff."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.kit.db import Session

_BACKLOG = """
SELECT queue, count(*), count(*) FILTER (WHERE due_at <= %(now)s),
    count(*) FILTER (WHERE sent_at IS NOT NULL),
    coalesce(extract(epoch FROM %(now)s - min(staged_at)
        FILTER (WHERE sent_at IS NOT NULL OR due_at <= %(now)s)), 0)::float8
FROM outbox WHERE done_at IS NULL AND dead_at IS NULL GROUP BY queue ORDER BY queue
"""
_DEAD_COUNT = "SELECT count(*) FROM outbox WHERE dead_at IS NOT NULL"
_DEAD = """
SELECT id, task, args, staged_at, dead_at, tries, last_error
FROM outbox WHERE dead_at IS NOT NULL ORDER BY dead_at DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What one queue has before it. `oldest_seconds` is the age of the oldest job that could have
    been done by now; a growing one means that a relay or a worker is missing."""

    queue: str
    pending: int
    due: int
    sent: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class DeadJob:
    """A job that was given up, with the last error."""

    id: UUID
    task: str
    args: dict[str, Any]
    staged_at: datetime
    dead_at: datetime
    tries: int
    last_error: str


def backlogs(session: Session, now: datetime) -> list[Backlog]:
    """Each queue that has pending jobs, in alphabetical order."""
    return [Backlog(*row) for row in session.rows(_BACKLOG, {"now": now})]


def dead_count(session: Session) -> int:
    """How many jobs were given up and not revived."""
    return int(session.rows(_DEAD_COUNT)[0][0])


def dead_jobs(session: Session, limit: int) -> list[DeadJob]:
    """The jobs given up last, newest first."""
    return [DeadJob(*row) for row in session.rows(_DEAD, (limit,))]
