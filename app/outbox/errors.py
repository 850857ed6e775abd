"""Refusals of the outbox."""

from app.kit.errors import Conflict


class JobNotDead(Conflict):
    """Only a dead job, one whose tries have all failed, can be revived."""

    code = "job_not_dead"
    title = "This job has not failed for good, so it cannot be retried"
