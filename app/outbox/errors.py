"""Refusals of the outbox."""

from app.kit.errors import Conflict


class JobNotDead(Conflict):
    """Only a job that was given up can be revived."""

    code = "job_not_dead"
    title = "There is no dead job with this id"
