"""Shipments: the list, and the station where one is picked, packed and shipped."""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints import file_downloads
from app.blueprints.admin import location_field
from app.blueprints.forms import Form, FormSchema, text_field
from app.blueprints.lists import (
    Column,
    EnumFilter,
    ListForm,
    ListPage,
    NumberFilter,
    PersonCell,
    PersonFilter,
)
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.branches import queries as branches_queries
from app.fulfillment.parcels import queries as parcels_queries
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments import service as shipments
from app.fulfillment.shipments.rules import PREFIX, ShipmentStatus
from app.fulfillment.tracking import queries as tracking_queries
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.tax.assessment import Delivery
from app.vault.rules import clean_text

blp = PageBlueprint("shipments", "/admin/shipments")


class NumberSchema(FormSchema):
    """The number of an order or a shipment."""

    number = text_field(
        "Number", "Scan or enter a number.", hint="Of the order, the redemption or the shipment"
    )


class ScanSchema(FormSchema):
    """What a scanner read."""

    code = text_field(
        "Serial or SKU",
        "Scan or enter what you have in your hand.",
        hint="Bars by their serial. Other goods by their SKU; several like AU-EAGLE-1OZ*5.",
    )


class HandoverSchema(FormSchema):
    """What shows that another person has the shipment now."""

    evidence = text_field(
        "Evidence",
        "Enter what shows it, such as the carrier's number.",
        hint="Such as the carrier and its number",
        check=lambda text: clean_text("evidence", text),
    )


FIND = Form(
    "station",
    title="Open the packing station",
    about="Scan the number on the picking list. The shipment opens, with what is to be picked.",
    schema=NumberSchema,
    button="Open",
    failure="There is no such shipment",
)
START = Form(
    "start",
    title="Start picking",
    schema=FormSchema,
    button="Start picking",
    success="Picking has begun. The shipment can no longer be cancelled.",
    failure="Picking was not begun",
)
SCAN = Form(
    "scan",
    title="Scan the goods",
    schema=ScanSchema,
    button="Count",
    failure="Stop: these goods do not belong here",
)
PACK = Form(
    "pack",
    title="Pack",
    schema=FormSchema,
    button="Goods are packed",
    success="Goods packed.",
    failure="The goods were not packed",
)
STOP = Form(
    "stop",
    title="Put the goods back",
    schema=FormSchema,
    button="Put the goods back",
    success="The shipment is to be picked again.",
    failure="The goods were not put back",
    is_secondary=True,
    confirm="Put the goods back on the shelf? They are to be scanned again later.",
)
SHIP = Form(
    "ship",
    title="Hand to the carrier",
    schema=HandoverSchema,
    button="Carrier has it",
    success="Shipment shipped.",
    failure="The shipment was not shipped",
)
DELIVER = Form(
    "deliver",
    title="Record the delivery",
    schema=HandoverSchema,
    button="Customer has it",
    success="Shipment delivered.",
    failure="The delivery was not recorded",
)

SHIPMENTS = ListPage(
    name="shipments",
    title="Shipments",
    about="Goods that leave: to be picked, packed, on their way and delivered.",
    source=lambda _session, _actor: shipments_queries.SHIPMENTS,
    columns=(
        Column("number", "Number", lambda row: str(row.number), sort="number"),
        Column("requested", "Requested", lambda row: row.requested_at, sort="requested"),
        Column("subject", "For", lambda row: f"{row.subject_type.label} {row.subject_number}"),
        Column("customer", "Customer", lambda row: PersonCell(row.user_id)),
        Column("status", "Status", lambda row: row.status),
        Column("location", "Location", lambda row: row.location_code, is_code=True),
        Column("units", "Units", lambda row: row.units),
        Column("value", "Value", lambda row: row.value, is_figure=True),
        Column("delivery", "Delivery", lambda row: row.delivery),
        Column("strategy", "Sent by", lambda row: row.strategy, is_hidden=True, is_code=True),
        Column("id", "ID", lambda row: row.public_id, is_hidden=True),
    ),
    row_url=lambda row: url_for("shipments_pages.show_shipment", shipment_id=row.public_id),
    default_sort="-requested",
    filters=(
        NumberFilter("number", "Number", hint="Like 50000001"),
        PersonFilter("customer", "Customer", hint="Email or ID"),
        EnumFilter("status", "Status", ShipmentStatus),
        EnumFilter("delivery", "Delivery", Delivery),
        location_field.location_filter(),
    ),
    empty=("No shipments yet", "They appear here when orders whose goods leave are paid."),
    refreshes=True,
)

list_shipments = blp.add_list(
    "",
    SHIPMENTS,
    permission=Permission.SHIPMENTS_READ,
    form=ListForm(FIND, Permission.SHIPMENTS_WORK, lambda _session, _actor: {}),
)


@blp.form("", FIND, shown_on=list_shipments, permission=Permission.SHIPMENTS_WORK)
def find_shipment(session: Session, _actor: Actor, fields: Mapping[str, str]) -> str:
    """Open the shipment with a number."""
    shipment = shipments_queries.find_shipment(session, fields["number"])
    if shipment is None:
        raise Invalid("number", "Nothing with this number is to be picked. Check the number.")
    return url_for("shipments_pages.show_shipment", shipment_id=shipment.public_id)


# It writes: viewing the shipment, with its address, is recorded.
@blp.view("GET", "/<shipment_id>", permission=Permission.SHIPMENTS_READ, shows=PREFIX, writes=True)
def show_shipment(session: Session, actor: Actor, shipment_id: str) -> Response:
    """Show a shipment with the act that comes next."""
    shipment = shipments.view(session, actor, ids.decode(PREFIX, shipment_id))
    lines = shipments_queries.list_lines(session, shipment.id)
    steps = shipments_queries.list_steps(session, [shipment.id])[shipment.id]
    branch_id = shipment.branch_id
    parcels = parcels_queries.list_parcels(session, shipment.id)
    parcel_ids = [parcel.id for parcel in parcels]
    return render_page(
        "admin/shipments/shipment.html",
        shipment=shipment,
        lines=lines,
        steps=steps,
        parcels=parcels,
        tracks=tracking_queries.parcel_tracks(session, parcel_ids),
        contents=parcels_queries.units_by_parcel(session, parcel_ids),
        numbers=", ".join(
            f"{parcel.carrier.label} {parcel.tracking_number}"
            for parcel in parcels
            if parcel.tracking_number
        ),
        branch=branches_queries.get_any_branch(session, branch_id) if branch_id else None,
        may_work=Permission.SHIPMENTS_WORK in actor.permissions and not shipment.is_entrusted,
        may_hand_over=Permission.SHIPMENTS_HAND_OVER in actor.permissions
        and (shipment.delivery, shipment.status) == (Delivery.PICKUP, ShipmentStatus.PACKED),
        is_complete=not any(line.missing for line in lines),
        names=people.get_names(
            session, [shipment.user_id, *(step.actor_id for step in steps if step.actor_id)]
        ),
        start_form=START,
        scan_form=SCAN,
        pack_form=PACK,
        stop_form=STOP,
        ship_form=SHIP,
        deliver_form=DELIVER,
    )


@blp.view("GET", "/<shipment_id>/slip.pdf", permission=Permission.SHIPMENTS_READ, writes=True)
def download_slip(session: Session, actor: Actor, shipment_id: str) -> Response:
    """Download the packing slip of a shipment."""
    shipment = shipments.view(session, actor, ids.decode(PREFIX, shipment_id))
    lines = shipments_queries.list_lines(session, shipment.id)
    name = people.get_names(session, [shipment.user_id])[shipment.user_id]
    from app.fulfillment.shipments import packing_slip  # noqa: PLC0415 - its library takes 20 MB

    pdf = packing_slip.render_pdf(shipment, lines, name)
    response = file_downloads.respond(pdf, f"packing-slip-{shipment.number}.pdf", "application/pdf")
    response.headers["Cache-Control"] = "no-store"
    return response


@blp.form(
    "/<shipment_id>/start", START, shown_on=show_shipment, permission=Permission.SHIPMENTS_WORK
)
def start_picking(
    session: Session, actor: Actor, _fields: Mapping[str, str], shipment_id: str
) -> None:
    """Begin to pick a shipment."""
    shipments.start_picking(session, actor, ids.decode(PREFIX, shipment_id))


@blp.form("/<shipment_id>/scan", SCAN, shown_on=show_shipment, permission=Permission.SHIPMENTS_WORK)
def scan(session: Session, actor: Actor, fields: Mapping[str, str], shipment_id: str) -> None:
    """Count goods that were scanned."""
    shipments.scan(session, actor, ids.decode(PREFIX, shipment_id), fields["code"])


@blp.form("/<shipment_id>/pack", PACK, shown_on=show_shipment, permission=Permission.SHIPMENTS_WORK)
def pack(session: Session, actor: Actor, _fields: Mapping[str, str], shipment_id: str) -> None:
    """Note that the goods are packed."""
    shipments.pack(session, actor, ids.decode(PREFIX, shipment_id))


@blp.form("/<shipment_id>/stop", STOP, shown_on=show_shipment, permission=Permission.SHIPMENTS_WORK)
def stop_picking(
    session: Session, actor: Actor, _fields: Mapping[str, str], shipment_id: str
) -> None:
    """Put the goods back on the shelf."""
    shipments.stop_picking(session, actor, ids.decode(PREFIX, shipment_id))


@blp.form("/<shipment_id>/ship", SHIP, shown_on=show_shipment, permission=Permission.SHIPMENTS_WORK)
def ship(session: Session, actor: Actor, fields: Mapping[str, str], shipment_id: str) -> None:
    """Note that the carrier took the shipment."""
    shipments.ship(
        session, actor, ids.decode(PREFIX, shipment_id), evidence=fields["evidence"].strip()
    )


@blp.form(
    "/<shipment_id>/deliver", DELIVER, shown_on=show_shipment, permission=Permission.SHIPMENTS_WORK
)
def deliver(session: Session, actor: Actor, fields: Mapping[str, str], shipment_id: str) -> None:
    """Note that the customer has the goods."""
    shipments.deliver(
        session, actor, ids.decode(PREFIX, shipment_id), evidence=fields["evidence"].strip()
    )
