"""Parcels: the manifest of a day, and their labels."""

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints import file_downloads
from app.blueprints.admin import location_field
from app.blueprints.lists import BulkAction, Column, DateFilter, EnumFilter, ListPage
from app.blueprints.page_blueprint import PageBlueprint
from app.fulfillment.carriers.rules import Carrier
from app.fulfillment.labels import queries as labels_queries
from app.fulfillment.parcels import queries as parcels_queries
from app.fulfillment.shipments import following
from app.fulfillment.shipments.rules import ShipmentStatus
from app.kit import ids
from app.kit.db import Session

blp = PageBlueprint("parcels", "/admin/parcels")

PARCELS = ListPage(
    name="parcels",
    title="Parcels",
    about="The manifest: what a carrier takes on a day. Filter by status, carrier and location,"
    " download or print the list for the driver, and select what was taken.",
    source=lambda _session, _actor: parcels_queries.PARCELS,
    columns=(
        Column("leaves", "Leaves", lambda row: row.ships_on, sort="ships_on"),
        Column("shipment", "Shipment", lambda row: str(row.shipment_number)),
        Column("number", "Parcel", lambda row: row.number),
        Column("carrier", "Carrier", lambda row: row.carrier),
        Column("tracking", "Tracking number", lambda row: row.tracking_number, is_code=True),
        Column("status", "Status of the shipment", lambda row: row.shipment_status),
        Column("location", "Location", lambda row: row.location_code, is_code=True),
        Column("value", "Insured for", lambda row: row.value, is_figure=True),
        Column("grams", "Grams", lambda row: row.grams),
        Column("speed", "Speed", lambda row: row.speed, is_hidden=True),
        Column("id", "ID", lambda row: row.public_id, is_hidden=True),
    ),
    row_url=lambda row: url_for(
        "shipments_pages.show_shipment", shipment_id=row.shipment_public_id
    ),
    default_sort="-ships_on",
    filters=(
        EnumFilter("status", "Status of the shipment", ShipmentStatus),
        EnumFilter("carrier", "Carrier", Carrier),
        location_field.location_filter(),
        DateFilter("from", "Leaves from"),
        DateFilter("to", "Leaves to", is_end=True),
    ),
    empty=("No parcels yet", "They appear here when shipments are packed."),
    bulk_actions=(
        BulkAction(
            "take",
            "Carrier has them",
            Permission.SHIPMENTS_WORK,
            parcels_queries.PREFIX,
            following.hand_to_carrier,
            ("parcel is on its way.", "parcels are on their way."),
        ),
    ),
    refreshes=True,
)

blp.add_list("", PARCELS, permission=Permission.SHIPMENTS_READ)


@blp.view("GET", "/<parcel_id>/label.pdf", permission=Permission.SHIPMENTS_WORK)
def download_label(session: Session, _actor: Actor, parcel_id: str) -> Response:
    """Download the label of a parcel."""
    parcel = parcels_queries.get_parcel(session, ids.decode(parcels_queries.PREFIX, parcel_id))
    document = labels_queries.label_document(session, parcel.id)
    name = f"label-{parcel.tracking_number}.pdf"
    response = file_downloads.respond(document, name, "application/pdf")
    response.headers["Cache-Control"] = "no-store"
    return response
