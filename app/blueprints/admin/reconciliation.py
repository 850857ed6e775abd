"""How our books compared with themselves and with what each provider says of the same money."""

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint, cursor_asked, see_other
from app.blueprints.rendering import page
from app.kit.db import Session
from app.reporting import runs

blp = PageBlueprint("reconciliation", "/admin/reconciliation")

_SHOWN = 50


@blp.view("GET", "", permission=Permission.RECONCILIATION_READ)
def show(session: Session, actor: Actor) -> Response:
    """What came of the last comparison with each source, and what others found."""
    before = cursor_asked()
    latest = runs.latest(session)
    return page(
        "admin/reconciliation/index.html",
        "admin/reconciliation/_reconciliation.html",
        latest=latest,
        agreeing=sum(each.outcome == "agrees" for each in latest),
        differences=sum(each.differences for each in latest),
        found=runs.remarkable(session, limit=_SHOWN, before=before),
        further=before is not None,
        is_asked_for=runs.is_asked_for(session),
        may_ask=Permission.RECONCILIATION_ASK in actor.permissions,
        may_see_cases=Permission.CASES_READ in actor.permissions,
        kind=runs.KIND,
    )


@blp.view("POST", "/compare", permission=Permission.RECONCILIATION_ASK)
def compare(session: Session, actor: Actor) -> Response:
    """Have everything compared now."""
    runs.ask(session, actor)
    return see_other(url_for("reconciliation_pages.show"))
