"""Read the outbox, for staff and tests."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.kit import ids
from app.kit.counts import Count
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.outbox import rules
from app.outbox.models import StagedJob
from app.outbox.rules import JobState
from app.outbox.service import PREFIX

_BACKLOG = """
SELECT queue, count(*), count(*) FILTER (WHERE due_at <= %(now)s),
    count(*) FILTER (WHERE sent_at IS NOT NULL),
    coalesce(extract(epoch FROM %(now)s - min(staged_at)
        FILTER (WHERE sent_at IS NOT NULL OR due_at <= %(now)s)), 0)::float8
FROM outbox WHERE done_at IS NULL AND dead_at IS NULL GROUP BY queue ORDER BY queue
"""
#: How many jobs are dead.
DEAD_JOBS = Count(("SELECT count(*) FROM outbox WHERE dead_at IS NOT NULL", None))
_IS_WAITING = """
SELECT EXISTS (SELECT FROM outbox WHERE done_at IS NULL AND dead_at IS NULL AND task = ANY (%s))
"""
# Two halves, because each has an index of its own; no index would skip the done rows.
_KINDS = """
SELECT task, sum(waiting)::int, sum(dead)::int, min(oldest) FROM (
    SELECT task, count(*) AS waiting, 0 AS dead, min(staged_at) AS oldest
    FROM outbox WHERE done_at IS NULL AND dead_at IS NULL GROUP BY task
    UNION ALL
    SELECT task, 0, count(*), min(staged_at) FROM outbox WHERE dead_at IS NOT NULL GROUP BY task
) AS halves GROUP BY task ORDER BY task
"""


@dataclass(frozen=True, slots=True)
class QueueBacklog:
    """The pending jobs of one queue.

    `oldest_seconds` is the age of the oldest job that could have been done by now. If it grows, a
    relay or a worker is missing.
    """

    queue: str
    pending: int
    due: int
    sent: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class TaskBacklog:
    """The unfinished jobs of one task. `oldest` is when the first of them was staged."""

    task: str
    waiting: int
    dead: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class UnfinishedJob:
    """A job that is not done: waiting for its next try, or dead.

    Its arguments are left out, because they may be personal data.
    """

    id: UUID
    task: str
    staged_at: datetime
    due_at: datetime
    dead_at: datetime | None
    tries: int
    last_error: str | None

    @property
    def public_id(self) -> str:
        """The id as pages and commands show it."""
        return ids.encode(PREFIX, self.id)

    @property
    def state(self) -> JobState:
        """Whether it is tried again."""
        return JobState.WAITING if self.dead_at is None else JobState.DEAD

    @property
    def error_type(self) -> str:
        """The type of the last error, without its message; empty if there was none."""
        return rules.error_type(self.last_error or "")


_IS_PENDING = StagedJob.done_at.is_(None) & StagedJob.dead_at.is_(None)
_IS_DEAD = StagedJob.dead_at.is_not(None)
#: Two halves, because each has an index of its own; no index would skip the done rows.
UNFINISHED_JOBS = ListSource(
    UnfinishedJob,
    sa.select(
        StagedJob.id,
        StagedJob.task,
        StagedJob.staged_at,
        StagedJob.due_at,
        StagedJob.dead_at,
        StagedJob.tries,
        StagedJob.last_error,
    ).where(_IS_PENDING | _IS_DEAD),
    key=StagedJob.id,
    sorts={"staged": StagedJob.id},
    filters={
        "kind": lambda task: StagedJob.task == task,
        "folder": lambda state: _IS_DEAD if state is JobState.DEAD else _IS_PENDING,
    },
)


def list_queue_backlogs(session: Session, now: datetime) -> list[QueueBacklog]:
    """Return each queue that has pending jobs, in alphabetical order."""
    return [QueueBacklog(*row) for row in session.rows(_BACKLOG, {"now": now})]


def is_task_pending(session: Session, *tasks: str) -> bool:
    """Return whether a job of any of these tasks is pending."""
    return bool(session.value(_IS_WAITING, (list(tasks),)))


def list_task_backlogs(session: Session) -> list[TaskBacklog]:
    """Return each task that has waiting or dead jobs, by name."""
    return [TaskBacklog(*row) for row in session.rows(_KINDS)]
