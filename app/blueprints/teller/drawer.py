"""The teller's own drawer: open it, move its cash, count and close it."""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission, branch_scope
from app.blueprints.forms import Done, Form, FormSchema, choice_field
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.blueprints.teller import second_person
from app.blueprints.teller.cash_fields import declare_count
from app.branches.tills import queries as tills_queries
from app.branches.tills.rules import TillStatus
from app.catalog.rules import CashInstrument
from app.counter.drawers import closing
from app.counter.drawers import queries as drawers_queries
from app.counter.drawers import service as drawers
from app.counter.drawers.rules import DrawerStatus, parse_pieces
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid

blp = PageBlueprint("drawer", "/teller/drawer")

_OPEN_SCHEMA = declare_count(
    "OpenDrawerSchema", CashInstrument.CASH, till=choice_field("Till", "Choose a till.")
)
_MOVE_SCHEMA = declare_count("CashPiecesSchema")


class DrawerSettlementSchema(FormSchema):
    """The colleague who counted, too."""

    witness = second_person.witness_field()
    pin = second_person.pin_field()


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
HAND_OVER = Form(
    "hand-over",
    title="Hand cash over to another till",
    about="The teller of the other till counts it, too, and enters their PIN.",
    schema=declare_count(
        "HandOverSchema",
        till=choice_field("Till", "Choose a till."),
        pin=second_person.pin_field("PIN of its teller"),
    ),
    button="Hand over",
    success="Cash handed over.",
    failure="Nothing was handed over",
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
SETTLE = Form(
    "settle",
    title="Close the drawer with its variance",
    about="A colleague counts the drawer with you. If your count is right, they enter their PIN.",
    schema=DrawerSettlementSchema,
    button="Close with the variance",
    success="Drawer closed. Its report is in the list of drawers.",
    failure="The drawer was not closed",
    is_keyed=True,
)
_COUNTED = {
    DrawerStatus.CLOSED: "Drawer closed. Its report is in the list of drawers.",
    DrawerStatus.COUNTED: "The count differs from the books. Count again with a colleague.",
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


@blp.view("GET", "/hand-over", permission=Permission.DRAWERS_WORK)
def show_hand_over(session: Session, actor: Actor) -> Response:
    """Show the form that hands cash over to another till."""
    others = [
        drawer
        for drawer in drawers_queries.list_open_drawers(session, branch_scope(actor))
        if drawer.teller_id != actor.user_id
    ]
    names = people.get_names(session, [drawer.teller_id for drawer in others])
    tills = [(each.public_id, f"{each.till_code} {names[each.teller_id]}") for each in others]
    return _show_move(session, actor, HAND_OVER, till=tills)


@blp.form(
    "/hand-over",
    HAND_OVER,
    shown_on=show_hand_over,
    permission=Permission.DRAWERS_WORK,
    keeps_form=False,
)
def hand_over(session: Session, actor: Actor, fields: Mapping[str, str]) -> Done:
    """Hand cash of the drawer over to another till."""
    drawer_id = ids.try_decode(drawers_queries.PREFIX, fields["till"])
    if drawer_id is None:
        raise Invalid("till", "Choose a till.")
    receiver = drawers_queries.get_drawer(session, actor, drawer_id)
    witness_id = second_person.confirm(session, actor, receiver.teller_id, fields["pin"])
    drawers.hand_over(session, actor, drawer_id, parse_pieces(fields), witness_id=witness_id)
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


@blp.view("GET", "/settle", permission=Permission.DRAWERS_SETTLE)
def show_settle(session: Session, actor: Actor) -> Response:
    """Show the form in which a colleague confirms the count."""
    return _show_move(session, actor, SETTLE, witness=second_person.list_choices(session, actor))


@blp.form(
    "/settle",
    SETTLE,
    shown_on=show_settle,
    permission=Permission.DRAWERS_SETTLE,
    keeps_form=False,
)
def settle_variance(session: Session, actor: Actor, fields: Mapping[str, str]) -> Done:
    """Close the drawer with its variance."""
    witness_id = second_person.confirm(session, actor, fields["witness"], fields["pin"])
    closing.settle_variance(session, actor, witness_id=witness_id)
    return Done("/teller/drawer")


def _show_move(
    session: Session, actor: Actor, form: Form, **options: list[tuple[str, str]]
) -> Response:
    drawer = drawers_queries.find_own_drawer(session, actor)
    return render_page(
        "teller/cash_form.html",
        declared=form,
        about=f"At till {drawer.till_code}" if drawer else "You have no open drawer.",
        options=options,
        back=url_for("drawer_pages.show_drawer"),
    )
