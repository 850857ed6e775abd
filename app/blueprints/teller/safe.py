"""The safe of the teller's branch: what it holds, and what the bank brings and collects."""

from collections.abc import Mapping
from uuid import UUID

from flask import Response, url_for

from app.access import Actor, Permission, branch_scope
from app.blueprints.forms import Done, Form
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.blueprints.teller import second_person
from app.blueprints.teller.cash_fields import declare_count
from app.counter.drawers import queries as drawers_queries
from app.counter.drawers import service as drawers
from app.counter.drawers.rules import CashPieces, parse_pieces
from app.kit.db import Session
from app.kit.errors import PermissionDenied

blp = PageBlueprint("safe", "/teller/safe")

_WORK = Permission.DRAWERS_WORK
_SCHEMA = declare_count(
    "BankCashSchema",
    witness=second_person.witness_field(),
    pin=second_person.pin_field(),
)
DELIVERY = Form(
    "delivery",
    title="Take a delivery of the bank",
    about="Two people count it.",
    schema=_SCHEMA,
    button="Put into the safe",
    success="Delivery put into the safe.",
    failure="The delivery was not booked",
    is_keyed=True,
)
COLLECTION = Form(
    "collection",
    title="Hand cash over to the bank",
    about="Two people count it.",
    schema=_SCHEMA,
    button="Hand over to the bank",
    success="Cash handed over to the bank.",
    failure="Nothing was handed over",
    is_keyed=True,
)


@blp.view("GET", "", permission=_WORK)
def show_safe(session: Session, actor: Actor) -> Response:
    """Show what the safe of the branch holds."""
    branch_id = branch_scope(actor)
    held = CashPieces() if branch_id is None else drawers_queries.read_safe(session, branch_id)
    return render_page("teller/safe.html", held=held)


@blp.view("GET", "/delivery", permission=_WORK)
def show_delivery(session: Session, actor: Actor) -> Response:
    """Show the form for a delivery of the bank."""
    return _show(session, actor, DELIVERY)


@blp.form("/delivery", DELIVERY, shown_on=show_delivery, permission=_WORK, keeps_form=False)
def take_delivery(session: Session, actor: Actor, fields: Mapping[str, str]) -> Done:
    """Take a delivery of the bank."""
    witness_id = second_person.confirm(session, actor, fields["witness"], fields["pin"])
    drawers.take_delivery(
        session, actor, _own_branch(actor), parse_pieces(fields), witness_id=witness_id
    )
    return Done(url_for("safe_pages.show_safe"))


@blp.view("GET", "/collection", permission=_WORK)
def show_collection(session: Session, actor: Actor) -> Response:
    """Show the form for what the bank collects."""
    return _show(session, actor, COLLECTION)


@blp.form("/collection", COLLECTION, shown_on=show_collection, permission=_WORK, keeps_form=False)
def send_to_bank(session: Session, actor: Actor, fields: Mapping[str, str]) -> Done:
    """Hand cash over to the bank."""
    witness_id = second_person.confirm(session, actor, fields["witness"], fields["pin"])
    drawers.send_to_bank(
        session, actor, _own_branch(actor), parse_pieces(fields), witness_id=witness_id
    )
    return Done(url_for("safe_pages.show_safe"))


def _own_branch(actor: Actor) -> UUID:
    branch_id = branch_scope(actor)
    if branch_id is None:
        raise PermissionDenied("Only tellers of a branch work with its safe.")
    return branch_id


def _show(session: Session, actor: Actor, form: Form) -> Response:
    return render_page(
        "teller/cash_form.html",
        declared=form,
        about="",
        options={"witness": second_person.list_choices(session, actor)},
        back=url_for("safe_pages.show_safe"),
    )
