"""Stage jobs together with the facts that cause them. The other functions serve app/jobs, which
executes them."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.kit import clock, ids
from app.kit import tasks as kit_tasks
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.facts import Fact
from app.outbox import rules
from app.outbox.errors import JobNotDead

#: The prefix of a job's public id.
PREFIX = "job"
#: How long done rows are kept for inspection.
DONE_RETENTION = timedelta(days=7)
_PRUNE_BATCH = 50_000

# For marks that a database crash may lose without harm: a job is sent or tried once more.
_ASYNCHRONOUS_COMMIT = "SET LOCAL synchronous_commit TO off"

_STAGE = """
INSERT INTO outbox (id, task, args, queue, staged_at, due_at)
VALUES (%s, %s, %s::jsonb, %s, %s, %s)
"""

_CLAIM = """
UPDATE outbox
SET sent_at = %(now)s, sends = sends + 1,
    due_at = %(now)s + %(base)s * power(2, least(sends, %(doublings)s))
WHERE id = ANY (ARRAY(
    SELECT id FROM outbox
    WHERE queue = %(queue)s AND due_at <= %(now)s AND done_at IS NULL AND dead_at IS NULL
    ORDER BY due_at LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
))
RETURNING id
"""

# A worker that dies during a try records no error, so a try is counted before it begins.
_COUNT_ATTEMPT = """
UPDATE outbox
SET tries = tries + 1,
    dead_at = CASE WHEN tries >= %(tries_max)s THEN %(now)s END,
    last_error = CASE WHEN tries >= %(tries_max)s
        THEN coalesce(last_error, 'The worker process ended during every try') ELSE last_error END
WHERE id = (
    SELECT id FROM outbox WHERE id = %(id)s AND done_at IS NULL AND dead_at IS NULL
    FOR UPDATE SKIP LOCKED
)
RETURNING dead_at IS NULL
"""

_START = """
SELECT task, args, tries FROM outbox
WHERE id = %s AND done_at IS NULL AND dead_at IS NULL
FOR UPDATE SKIP LOCKED
"""

# A job that another worker marked as dead meanwhile is done all the same.
_FINISH = """
UPDATE outbox SET done_at = %s, dead_at = NULL, last_error = NULL WHERE id = %s AND done_at IS NULL
"""

_FAIL = """
UPDATE outbox
SET last_error = %(error)s,
    due_at = %(now)s + %(base)s * power(2, least(tries - 1, %(doublings)s)),
    dead_at = CASE WHEN tries >= %(tries_max)s THEN %(now)s END
WHERE id = %(id)s AND done_at IS NULL AND dead_at IS NULL
RETURNING dead_at IS NOT NULL
"""

_REVIVE = """
UPDATE outbox SET dead_at = NULL, tries = 0, due_at = %s WHERE id = %s AND dead_at IS NOT NULL
RETURNING task
"""
_REVIVE_ALL = """
UPDATE outbox SET dead_at = NULL, tries = 0, due_at = %s WHERE task = %s AND dead_at IS NOT NULL
RETURNING id
"""
_EXISTS = "SELECT FROM outbox WHERE id = %s"

_PRUNE = """
DELETE FROM outbox WHERE id = ANY (ARRAY(
    SELECT id FROM outbox WHERE done_at < %s ORDER BY done_at LIMIT %s FOR UPDATE SKIP LOCKED
))
"""


@dataclass(frozen=True, slots=True)
class LockedJob:
    """A job whose row this transaction has locked. `tries` includes the current one."""

    id: UUID
    task: str
    args: dict[str, Any]
    tries: int


def stage(
    session: Session, task: str, args: dict[str, Any], *, not_before: datetime | None = None
) -> UUID:
    """Stage `task(session, **args)` to run after this transaction commits; return the job's id.

    It does not run before `not_before`. `args` are JSON. Raises `LookupError` for an unknown task.
    """
    identifier, now = ids.new(), clock.now()
    queue = kit_tasks.find(task).queue
    parameters = (identifier, task, json.dumps(args), queue, now, not_before or now)
    session.send(_STAGE, parameters)
    return identifier


def publish(session: Session, fact: Fact) -> None:
    """Stage every task that subscribes to this fact. Raises `LookupError` if there is none."""
    for task in kit_tasks.subscribers(type(fact)):
        stage(session, task, fact.to_arguments())


def claim_due_jobs(
    session: Session,
    queue: kit_tasks.Queue,
    limit: int,
    now: datetime,
    backoff: rules.Backoff = rules.BACKOFF,
) -> list[UUID]:
    """Claim up to `limit` due jobs of a queue, the longest due first, and count them as sent.

    Each is due again after the backoff of its sendings, unless it is done by then. Two relays never
    claim the same row at once.
    """
    parameters = {
        "queue": queue, "limit": limit, "now": now,
        "base": backoff.base, "doublings": backoff.doublings,
    }  # fmt: skip
    session.send(_ASYNCHRONOUS_COMMIT)
    return [row[0] for row in session.rows(_CLAIM, parameters)]


def count_attempt(
    session: Session, identifier: UUID, backoff: rules.Backoff = rules.BACKOFF
) -> bool:
    """Count a try before it begins, in a transaction of its own.

    Return False if the job cannot be tried: it is done, dead, pruned or locked by another worker.
    A job that was started `tries_max` times and neither finished nor failed is marked as dead,
    because it ends its workers.
    """
    session.send(_ASYNCHRONOUS_COMMIT)
    row = session.row(
        _COUNT_ATTEMPT, {"id": identifier, "now": clock.now(), "tries_max": backoff.tries_max}
    )
    return row is not None and bool(row[0])


def lock_job(session: Session, identifier: UUID) -> LockedJob | None:
    """Return the job, locked until this transaction ends.

    Return None if there is nothing to do: it is done, dead, pruned or locked by another worker.
    """
    row = session.row(_START, (identifier,))
    return LockedJob(identifier, *row) if row else None


def mark_done(session: Session, identifier: UUID) -> None:
    """Mark the job as done, in the transaction of its effect."""
    session.send(_FINISH, (clock.now(), identifier))


def record_failure(
    session: Session,
    identifier: UUID,
    error: BaseException,
    backoff: rules.Backoff = rules.BACKOFF,
) -> bool:
    """Record why a try failed, in a transaction of its own after the rollback.

    The job is due again after the backoff of its tries. Return True if that was the last try, so
    that the job is dead now.
    """
    parameters = {
        "id": identifier, "error": rules.describe_error(error), "now": clock.now(),
        "base": backoff.base, "doublings": backoff.doublings, "tries_max": backoff.tries_max,
    }  # fmt: skip
    row = session.row(_FAIL, parameters)
    return row is not None and bool(row[0])


def revive_job(session: Session, actor: Actor | None, identifier: UUID) -> None:
    """Give a dead job all its tries again, starting now, and record it in the audit trail.

    `actor` is None on the command line. Raises `NotFound` and `JobNotDead`.
    """
    row = session.row(_REVIVE, (clock.now(), identifier))
    if row is None:
        raise JobNotDead if session.row(_EXISTS, (identifier,)) is not None else NotFound
    audit.record(
        session,
        actor=actor,
        action="job.revived",
        subject=ids.encode(PREFIX, identifier),
        after={"task": row[0]},
    )


def revive_jobs_of_task(session: Session, actor: Actor | None, task: str) -> int:
    """Revive every dead job of this task, record it in the audit trail, and return their number.

    Raises `JobNotDead` if there is none.
    """
    revived = len(session.rows(_REVIVE_ALL, (clock.now(), task)))
    if revived == 0:
        raise JobNotDead("There is no failed job of this kind.")
    audit.record(
        session, actor=actor, action="jobs.revived", subject=task, after={"count": str(revived)}
    )
    return revived


def prune_done(session: Session) -> None:
    """Delete a batch of the rows that were done more than a week ago."""
    session.send(_PRUNE, (clock.now() - DONE_RETENTION, _PRUNE_BATCH))
