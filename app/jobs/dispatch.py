"""Carrying out staged jobs: the only function that RQ ever calls."""

from uuid import UUID

import structlog
from flask import current_app
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty

from app.kit import tasks as kit_tasks
from app.kit import telemetry
from app.kit.db import Database
from app.kit.errors import NotFinished
from app.outbox import service as outbox
from app.outbox.rules import Backoff

log = structlog.get_logger()

#: How RQ names `run`. A job in Redis holds this name and ids of rows, nothing else.
RUN_FUNCTION = "app.jobs.dispatch.run"
#: So long a worker may take for one job; then it is interrupted, and the try has failed.
JOB_SECONDS_MAX = 120


def run(*outbox_ids: str) -> None:
    """Carry out the jobs of these rows, in the application whose context the worker entered."""
    database, backoff = current_app.extensions["database"], current_app.extensions["backoff"]
    for outbox_id in outbox_ids:
        telemetry.request_id.set(f"outbox-{outbox_id}")
        with UnixSignalDeathPenalty(JOB_SECONDS_MAX, JobTimeoutException):
            execute_job(database, UUID(outbox_id), backoff)


def execute_job(database: Database, identifier: UUID, backoff: Backoff) -> None:
    """Do a job's effect and mark it done, in one transaction; or record why not, in another.

    A job that is done, dead or in another worker's hands is left alone. What failed is due again
    after its backoff: the relay sends it, RQ never retries. A task with transactions of its own is
    marked done after the last of them; it may begin once more if this process ends in between.
    Raises `Unavailable` when not even the failure could be recorded.
    """
    with database.transaction() as session:
        counted = outbox.count_attempt(session, identifier, backoff)
    if not counted:
        return
    try:
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
    except kit_tasks.JobClaimedElsewhere:
        log.info("job_in_other_hands", outbox_id=str(identifier))
    except Exception as error:
        with database.transaction() as session:
            dead = outbox.record_failure(session, identifier, error, backoff)
        log.exception("job_dead" if dead else "job_failed", outbox_id=str(identifier))
