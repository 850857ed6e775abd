"""Background jobs: list those that wait and those that failed, and retry failed ones."""

from collections.abc import Callable

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint, read_cursor, report_at_form, see_other
from app.blueprints.rendering import render_page
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Conflict
from app.outbox import queries as outbox_queries
from app.outbox import service as outbox

blp = PageBlueprint("jobs", "/admin/jobs")

_KIND_LENGTH_MAX = 100


@blp.view("GET", "", permission=Permission.JOBS_READ)
def list_jobs(session: Session, actor: Actor) -> Response:
    """List the failed or the waiting jobs, with the number of each by type."""
    return _render_list(session, actor)


@blp.view("POST", "/revive", permission=Permission.JOBS_REVIVE)
def revive_all(session: Session, actor: Actor) -> Response:
    """Retry all failed jobs of one type."""
    kind = request.form.get("kind", "")[:_KIND_LENGTH_MAX]
    return _act(session, actor, lambda: outbox.revive_jobs_of_task(session, actor, kind))


@blp.view("POST", "/<job_id>/revive", permission=Permission.JOBS_REVIVE)
def revive(session: Session, actor: Actor, job_id: str) -> Response:
    """Retry one failed job."""
    identifier = ids.decode(outbox.PREFIX, job_id)
    return _act(session, actor, lambda: outbox.revive_job(session, actor, identifier))


def _act(session: Session, actor: Actor, act: Callable[[], object]) -> Response:
    """Run `act` and show the list again, with the refusal if there was one."""
    try:
        act()
    except Conflict as refusal:
        status, problems = report_at_form(refusal)
        return _render_list(session, actor, status, problems)
    return see_other(url_for("jobs_pages.list_jobs"))


def _render_list(
    session: Session, actor: Actor, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    kind = request.args.get("kind", "")[:_KIND_LENGTH_MAX]
    shows_waiting = request.args.get("folder") == "waiting"
    cursor = read_cursor()
    now = clock.now()
    return render_page(
        "admin/jobs/index.html",
        status=status,
        kinds=outbox_queries.list_task_backlogs(session),
        queues=outbox_queries.list_queue_backlogs(session, now),
        results=outbox_queries.list_unfinished_jobs(
            session, dead=not shows_waiting, task=kind or None, cursor=cursor
        ),
        kind=kind,
        shows_waiting=shows_waiting,
        now=now,
        may_revive=Permission.JOBS_REVIVE in actor.permissions,
        problems=problems or {},
    )
