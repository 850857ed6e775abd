"""The counter for goods: they are handed over against a code and a document."""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.forms import Form, FormSchema, choice_field, code_field, text_field, tick_field
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.fulfillment.collection import service as collection
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments.rules import PREFIX, ShipmentStatus
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid

blp = PageBlueprint("collection", "/teller/collection")

_DOCUMENTS = (
    ("passport", "Passport"),
    ("driving licence", "Driving licence"),
    ("identity card", "Identity card"),
)


class CollectionNumberSchema(FormSchema):
    """The number of what a customer collects."""

    number = text_field(
        "Number", "Enter the number.", hint="Of the order, the redemption or the shipment"
    )


class CollectionSchema(FormSchema):
    """The code that the customer said, and the document that they showed."""

    code = code_field("Enter the code that the customer tells you.", "Code of the customer")
    document = choice_field("Document shown", "Choose a document from the list.", _DOCUMENTS)
    compared = tick_field(
        "The document is valid, names this customer, and its photo looks like them",
        "Compare the document with the customer, then tick the box.",
    )


FIND = Form(
    "collection",
    title="Find the goods",
    schema=CollectionNumberSchema,
    button="Find",
    failure="Nothing waits with this number",
)
HAND_OVER = Form(
    "hand-over",
    title="Hand the goods over",
    about="Ask for the code that we sent to the customer, and for their document.",
    schema=CollectionSchema,
    button="Customer has the goods",
    success="Goods handed over.",
    failure="Stop: do not hand the goods over",
)
NEW_CODE = Form(
    "new-code",
    title="Send a new code",
    schema=FormSchema,
    button="Send a new code",
    success="A new code was sent to the customer's email address. The earlier one no longer works.",
    failure="No code was sent",
    is_secondary=True,
)


@blp.view("GET", "", permission=Permission.SHIPMENTS_HAND_OVER)
def show_collection(_session: Session, _actor: Actor) -> Response:
    """Find the goods that a customer collects."""
    return render_page("teller/collection.html", find_form=FIND)


@blp.form("", FIND, shown_on=show_collection, permission=Permission.SHIPMENTS_HAND_OVER)
def find_collection(session: Session, actor: Actor, fields: Mapping[str, str]) -> str:
    """Open the goods with a number that wait at the branch."""
    shipment = shipments_queries.find_waiting(session, actor, fields["number"])
    if shipment is None:
        raise Invalid("number", "No goods with this number wait here. Check the number.")
    return url_for("collection_pages.show_goods", shipment_id=shipment.public_id)


@blp.view("GET", "/<shipment_id>", permission=Permission.SHIPMENTS_HAND_OVER)
def show_goods(session: Session, actor: Actor, shipment_id: str) -> Response:
    """Show the goods that a customer collects, and the form to hand them over."""
    shipment = collection.get_waiting(session, actor, ids.decode(PREFIX, shipment_id))
    return render_page(
        "teller/collection_goods.html",
        shipment=shipment,
        lines=shipments_queries.list_lines(session, shipment.id),
        name=people.get_names(session, [shipment.user_id])[shipment.user_id],
        is_waiting=shipment.status is ShipmentStatus.PACKED,
        hand_over_form=HAND_OVER,
        code_form=NEW_CODE,
    )


@blp.form(
    "/<shipment_id>",
    HAND_OVER,
    shown_on=show_goods,
    permission=Permission.SHIPMENTS_HAND_OVER,
    keeps_form=False,
)
def hand_over(session: Session, actor: Actor, fields: Mapping[str, str], shipment_id: str) -> None:
    """Hand the goods to the customer."""
    collection.hand_over(
        session,
        actor,
        ids.decode(PREFIX, shipment_id),
        code=fields["code"],
        document=fields["document"],
    )


@blp.form(
    "/<shipment_id>/code",
    NEW_CODE,
    shown_on=show_goods,
    permission=Permission.SHIPMENTS_HAND_OVER,
)
def send_new_code(
    session: Session, actor: Actor, _fields: Mapping[str, str], shipment_id: str
) -> None:
    """Send the customer a new code."""
    collection.send_new_code(session, actor, ids.decode(PREFIX, shipment_id))
