"""Shipments: the list, and the station where one is picked, packed and shipped."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints import file_downloads
from app.blueprints.admin import address_fields, location_field, undelivered_forms
from app.blueprints.admin.shipment_forms import (
    DELIVER,
    FIND,
    MISSING,
    PACK,
    SCAN,
    SHIP,
    START,
    STOP,
)
from app.blueprints.admin.undelivered_forms import (
    DECIDE_CLAIM,
    DECLARE_LOST,
    FILE_CLAIM,
    READDRESS,
    SEND_AGAIN,
    SETTLE,
    TAKE_BACK,
    TAKE_OVER,
)
from app.blueprints.forms import Done, Form
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
from app.catalog.rules import USD
from app.fulfillment.claims import queries as claims_queries
from app.fulfillment.claims import service as claims
from app.fulfillment.parcels import queries as parcels_queries
from app.fulfillment.parcels.queries import ParcelRow
from app.fulfillment.partners import withdrawing
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments import readdressing
from app.fulfillment.shipments import service as shipments
from app.fulfillment.shipments.queries import ShipmentRow
from app.fulfillment.shipments.rules import PREFIX, ShipmentStatus
from app.fulfillment.tracking import queries as tracking_queries
from app.fulfillment.undelivered import missing_goods, settling
from app.fulfillment.undelivered import service as undelivered
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.money import Amount, InvalidAmount
from app.tax.assessment import Delivery

blp = PageBlueprint("shipments", "/admin/shipments")


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
        claim=claims_queries.find_claim(session, shipment.id),
        successors=shipments_queries.list_successors(session, shipment.id),
        predecessor=shipment.replaces_id
        and shipments_queries.get_shipment(session, shipment.replaces_id),
        parcels_under_way=_list_under_way(shipment, parcels),
        address_values=address_fields.write_address(shipment.address),
        undelivered_forms=undelivered_forms.FORMS,
        may_settle=Permission.SHIPMENTS_WORK in actor.permissions,
        start_form=START,
        scan_form=SCAN,
        pack_form=PACK,
        stop_form=STOP,
        missing_form=MISSING,
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


@blp.form(
    "/<shipment_id>/missing",
    MISSING,
    shown_on=show_shipment,
    permission=Permission.SHIPMENTS_WORK,
)
def set_missing_aside(
    session: Session, actor: Actor, fields: Mapping[str, date], shipment_id: str
) -> None:
    """Send what was not scanned later."""
    identifier = ids.decode(PREFIX, shipment_id)
    missing_goods.set_missing_aside(session, actor, identifier, fields["expected_on"])


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


def _list_under_way(shipment: ShipmentRow, parcels: Sequence[ParcelRow]) -> list[tuple[str, str]]:
    """Return the parcels of a shipment that may come back or be lost, as choices."""
    if shipment.status is not ShipmentStatus.SHIPPED:
        return []
    return [
        (each.public_id, f"Parcel {each.number} {each.tracking_number or ''}") for each in parcels
    ]


@blp.form(
    "/<shipment_id>/back", TAKE_BACK, shown_on=show_shipment, permission=Permission.SHIPMENTS_WORK
)
def take_back(session: Session, actor: Actor, fields: Mapping[str, str], shipment_id: str) -> Done:
    """Note that a parcel of a shipment came back."""
    return _open(
        undelivered.take_back(
            session, actor, _parcel_of(session, shipment_id, fields), evidence=fields["evidence"]
        ),
        TAKE_BACK,
    )


@blp.form(
    "/<shipment_id>/lost",
    DECLARE_LOST,
    shown_on=show_shipment,
    permission=Permission.SHIPMENTS_WORK,
)
def declare_lost(
    session: Session, actor: Actor, fields: Mapping[str, str], shipment_id: str
) -> Done:
    """Note that a parcel of a shipment is lost."""
    return _open(
        undelivered.declare_lost(
            session, actor, _parcel_of(session, shipment_id, fields), evidence=fields["evidence"]
        ),
        DECLARE_LOST,
    )


@blp.form(
    "/<shipment_id>/again", SEND_AGAIN, shown_on=show_shipment, permission=Permission.SHIPMENTS_WORK
)
def send_again(
    session: Session, actor: Actor, _fields: Mapping[str, str], shipment_id: str
) -> Done:
    """Request a new shipment of goods that came back."""
    identifier = ids.decode(PREFIX, shipment_id)
    return _open(undelivered.send_again(session, actor, identifier), SEND_AGAIN)


@blp.form(
    "/<shipment_id>/settle", SETTLE, shown_on=show_shipment, permission=Permission.SHIPMENTS_WORK
)
def settle(session: Session, actor: Actor, fields: Mapping[str, str], shipment_id: str) -> Done:
    """Request what a second person settles."""
    settlement = settling.Settlement.with_value(fields["settlement"])
    if settlement is None:
        raise Invalid("settlement", "Choose what follows.")
    identifier = ids.decode(PREFIX, shipment_id)
    approval_id = settling.request_settlement(
        session, actor, identifier, settlement, reason=fields["reason"]
    )
    shown = url_for("approvals_pages.show_approval", approval_id=ids.encode("apr", approval_id))
    return Done(shown, "Settlement requested. Another person has to approve it.")


@blp.form(
    "/<shipment_id>/claim", FILE_CLAIM, shown_on=show_shipment, permission=Permission.SHIPMENTS_WORK
)
def file_claim(session: Session, actor: Actor, fields: Mapping[str, str], shipment_id: str) -> None:
    """Note a claim that was filed with the carrier."""
    claims.file(
        session,
        actor,
        ids.decode(PREFIX, shipment_id),
        claimed=_parse_dollars("amount", fields["amount"]),
        reference=fields["reference"].strip(),
    )


@blp.form(
    "/<shipment_id>/claim/decision",
    DECIDE_CLAIM,
    shown_on=show_shipment,
    permission=Permission.SHIPMENTS_WORK,
)
def decide_claim(
    session: Session, actor: Actor, fields: Mapping[str, str], shipment_id: str
) -> None:
    """Note what the carrier paid."""
    text = fields["paid"]
    paid = _parse_dollars("paid", text) if text else Amount(USD, 0)
    claims.decide(session, actor, ids.decode(PREFIX, shipment_id), paid=paid)


@blp.form(
    "/<shipment_id>/address",
    READDRESS,
    shown_on=show_shipment,
    permission=Permission.SHIPMENTS_WORK,
)
def correct_address(
    session: Session, actor: Actor, fields: Mapping[str, str], shipment_id: str
) -> None:
    """Correct the address of a shipment."""
    with address_fields.naming_fields():
        readdressing.correct_address(
            session, actor, ids.decode(PREFIX, shipment_id), address_fields.read_address(fields)
        )


@blp.form(
    "/<shipment_id>/take-over",
    TAKE_OVER,
    shown_on=show_shipment,
    permission=Permission.SHIPMENTS_WORK,
)
def take_over(session: Session, actor: Actor, fields: Mapping[str, str], shipment_id: str) -> None:
    """Take a shipment over from its partner."""
    identifier = ids.decode(PREFIX, shipment_id)
    withdrawing.take_over(session, actor, identifier, reason=fields["reason"])


def _parcel_of(session: Session, shipment_id: str, fields: Mapping[str, str]) -> UUID:
    """Return the chosen parcel of a shipment. Raises `Invalid` for one of another shipment."""
    for parcel in parcels_queries.list_parcels(session, ids.decode(PREFIX, shipment_id)):
        if parcel.public_id == fields["parcel"]:
            return parcel.id
    raise Invalid("parcel", "Choose the parcel.")


def _parse_dollars(field: str, text: str) -> Amount:
    try:
        return Amount.parse(USD, text.strip())
    except InvalidAmount:
        raise Invalid(field, "Enter the sum in US dollars, like 4000.00.") from None


def _open(shipment_id: UUID, form: Form) -> Done:
    public_id = ids.encode(PREFIX, shipment_id)
    return Done(url_for("shipments_pages.show_shipment", shipment_id=public_id), form.success)
