"""The drawers of a branch, with their X and Z reports."""

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.lists import Column, EnumFilter, ListPage, PersonCell
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.branches import queries as branches_queries
from app.counter.drawers import queries as drawers_queries
from app.counter.drawers.rules import DrawerStatus
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session

blp = PageBlueprint("drawers", "/teller/drawers")

DRAWERS = ListPage(
    name="drawers",
    title="Drawers",
    about="The cash of each teller at a till, from the float to the close.",
    source=lambda _session, actor: drawers_queries.visible_drawers(actor),
    columns=(
        Column("opened", "Opened", lambda drawer: drawer.opened_at, sort="opened"),
        Column("branch", "Branch", lambda drawer: drawer.branch_code, is_code=True),
        Column("till", "Till", lambda drawer: drawer.till_code, is_code=True),
        Column("teller", "Teller", lambda drawer: PersonCell(drawer.teller_id)),
        Column("status", "Status", lambda drawer: drawer.status),
        Column("number", "Report", lambda drawer: drawer.number),
        Column("variance", "Variance", lambda drawer: drawer.variance),
    ),
    row_url=lambda drawer: url_for("drawers_pages.show_report", drawer_id=drawer.public_id),
    default_sort="-opened",
    filters=(EnumFilter("status", "Status", DrawerStatus),),
    empty=("No drawers yet", "A teller opens the first one at a till."),
)
blp.add_list("", DRAWERS, permission=Permission.DRAWERS_READ)


@blp.view("GET", "/<drawer_id>", permission=Permission.DRAWERS_READ, shows=drawers_queries.PREFIX)
def show_report(session: Session, actor: Actor, drawer_id: str) -> Response:
    """Show the report of a drawer: X while it is open, Z once it is closed. Who has the drawer does
    not see the sums before it is closed."""
    drawer = drawers_queries.get_drawer(
        session, actor, ids.decode(drawers_queries.PREFIX, drawer_id)
    )
    totals = drawers_queries.list_totals(session, drawer.id)
    is_closed = drawer.status is DrawerStatus.CLOSED
    return render_page(
        "teller/drawer_report.html",
        drawer=drawer,
        branch=branches_queries.get_any_branch(session, drawer.branch_id),
        totals=totals,
        held=drawers_queries.read_pieces(session, drawer.id),
        is_closed=is_closed,
        is_blind=not is_closed and drawer.teller_id == actor.user_id,
        names=people.get_names(session, [drawer.teller_id]),
    )
