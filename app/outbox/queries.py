"""Read the outbox, for staff and tests."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.kit import ids, pagination
from app.kit.counts import Count
from app.kit.db import Session
from app.kit.pagination import Page
from app.outbox import rules
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
_JOBS = """
SELECT id, task, staged_at, due_at, dead_at, tries, last_error FROM outbox
WHERE {folder} AND (%(task)s::text IS NULL OR task = %(task)s)
    AND (%(before)s::uuid IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s
"""
_DEAD = _JOBS.format(folder="dead_at IS NOT NULL")
_WAITING = _JOBS.format(folder="done_at IS NULL AND dead_at IS NULL")


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


def list_queue_backlogs(session: Session, now: datetime) -> list[QueueBacklog]:
    """Return each queue that has pending jobs, in alphabetical order."""
    return [QueueBacklog(*row) for row in session.rows(_BACKLOG, {"now": now})]


def is_task_pending(session: Session, *tasks: str) -> bool:
    """Return whether a job of any of these tasks is pending."""
    return bool(session.rows(_IS_WAITING, (list(tasks),))[0][0])


def list_task_backlogs(session: Session) -> list[TaskBacklog]:
    """Return each task that has waiting or dead jobs, by name."""
    return [TaskBacklog(*row) for row in session.rows(_KINDS)]


def list_unfinished_jobs(
    session: Session,
    *,
    dead: bool,
    task: str | None = None,
    cursor: UUID | None = None,
    limit: int = 50,
) -> Page[UnfinishedJob]:
    """Return a page of the dead jobs, or of the waiting ones, newest first.

    `task` restricts the page to one task.
    """
    values = {"task": task, "before": cursor, "limit": limit + 1}
    unfinished = [UnfinishedJob(*row) for row in session.rows(_DEAD if dead else _WAITING, values)]
    return pagination.paginate(unfinished, limit, lambda job: job.id)
