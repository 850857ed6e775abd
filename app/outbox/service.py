"""Stage jobs together with the facts that cause them. The other functions serve app/jobs, which
executes them."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
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
INSERT INTO outbox (id, task, args, queue, provider, staged_at, due_at)
VALUES (%s, %s, %s::jsonb, %s, %s, %s, %s)
"""
_IS_WAITING = """
SELECT FROM outbox WHERE task = %s AND args = %s::jsonb
    AND provider IS NOT NULL AND sent_at IS NULL AND done_at IS NULL AND dead_at IS NULL
"""

# Two relays would each count the same free places.
_CLAIM_LOCK = "SELECT pg_advisory_xact_lock(hashtext('outbox claim'))"
# A job that was sent keeps its place until it ends, also when it is due to be sent again. Jobs of a
# provider without a free place are skipped, so that those behind them are found.
_CLAIM = """
WITH in_flight AS MATERIALIZED (
    SELECT queue, provider, count(*) AS jobs FROM outbox
    WHERE provider IS NOT NULL AND sent_at IS NOT NULL AND done_at IS NULL AND dead_at IS NULL
    GROUP BY queue, provider
), due AS MATERIALIZED (
    SELECT job.* FROM unnest(%(queues)s::text[]) AS q (name) CROSS JOIN LATERAL (
        SELECT o.id, o.queue, o.provider, o.sent_at, o.due_at FROM outbox o
        WHERE o.queue = q.name AND o.due_at <= %(now)s AND o.done_at IS NULL AND o.dead_at IS NULL
            AND (o.provider IS NULL OR o.sent_at IS NOT NULL OR NOT EXISTS (
                SELECT FROM in_flight f WHERE f.queue = o.queue AND f.provider = o.provider
                    AND f.jobs >= %(provider_jobs_max)s))
        ORDER BY o.due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ) AS job
), placed AS (
    SELECT due.id, due.provider IS NULL OR due.sent_at IS NOT NULL OR %(provider_jobs_max)s
        >= coalesce(f.jobs, 0) + row_number() OVER (
            PARTITION BY due.queue, due.provider, due.sent_at IS NULL ORDER BY due.due_at
        ) AS has_place
    FROM due LEFT JOIN in_flight f ON f.queue = due.queue AND f.provider = due.provider
)
UPDATE outbox
SET sent_at = %(now)s, sends = sends + 1,
    due_at = %(now)s + %(base)s * power(2, least(sends, %(doublings)s))
WHERE id = ANY (ARRAY(SELECT id FROM placed WHERE has_place))
RETURNING queue, id
"""
_RETURN_CLAIMS = """
UPDATE outbox SET due_at = %s, sends = sends - 1, sent_at = CASE WHEN sends > 1 THEN sent_at END
WHERE id = ANY (%s) AND sends > 0 AND done_at IS NULL
"""
# A job whose task is unknown fails visibly, in any queue that is served.
_ASSIGN_QUEUES = """
UPDATE outbox SET queue = assigned.queue
FROM (
    SELECT o.id, coalesce(t.queue, %(otherwise)s) AS queue
    FROM outbox o LEFT JOIN unnest(%(tasks)s::text[], %(queues)s::text[]) AS t (task, queue)
        ON t.task = o.task
    WHERE o.done_at IS NULL AND o.dead_at IS NULL AND o.queue <> coalesce(t.queue, %(otherwise)s)
    FOR UPDATE OF o SKIP LOCKED
) AS assigned
WHERE outbox.id = assigned.id
"""

# A worker that dies during a try records no error, so a try is counted before it begins.
_COUNT_ATTEMPT = """
UPDATE outbox
SET tries = tries + 1,
    due_at = CASE WHEN task = ANY (%(leased)s) THEN greatest(due_at, %(now)s + %(lease)s)
        ELSE due_at END,
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
SET last_error = %(error)s, sent_at = NULL, sends = 0,
    due_at = %(now)s + %(base)s * power(2, least(tries - 1, %(doublings)s)),
    dead_at = CASE WHEN tries >= %(tries_max)s THEN %(now)s END
WHERE id = %(id)s AND done_at IS NULL AND dead_at IS NULL
RETURNING dead_at IS NOT NULL
"""

_POSTPONE = """
UPDATE outbox
SET sent_at = NULL, sends = 0,
    due_at = %(now)s + %(base)s * power(2, least(tries - 1, %(doublings)s))
WHERE id = %(id)s AND done_at IS NULL AND dead_at IS NULL
"""

_REVIVE = """
UPDATE outbox SET dead_at = NULL, tries = 0, sends = 0, sent_at = NULL, due_at = %s
WHERE id = %s AND dead_at IS NOT NULL
RETURNING task
"""
_REVIVE_ALL = """
UPDATE outbox SET dead_at = NULL, tries = 0, sends = 0, sent_at = NULL, due_at = %s
WHERE task = %s AND dead_at IS NOT NULL
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
    session: Session,
    task: str,
    args: dict[str, Any],
    *,
    provider: str | None = None,
    not_before: datetime | None = None,
) -> UUID:
    """Stage `task(session, **args)` to run after this transaction commits; return the job's id.

    It does not run before `not_before`. `args` are JSON. `provider` is what the job will call, if
    the task does not say so itself. Raises `LookupError` for an unknown task.
    """
    identifier, now, found = ids.new(), clock.now(), kit_tasks.find(task)
    provider = found.provider or provider
    parameters = (identifier, task, json.dumps(args), found.queue, provider, now, not_before or now)
    session.send(_STAGE, parameters)
    return identifier


def publish(session: Session, fact: Fact, *, provider: str | None = None) -> None:
    """Stage every task that subscribes to this fact; `provider` is who reported it, if anyone did.

    Raises `LookupError` if there is none.
    """
    for task in kit_tasks.subscribers(type(fact)):
        stage(session, task, fact.to_arguments(), provider=provider)


def stage_unless_waiting(
    session: Session, task: str, args: dict[str, Any], *, provider: str | None = None
) -> None:
    """Stage a job that calls a provider, unless the same one has not been sent yet."""
    if session.row(_IS_WAITING, (task, json.dumps(args))) is None:
        stage(session, task, args, provider=provider)


def claim_due_jobs(
    session: Session,
    queues: Collection[kit_tasks.Queue],
    limit: int,
    now: datetime,
    backoff: rules.Backoff = rules.BACKOFF,
    *,
    provider_jobs_max: int,
) -> dict[kit_tasks.Queue, list[UUID]]:
    """Claim up to `limit` due jobs of each queue, the longest due first, and count them as sent.

    Of the jobs that call one provider at most `provider_jobs_max` of a queue are sent and not
    ended. Each claimed job is due again after the backoff of its sendings, unless it is done by
    then. Relays claim one after the other.
    """
    parameters = {
        "queues": list(queues), "limit": limit, "now": now, "provider_jobs_max": provider_jobs_max,
        "base": backoff.base, "doublings": backoff.doublings,
    }  # fmt: skip
    session.send(_ASYNCHRONOUS_COMMIT)
    session.send(_CLAIM_LOCK)
    claimed: dict[kit_tasks.Queue, list[UUID]] = {queue: [] for queue in queues}
    for queue, identifier in session.rows(_CLAIM, parameters):
        claimed[kit_tasks.Queue(queue)].append(identifier)
    return claimed


def return_claims(session: Session, identifiers: Collection[UUID]) -> None:
    """Make claimed jobs due again, as if not claimed: the queue refused them all."""
    session.send(_RETURN_CLAIMS, (clock.now(), list(identifiers)))


def assign_queues(session: Session) -> None:
    """Move pending jobs to the queues of their tasks.

    Another release, before or after this one, may have staged them for other queues.
    """
    registered = kit_tasks.registered()
    parameters = {
        "tasks": [task.name for task in registered],
        "queues": [task.queue for task in registered],
        "otherwise": kit_tasks.Queue.NIGHTLY,
    }
    session.send(_ASSIGN_QUEUES, parameters)


def count_attempt(
    session: Session, identifier: UUID, backoff: rules.Backoff = rules.BACKOFF
) -> bool:
    """Count a try before it begins, in a transaction of its own.

    Return False if the job cannot be tried: it is done, dead, pruned or locked by another worker.
    A task with own transactions does not lock the row, so its job is not sent again before the
    lease ends. A job that was started `tries_max` times and neither finished nor failed is marked
    as dead, because it ends its workers.
    """
    session.send(_ASYNCHRONOUS_COMMIT)
    leased = [task.name for task in kit_tasks.registered() if task.own_transactions]
    parameters = {
        "id": identifier, "now": clock.now(), "tries_max": backoff.tries_max,
        "leased": leased, "lease": backoff.lease,
    }  # fmt: skip
    return bool(session.optional_value(_COUNT_ATTEMPT, parameters))


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
    return bool(session.optional_value(_FAIL, parameters))


def postpone(session: Session, identifier: UUID, backoff: rules.Backoff = rules.BACKOFF) -> None:
    """Make a job that was tried and did not fail due after the backoff of its tries."""
    parameters = {
        "id": identifier, "now": clock.now(),
        "base": backoff.base, "doublings": backoff.doublings,
    }  # fmt: skip
    session.send(_POSTPONE, parameters)


def revive_job(session: Session, actor: Actor | None, identifier: UUID) -> None:
    """Give a dead job all its tries again, starting now, and record it in the audit trail.

    `actor` is None on the command line. Raises `NotFound` and `JobNotDead`.
    """
    task = session.optional_value(_REVIVE, (clock.now(), identifier))
    if task is None:
        raise JobNotDead if session.row(_EXISTS, (identifier,)) is not None else NotFound
    audit.record(
        session,
        actor=actor,
        action=AuditAction.JOB_REVIVED,
        subject=ids.encode(PREFIX, identifier),
        after={"task": task},
    )


def revive_jobs_of_task(session: Session, actor: Actor | None, task: str) -> int:
    """Revive every dead job of this task, record it in the audit trail, and return their number.

    Raises `JobNotDead` if there is none.
    """
    revived = len(session.rows(_REVIVE_ALL, (clock.now(), task)))
    if revived == 0:
        raise JobNotDead("There is no failed job of this kind.")
    audit.record(
        session,
        actor=actor,
        action=AuditAction.JOBS_REVIVED,
        subject=task,
        after={"count": str(revived)},
    )
    return revived


def prune_done(session: Session) -> None:
    """Delete a batch of the rows that were done more than a week ago."""
    session.send(_PRUNE, (clock.now() - DONE_RETENTION, _PRUNE_BATCH))
