"""Reconciliation: the comparisons of our books with themselves and with providers' records."""

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint, read_cursor, see_other
from app.blueprints.rendering import render_page
from app.kit.db import Session
from app.reconciliation import queries as reconciliation_queries
from app.reconciliation import service as reconciliation
from app.reconciliation.queries import RunOutcome

blp = PageBlueprint("reconciliation", "/admin/reconciliation")

_PAGE_SIZE = 50


@blp.view("GET", "", permission=Permission.RECONCILIATION_READ)
def show_runs(session: Session, actor: Actor) -> Response:
    """Show the latest run for each source, and earlier runs that found or fixed something."""
    cursor = read_cursor()
    latest = reconciliation_queries.latest_runs(session)
    return render_page(
        "admin/reconciliation/index.html",
        latest=latest,
        agreeing=sum(run.outcome is RunOutcome.AGREES for run in latest),
        differences=sum(run.differences for run in latest),
        results=reconciliation_queries.noteworthy_runs(session, limit=_PAGE_SIZE, before=cursor),
        is_later_page=cursor is not None,
        is_comparing=reconciliation_queries.is_run_requested(session),
        may_compare=Permission.RECONCILIATION_ASK in actor.permissions,
        may_see_cases=Permission.CASES_READ in actor.permissions,
        kind=reconciliation_queries.CASE_KIND,
    )


@blp.view("POST", "/compare", permission=Permission.RECONCILIATION_ASK)
def request_comparison(session: Session, actor: Actor) -> Response:
    """Start a comparison with every source now."""
    reconciliation.request_run(session, actor)
    return see_other(url_for("reconciliation_pages.show_runs"))
