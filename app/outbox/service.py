"""The verbs of the outbox. Stage with the fact; the rest is for app/jobs, which carries it out."""

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
from app.outbox import rules
from app.outbox.errors import JobNotDead

#: Of a job's id, as staff see it.
PREFIX = "job"
#: Done rows are kept so long for looking things up.
DONE_RETENTION = timedelta(days=7)
_PRUNE_BATCH = 50_000

# For marks that a crash of the database may lose: a job is sent or tried once more.
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

# A worker that dies while trying leaves no error behind, so tries are counted before they begin.
_COUNT_ATTEMPT = """
UPDATE outbox
SET tries = tries + 1,
    dead_at = CASE WHEN tries >= %(tries_max)s THEN %(now)s END,
    last_error = CASE WHEN tries >= %(tries_max)s
        THEN coalesce(last_error, 'The worker ended each time it tried') ELSE last_error END
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

# A job that another worker gave up meanwhile is done all the same.
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
    """A job whose row this transaction holds. `tries` counts the present one."""

    id: UUID
    task: str
    args: dict[str, Any]
    tries: int


def stage(
    session: Session, task: str, args: dict[str, Any], *, not_before: datetime | None = None
) -> UUID:
    """Do `task(session, **args)` once this transaction commits, and not before `not_before`.

    `args` are JSON. Raises `LookupError` if no task has that name.
    """
    identifier, now = ids.new(), clock.now()
    queue = kit_tasks.find(task).queue
    parameters = (identifier, task, json.dumps(args), queue, now, not_before or now)
    session.send(_STAGE, parameters)
    return identifier


def claim_for_sending(
    session: Session,
    queue: kit_tasks.Queue,
    limit: int,
    now: datetime,
    backoff: rules.Backoff = rules.BACKOFF,
) -> list[UUID]:
    """Up to `limit` due jobs of a queue, now counted as sent; the longest due come first.

    Each is due again after the backoff of its sendings, unless it is done by then. Two claimers
    never get the same row.
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
    """Count a try before it begins, in a transaction of its own. False if there is none to begin:
    the job is done, dead, pruned, or in someone else's hands.

    A job that began `tries_max` times and neither finished nor failed is dead: it ends workers.
    """
    session.send(_ASYNCHRONOUS_COMMIT)
    row = session.row(
        _COUNT_ATTEMPT, {"id": identifier, "now": clock.now(), "tries_max": backoff.tries_max}
    )
    return row is not None and bool(row[0])


def lock_job(session: Session, identifier: UUID) -> LockedJob | None:
    """Lock the job until this transaction ends.

    None if it is done, dead, pruned, or in another worker's hands: there is nothing to do.
    """
    row = session.row(_START, (identifier,))
    return LockedJob(identifier, *row) if row else None


def mark_done(session: Session, identifier: UUID) -> None:
    """The job is done if, and only if, this transaction commits."""
    session.send(_FINISH, (clock.now(), identifier))


def record_failure(
    session: Session,
    identifier: UUID,
    error: BaseException,
    backoff: rules.Backoff = rules.BACKOFF,
) -> bool:
    """Record why a try failed, in a transaction of its own after the rollback.

    The job is due again after the backoff of its tries; True if that was the last try.
    """
    parameters = {
        "id": identifier, "error": rules.describe_error(error), "now": clock.now(),
        "base": backoff.base, "doublings": backoff.doublings, "tries_max": backoff.tries_max,
    }  # fmt: skip
    row = session.row(_FAIL, parameters)
    return row is not None and bool(row[0])


def revive(session: Session, actor: Actor | None, identifier: UUID) -> None:
    """Give a dead job all its tries again, from now on; recorded. Raises `NotFound` and `NotDead`.

    `actor` is None on the command line.
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


def revive_all(session: Session, actor: Actor | None, task: str) -> int:
    """Revive every dead job of this task and answer how many there were; recorded. Raises
    `NotDead` for none."""
    revived = len(session.rows(_REVIVE_ALL, (clock.now(), task)))
    if revived == 0:
        raise JobNotDead("There is no dead job of this kind")
    audit.record(
        session, actor=actor, action="jobs.revived", subject=task, after={"count": str(revived)}
    )
    return revived


@kit_tasks.task("outbox.prune_done")
def prune_done(session: Session) -> None:
    """Delete rows that were done a week ago, a batch at a time."""
    session.send(_PRUNE, (clock.now() - DONE_RETENTION, _PRUNE_BATCH))
