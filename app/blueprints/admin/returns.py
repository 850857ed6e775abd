"""Returns of goods by their customers: the list, and one return with every act of staff."""

from collections.abc import Mapping
from typing import Any

from flask import Response, url_for

from app.access import Actor, Permission
from app.approvals import queries as approvals_queries
from app.approvals.rules import ApprovalStatus
from app.blueprints.admin import location_field
from app.blueprints.admin.return_forms import (
    APPROVE,
    CANCEL,
    EXCHANGE,
    INSPECT,
    OPEN,
    PHOTO,
    RECEIVE,
    REFUND,
    REFUSE,
    SEND_BACK,
)
from app.blueprints.forms import Done, Form
from app.blueprints.lists import (
    Column,
    EnumFilter,
    ListPage,
    NumberFilter,
    PersonCell,
    PersonFilter,
)
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.tracking import queries as tracking_queries
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid, Refusal
from app.shop.orders import queries as orders_queries
from app.shop.orders.rules import PREFIX as ORDER_PREFIX
from app.shop.refunds import refundable
from app.shop.refunds.rules import RefundTerms
from app.shop.returns import (
    approval,
    arrivals,
    inspections,
    outcomes,
    queries,
    refund_terms,
    requesting,
)
from app.shop.returns.queries import GoodsReturn
from app.shop.returns.requesting import ReturnRequest
from app.shop.returns.rules import (
    EXPECTED,
    PHOTO_PREFIX,
    PREFIX,
    Finding,
    ReturnReason,
    ReturnStatus,
    ReturnWay,
    ReturnWish,
)
from app.vault import rules as vault_rules

blp = PageBlueprint("returns", "/admin/returns")

_DISPLAY_ONLY = "default-src 'none'; sandbox"
_REQUESTED = "Refund requested. Another person has to approve it."

RETURNS = ListPage(
    name="returns",
    title="Returns",
    about="Goods that customers have and send back. They are the customer's until they are"
    " inspected; what PBCEx takes is put into quarantine.",
    source=lambda _session, _actor: queries.RETURNS,
    columns=(
        Column("number", "Number", lambda row: str(row.number), sort="number"),
        Column("requested", "Requested", lambda row: row.requested_at, sort="requested"),
        Column("order", "Order", lambda row: str(row.order_number)),
        Column("customer", "Customer", lambda row: PersonCell(row.user_id)),
        Column("status", "Status", lambda row: row.status),
        Column("reason", "Reason", lambda row: row.reason),
        Column("wish", "Wants", lambda row: row.wish),
        Column("way", "Comes", lambda row: row.way),
        Column("location", "Location", lambda row: row.location_code, is_code=True),
        Column("finding", "Found", lambda row: row.finding, is_hidden=True),
        Column("ended", "Ended", lambda row: row.ended_at, is_hidden=True),
        Column("id", "ID", lambda row: row.public_id, is_hidden=True),
    ),
    row_url=lambda row: url_for("returns_pages.show_return", return_id=row.public_id),
    default_sort="-requested",
    filters=(
        NumberFilter("number", "Number", hint="Like 70000001"),
        NumberFilter("order", "Order", hint="Like 10000001"),
        PersonFilter("customer", "Customer", hint="Email or ID"),
        EnumFilter("status", "Status", ReturnStatus),
        EnumFilter("reason", "Reason", ReturnReason),
    ),
    empty=("No returns yet", "They appear here when customers return goods."),
    refreshes=True,
)


list_returns = blp.add_list("", RETURNS, permission=Permission.SHOP_ORDERS_READ)


@blp.view("GET", "/orders/<order_id>", permission=Permission.SHOP_ORDERS_READ)
def show_order_returns(session: Session, actor: Actor, order_id: str) -> Response:
    """Show the returns of an order, and the form to open one for its customer."""
    order = orders_queries.get_order(session, ids.decode(ORDER_PREFIX, order_id))
    may_open = Permission.SHOP_ORDERS_REFUND in actor.permissions and order.user_id != actor.user_id
    return render_page(
        "admin/returns/order.html",
        order=order,
        returns=queries.list_returns(session, order.id),
        open_form=OPEN,
        may_open=may_open,
        lines=[
            (str(position), f"{line.quantity} x {line.name} ({line.sku})")
            for position, line in enumerate(order.lines)
        ],
    )


@blp.form(
    "/orders/<order_id>",
    OPEN,
    shown_on=show_order_returns,
    permission=Permission.SHOP_ORDERS_REFUND,
)
def open_return(session: Session, actor: Actor, fields: Mapping[str, str], order_id: str) -> Done:
    """Open a return for the customer of an order."""
    line = fields["line"]
    if not (line.isascii() and line.isdecimal()):
        raise Invalid("line", "Choose the product.")
    wanted = ReturnRequest(
        {int(line): vault_rules.parse_units("units", fields["units"])},
        ReturnReason(fields["why"]),
        ReturnWay(fields["way"]),
        ReturnWish(fields["wish"]),
    )
    identifier = ids.decode(ORDER_PREFIX, order_id)
    try:
        returned = requesting.request_for_customer(
            session, actor, identifier, wanted, reason=fields["reason"]
        )
    except Invalid as problem:
        field = "units" if problem.field == "items" else problem.field
        raise Invalid(field, problem.message) from None
    return Done(url_for("returns_pages.show_return", return_id=returned.public_id))


@blp.view("GET", "/<return_id>", permission=Permission.SHOP_ORDERS_READ, shows=PREFIX)
def show_return(session: Session, actor: Actor, return_id: str) -> Response:
    """Show a return, its timeline, and every act that its status allows."""
    returned = queries.get_return(session, ids.decode(PREFIX, return_id))
    requests = approvals_queries.list_requests_about(session, returned.public_id)
    photos = inspections.list_photos(session, returned.id)
    return render_page(
        "admin/returns/return.html",
        returned=returned,
        approvals=requests,
        photos=photos,
        track=tracking_queries.parcel_track(session, returned.id),
        shipments=shipments_queries.list_shipments_of(session, returned.id),
        terms=_find_terms(session, returned),
        refund_form=REFUND,
        forms=_list_forms(actor, returned, requests, return_id),
        locations=location_field.list_choices(session),
        steps=returned.events,
        names=people.get_names(
            session,
            [
                returned.user_id,
                *(step.actor_id for step in returned.events if step.actor_id),
                *(photo.added_by for photo in photos),
            ],
        ),
    )


def _find_terms(session: Session, returned: GoodsReturn) -> RefundTerms | None:
    """Return what would be refunded now; None where nothing can be."""
    order = refundable.get_order(session, returned.order_id)
    parts = refundable.list_parts(session, order.id)
    try:
        return refund_terms.draw_up(session, order, parts, returned)
    except Refusal:
        return None


def _list_forms(
    actor: Actor, returned: GoodsReturn, requests: Any, return_id: str
) -> list[tuple[Form, str, bool]]:
    """Return each form, its URL, and whether the actor may send it in this status."""
    decides = (
        Permission.SHOP_ORDERS_REFUND in actor.permissions and returned.user_id != actor.user_id
    )
    works = Permission.SHIPMENTS_WORK in actor.permissions
    status = returned.status
    is_inspected = status is ReturnStatus.INSPECTED
    is_new = status is ReturnStatus.REQUESTED
    is_here = status is ReturnStatus.RECEIVED
    is_asked = any(request.status is ApprovalStatus.PENDING for request in requests)
    acts = (
        (APPROVE, "approve", decides and is_new),
        (REFUSE, "refuse", decides and is_new),
        (RECEIVE, "receive", works and status in EXPECTED),
        (PHOTO, "add_photo", works and (is_here or is_inspected)),
        (INSPECT, "inspect", works and is_here),
        (REFUND, "refund", decides and is_inspected and not is_asked),
        (EXCHANGE, "exchange", decides and is_inspected),
        (SEND_BACK, "send_back", decides and is_inspected),
        (CANCEL, "cancel", decides and (is_new or status is ReturnStatus.APPROVED)),
    )
    return [
        (form, url_for(f"returns_pages.{act}", return_id=return_id), is_open)
        for form, act, is_open in acts
    ]


@blp.view("GET", "/photos/<photo_id>", permission=Permission.SHOP_ORDERS_READ)
def show_photo(session: Session, _actor: Actor, photo_id: str) -> Response:
    """Show a photo of goods that came back."""
    content = inspections.read_photo(session, ids.decode(PHOTO_PREFIX, photo_id))
    response = Response(content, content_type=inspections.MEDIA_TYPE)
    response.headers["Content-Security-Policy"] = _DISPLAY_ONLY
    response.headers["Content-Disposition"] = "inline"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


@blp.form(
    "/<return_id>/approve",
    APPROVE,
    shown_on=show_return,
    permission=Permission.SHOP_ORDERS_REFUND,
)
def approve(session: Session, actor: Actor, fields: Mapping[str, str], return_id: str) -> None:
    """Approve a return."""
    requesting.approve(session, actor, ids.decode(PREFIX, return_id), **fields)


@blp.form(
    "/<return_id>/refuse", REFUSE, shown_on=show_return, permission=Permission.SHOP_ORDERS_REFUND
)
def refuse(session: Session, actor: Actor, fields: Mapping[str, str], return_id: str) -> None:
    """Refuse a return before its goods come."""
    requesting.refuse(session, actor, ids.decode(PREFIX, return_id), reason=fields["reason"])


@blp.form(
    "/<return_id>/receive", RECEIVE, shown_on=show_return, permission=Permission.SHIPMENTS_WORK
)
def receive(session: Session, actor: Actor, fields: Mapping[str, str], return_id: str) -> None:
    """Receive the goods of a return."""
    arrivals.receive(session, actor, ids.decode(PREFIX, return_id), scans=fields["scans"])


@blp.form("/<return_id>/photos", PHOTO, shown_on=show_return, permission=Permission.SHIPMENTS_WORK)
def add_photo(session: Session, actor: Actor, fields: Mapping[str, Any], return_id: str) -> None:
    """Add a photo of goods that came back."""
    file, identifier = fields["file"], ids.decode(PREFIX, return_id)
    inspections.add_photo(session, actor, identifier, raw=file.content, name=file.name)


@blp.form(
    "/<return_id>/inspect", INSPECT, shown_on=show_return, permission=Permission.SHIPMENTS_WORK
)
def inspect(session: Session, actor: Actor, fields: Mapping[str, str], return_id: str) -> None:
    """Record what an inspection found."""
    inspections.inspect(
        session,
        actor,
        ids.decode(PREFIX, return_id),
        Finding(fields["finding"]),
        text=fields["reason"],
    )


@blp.form(
    "/<return_id>/refund",
    REFUND,
    shown_on=show_return,
    permission=Permission.SHOP_ORDERS_REFUND,
    fresh=True,
)
def refund(
    session: Session, actor: Actor, fields: Mapping[str, str], return_id: str
) -> Done | None:
    """Refund a return, or request that a second person approves it."""
    identifier = ids.decode(PREFIX, return_id)
    approval_id = approval.refund(session, actor, identifier, reason=fields["reason"])
    if approval_id is None:
        return None
    public_id = ids.encode("apr", approval_id)
    return Done(url_for("approvals_pages.show_approval", approval_id=public_id), _REQUESTED)


@blp.form(
    "/<return_id>/exchange",
    EXCHANGE,
    shown_on=show_return,
    permission=Permission.SHOP_ORDERS_REFUND,
    fresh=True,
)
def exchange(session: Session, actor: Actor, fields: Mapping[str, str], return_id: str) -> None:
    """Give the customer other units for those that came back."""
    outcomes.exchange(session, actor, ids.decode(PREFIX, return_id), reason=fields["reason"])


@blp.form(
    "/<return_id>/back", SEND_BACK, shown_on=show_return, permission=Permission.SHOP_ORDERS_REFUND
)
def send_back(session: Session, actor: Actor, fields: Mapping[str, str], return_id: str) -> None:
    """Send the goods of a return back to their customer."""
    outcomes.send_back(session, actor, ids.decode(PREFIX, return_id), reason=fields["reason"])


@blp.form(
    "/<return_id>/cancel", CANCEL, shown_on=show_return, permission=Permission.SHOP_ORDERS_REFUND
)
def cancel(session: Session, actor: Actor, fields: Mapping[str, str], return_id: str) -> None:
    """Cancel a return for its customer, before the goods come."""
    requesting.cancel_for_customer(
        session, actor, ids.decode(PREFIX, return_id), reason=fields["reason"]
    )
