"""Background jobs: list those that wait and those that failed, and retry failed ones."""

from collections.abc import Mapping

from app.access import Actor, Permission
from app.blueprints.forms import Done, Form, FormSchema, text_field
from app.blueprints.lists import BulkAction, Column, EnumFilter, Filter, ListPage, ReferenceCell
from app.blueprints.page_blueprint import PageBlueprint
from app.kit import clock
from app.kit.db import Session
from app.kit.formatting import format_number_of
from app.outbox import queries as outbox_queries
from app.outbox import service as outbox
from app.outbox.rules import JobState

blp = PageBlueprint("jobs", "/admin/jobs")


class TypeSchema(FormSchema):
    """The type of the jobs that are retried."""

    kind = text_field("Type", "Choose a type of jobs.")


RETRY_TYPE = Form(
    "retry-type",
    title="Retry all failed jobs of a type",
    schema=TypeSchema,
    button="Retry all",
    success="The jobs will be retried.",
    failure="No job was retried",
)
JOBS = ListPage(
    name="jobs",
    title="Background jobs",
    about="Background work, such as sending mail. Failed jobs wait here until staff retry them.",
    source=lambda _session, _actor: outbox_queries.UNFINISHED_JOBS,
    columns=(
        Column("id", "Job", lambda job: ReferenceCell(job.public_id)),
        Column("type", "Type", lambda job: job.task),
        Column("status", "Status", lambda job: job.state),
        Column("staged", "Staged", lambda job: job.staged_at, sort="staged"),
        Column("tries", "Tries", lambda job: job.tries),
        Column("error", "Last error", lambda job: job.error_type or None),
        Column(
            "due",
            "Next try",
            lambda job: job.due_at if job.state is JobState.WAITING else None,
        ),
    ),
    default_sort="-staged",
    filters=(
        EnumFilter("folder", "Status", JobState, default=JobState.DEAD),
        Filter("kind", "Type"),
    ),
    empty=("No failed jobs", "Jobs appear here when their last try fails."),
    no_match="No unfinished job is of this type and status.",
    bulk_actions=(
        BulkAction(
            "retry",
            "Retry",
            Permission.JOBS_REVIVE,
            outbox.PREFIX,
            outbox.revive_job,
            ("job will be retried.", "jobs will be retried."),
        ),
    ),
    refreshes=True,
)


def _list_backlogs(session: Session, actor: Actor) -> Mapping[str, object]:
    return {
        "types": outbox_queries.list_task_backlogs(session),
        "queues": outbox_queries.list_queue_backlogs(session, clock.now()),
        "retry_form": RETRY_TYPE,
        "may_retry": Permission.JOBS_REVIVE in actor.permissions,
    }


list_jobs = blp.add_list(
    "",
    JOBS,
    permission=Permission.JOBS_READ,
    template="admin/jobs/index.html",
    context=_list_backlogs,
)


@blp.form("/revive", RETRY_TYPE, shown_on=list_jobs, permission=Permission.JOBS_REVIVE)
def revive_all(session: Session, actor: Actor, fields: Mapping[str, str]) -> Done:
    """Retry all failed jobs of one type."""
    count = outbox.revive_jobs_of_task(session, actor, fields["kind"])
    return Done(message=f"{format_number_of(count, 'job')} will be retried.")
