"""How support does: what waits, first responses and closed cases."""

from flask import Response

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.helpdesk.queue import workload
from app.identity.accounts import people
from app.kit.db import Session

blp = PageBlueprint("support_metrics", "/support/metrics")

_DAYS = 30


@blp.view("GET", "", permission=Permission.QUEUE_WORK)
def show_metrics(session: Session, actor: Actor) -> Response:
    """Show what waits and one's own figures; those of all and of each colleague to who may see
    them."""
    rows = workload.measure(session, days=_DAYS)
    if Permission.QUEUE_STATS not in actor.permissions:
        rows = [row for row in rows if row.person_id == actor.user_id]
    colleagues = [row.person_id for row in rows if row.person_id is not None]
    return render_page(
        "support/metrics.html",
        days=_DAYS,
        backlogs=workload.list_backlogs(session, actor),
        rows=rows,
        names=people.get_names(session, colleagues),
    )
