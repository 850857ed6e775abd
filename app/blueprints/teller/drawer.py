"""The teller's own drawer: open it, move cash to the safe and back, count and close it."""

from collections.abc import Mapping

from flask import Response

from app.access import Actor, Permission, branch_scope
from app.blueprints.forms import Done, Form, choice_field
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.blueprints.teller.cash_fields import declare_count
from app.branches.tills import queries as tills_queries
from app.branches.tills.rules import TillStatus
from app.catalog.rules import CashInstrument
from app.counter.drawers import closing
from app.counter.drawers import queries as drawers_queries
from app.counter.drawers import service as drawers
from app.counter.drawers.rules import DrawerStatus, parse_pieces
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid

blp = PageBlueprint("drawer", "/teller/drawer")

_OPEN_SCHEMA = declare_count(
    "OpenDrawerSchema", CashInstrument.CASH, till=choice_field("Till", "Choose a till.")
)
_MOVE_SCHEMA = declare_count("CashPiecesSchema")
OPEN = Form(
    "open",
    title="Open a drawer",
    about="Count the float that you take out of the safe.",
    schema=_OPEN_SCHEMA,
    button="Open drawer",
    success="Drawer opened.",
    failure="The drawer was not opened",
    is_keyed=True,
)
DROP = Form(
    "drop",
    title="Put cash into the safe",
    schema=_MOVE_SCHEMA,
    button="Put into the safe",
    success="Cash put into the safe.",
    failure="Nothing was moved",
    is_keyed=True,
)
REFILL = Form(
    "refill",
    title="Take cash out of the safe",
    schema=_MOVE_SCHEMA,
    button="Put into the drawer",
    success="Cash put into the drawer.",
    failure="Nothing was moved",
    is_keyed=True,
)
COUNT = Form(
    "count",
    title="Count and close the drawer",
    about="Count everything in the drawer and put it into the safe. What is expected is not shown.",
    schema=_MOVE_SCHEMA,
    button="Close drawer",
    failure="The drawer was not counted",
    confirm="Is this what you counted? The drawer is closed with it.",
    is_keyed=True,
)
_COUNTED = {
    DrawerStatus.CLOSED: "Drawer closed. Its report is in the list of drawers.",
    DrawerStatus.COUNTED: "The count differs from the books. A second person decides. If you"
    " miscounted, count again.",
}


@blp.view("GET", "", permission=Permission.DRAWERS_WORK)
def show_drawer(session: Session, actor: Actor) -> Response:
    """Show the state of the teller's drawer, and what they can do with it."""
    branch_id, drawer = branch_scope(actor), drawers_queries.find_own_drawer(session, actor)
    tills = [] if branch_id is None else tills_queries.list_tills(session, branch_id)
    return render_page(
        "teller/drawer.html",
        drawer=drawer,
        tills=[
            (till.public_id, f"{till.code} {till.name}")
            for till in tills
            if till.status is TillStatus.OPEN
        ],
        open_form=OPEN,
        forms=[OPEN, DROP, REFILL, COUNT],
    )


@blp.form("", OPEN, shown_on=show_drawer, permission=Permission.DRAWERS_WORK)
def open_drawer(session: Session, actor: Actor, fields: Mapping[str, str]) -> None:
    """Open a drawer."""
    till_id = ids.try_decode("til", fields["till"])
    if till_id is None:
        raise Invalid("till", "Choose a till.")
    drawers.open_drawer(session, actor, till_id, parse_pieces(fields))


@blp.view("GET", "/drop", permission=Permission.DRAWERS_WORK)
def show_drop(session: Session, actor: Actor) -> Response:
    """Show the form that puts cash into the safe."""
    return _show_move(session, actor, DROP)


@blp.form("/drop", DROP, shown_on=show_drop, permission=Permission.DRAWERS_WORK)
def drop(session: Session, actor: Actor, fields: Mapping[str, str]) -> Done:
    """Put cash of the drawer into the safe."""
    drawers.drop(session, actor, parse_pieces(fields))
    return Done("/teller/drawer")


@blp.view("GET", "/refill", permission=Permission.DRAWERS_WORK)
def show_refill(session: Session, actor: Actor) -> Response:
    """Show the form that takes cash out of the safe."""
    return _show_move(session, actor, REFILL)


@blp.form("/refill", REFILL, shown_on=show_refill, permission=Permission.DRAWERS_WORK)
def refill(session: Session, actor: Actor, fields: Mapping[str, str]) -> Done:
    """Put cash of the safe into the drawer."""
    drawers.refill(session, actor, parse_pieces(fields))
    return Done("/teller/drawer")


@blp.view("GET", "/count", permission=Permission.DRAWERS_SETTLE)
def show_count(session: Session, actor: Actor) -> Response:
    """Show the form in which the teller counts the drawer."""
    return _show_move(session, actor, COUNT)


@blp.form("/count", COUNT, shown_on=show_count, permission=Permission.DRAWERS_SETTLE)
def count_drawer(session: Session, actor: Actor, fields: Mapping[str, str]) -> Done:
    """Count the drawer and close it."""
    status = closing.count_drawer(session, actor, parse_pieces(fields))
    return Done("/teller/drawer", _COUNTED[status])


def _show_move(session: Session, actor: Actor, form: Form) -> Response:
    return render_page(
        "teller/cash_form.html",
        drawer=drawers_queries.find_own_drawer(session, actor),
        declared=form,
    )
