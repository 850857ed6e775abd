"""Background jobs: what waits, what was given up, and trying that again."""

from collections.abc import Callable

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint, cursor_asked, said_at_form, see_other
from app.blueprints.rendering import page
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Conflict
from app.outbox import queries as outbox_queries
from app.outbox import service as outbox

blp = PageBlueprint("jobs", "/admin/jobs")

_KIND_LENGTH_MAX = 100


@blp.view("GET", "", permission=Permission.JOBS_READ)
def show(session: Session, actor: Actor) -> Response:
    """What waits and what was given up, by kind and each."""
    return _jobs(session, actor)


@blp.view("POST", "/revive", permission=Permission.JOBS_REVIVE)
def revive_all(session: Session, actor: Actor) -> Response:
    """Have every dead job of one kind tried again."""
    kind = request.form.get("kind", "")[:_KIND_LENGTH_MAX]
    return _revived(session, actor, lambda: outbox.revive_all(session, actor, kind))


@blp.view("POST", "/<job_id>/revive", permission=Permission.JOBS_REVIVE)
def revive(session: Session, actor: Actor, job_id: str) -> Response:
    """Have one dead job tried again."""
    identifier = ids.decode(outbox.PREFIX, job_id)
    return _revived(session, actor, lambda: outbox.revive(session, actor, identifier))


def _revived(session: Session, actor: Actor, act: Callable[[], object]) -> Response:
    try:
        act()
    except Conflict as refusal:
        status, problems = said_at_form(refusal)
        return _jobs(session, actor, status, problems)
    return see_other(url_for("jobs_pages.show"))


def _jobs(
    session: Session, actor: Actor, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    kind = request.args.get("kind", "")[:_KIND_LENGTH_MAX]
    waiting = request.args.get("folder") == "waiting"
    cursor = cursor_asked()
    now = clock.now()
    return page(
        "admin/jobs/index.html",
        "admin/jobs/_jobs.html",
        status=status,
        kinds=outbox_queries.list_task_backlogs(session),
        queues=outbox_queries.list_queue_backlogs(session, now),
        found=outbox_queries.list_unfinished_jobs(
            session, dead=not waiting, task=kind or None, cursor=cursor
        ),
        kind=kind,
        waiting=waiting,
        now=now,
        may_revive=Permission.JOBS_REVIVE in actor.permissions,
        problems=problems or {},
    )
