"""Execute staged jobs. `run` is the only function that RQ calls."""

from functools import partial
from uuid import UUID

import structlog
from flask import current_app
from rq.timeouts import UnixSignalDeathPenalty

from app.kit import tasks as kit_tasks
from app.kit import telemetry
from app.kit.db import Database
from app.kit.errors import NotFinished
from app.kit.preparation import run_prepared
from app.outbox import service as outbox
from app.outbox.rules import Backoff

log = structlog.get_logger()

#: The name under which RQ stores `run`. A job in Redis holds this name and ids of rows only.
RUN_FUNCTION = "app.jobs.dispatch.run"
#: The time limit of one job; then the worker interrupts it, and the try has failed.
JOB_SECONDS_MAX = 120


def run(*outbox_ids: str) -> None:
    """Execute the jobs of these rows, in the application context that the worker entered."""
    database, backoff = current_app.extensions["database"], current_app.extensions["backoff"]
    for outbox_id in outbox_ids:
        telemetry.request_id.set(f"outbox-{outbox_id}")
        with UnixSignalDeathPenalty(JOB_SECONDS_MAX, kit_tasks.JobOvertime):
            execute_job(database, UUID(outbox_id), backoff)


def execute_job(database: Database, identifier: UUID, backoff: Backoff) -> None:
    """Run a job's task and mark it as done in one transaction, or record its failure in another.

    A job that is done, dead or locked by another worker is left alone. A failed job is due again
    after its backoff: the relay sends it, RQ never retries. A task with its own transactions is
    marked as done after the last of them; it may run once more if this process ends in between.
    Raises `Unavailable` if not even the failure could be recorded.
    """
    with database.transaction() as session:
        counted = outbox.count_attempt(session, identifier, backoff)
    if not counted:
        return
    try:
        run_prepared(database, partial(_run_job, database, identifier))
    except kit_tasks.JobClaimedElsewhere:
        with database.transaction() as session:
            outbox.postpone(session, identifier, backoff)
        log.info("job_in_other_hands", outbox_id=str(identifier))
    except (Exception, kit_tasks.JobOvertime) as error:
        with database.transaction() as session:
            dead = outbox.record_failure(session, identifier, error, backoff)
        log.exception("job_dead" if dead else "job_failed", outbox_id=str(identifier))


def _run_job(database: Database, identifier: UUID) -> None:
    with database.transaction() as session:
        job = outbox.lock_job(session, identifier)
        if job is None:
            return
        task = kit_tasks.find(job.task)
        if not task.own_transactions:
            task.run(session, **job.args)
            outbox.mark_done(session, identifier)
            return
    try:
        task.run(database, **job.args)
    except NotFinished as reason:
        if not task.polled:
            raise
        log.info("job_left_to_poll", outbox_id=str(identifier), reason=str(reason))
    with database.transaction() as session:
        outbox.mark_done(session, identifier)
