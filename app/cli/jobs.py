"""`flask jobs`: list the jobs that failed for good, and retry them."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.kit import clock, ids
from app.kit.db import Database
from app.kit.errors import Refusal
from app.kit.formatting import format_number_of
from app.kit.list_query import ListQuery, fetch_page
from app.outbox import queries as outbox_queries
from app.outbox import service as outbox
from app.outbox.rules import JobState

jobs = AppGroup("jobs", help="Background jobs that failed for good.")

_SHOWN = 100


@jobs.command()
@click.option("--kind", help="Only jobs of this kind, such as messages.send_mail.")
def dead(kind: str | None) -> None:
    """List the jobs that failed for good, newest first."""
    with _database().reading() as session:
        total = outbox_queries.DEAD_JOBS.fetch(session)
        filters: dict[str, object] = {"folder": JobState.DEAD} | ({"kind": kind} if kind else {})
        query = ListQuery(filters, "-staged", limit=_SHOWN)
        page = fetch_page(session, outbox_queries.UNFINISHED_JOBS, query)
    for job in page.rows:
        staged = clock.rfc3339(job.staged_at)
        click.echo(
            f"{job.public_id}  {staged}  {job.task}"
            f"  {format_number_of(job.tries, 'try', 'tries')}  {job.last_error}"
        )
    if page.next_cursor is not None:
        click.echo(f"… and more: {total} in total", err=True)


@jobs.command()
@click.argument("job_id", required=False)
@click.option("--kind", help="Every failed job of this kind.")
def revive(job_id: str | None, kind: str | None) -> None:
    """Retry JOB_ID, or every failed job of a kind, with all its tries."""
    if (job_id is None) is (kind is None):
        raise click.UsageError("Enter the ID of a job, or --kind.")
    try:
        with _database().transaction() as session:
            revived = 1
            if kind is not None:
                revived = outbox.revive_jobs_of_task(session, None, kind)
            elif job_id is not None:
                outbox.revive_job(session, None, ids.decode(outbox.PREFIX, job_id))
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from refusal
    click.echo(f"{format_number_of(revived, 'job')} will be retried")


def _database() -> Database:
    database: Database = current_app.extensions["database"]
    return database
