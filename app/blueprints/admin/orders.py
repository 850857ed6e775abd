"""Orders of goods: the list, and one order with its goods, payments and history."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from flask import Response, url_for

from app.access import Actor, Permission
from app.approvals import queries as approvals_queries
from app.approvals.rules import ApprovalStatus
from app.blueprints.admin.order_forms import (
    CANCEL,
    NOTE,
    PREVIEW_REDUCTION,
    PREVIEW_REFUND,
    REDUCTION,
    REFUND,
    REJECT,
    RELEASE,
)
from app.blueprints.forms import Done, Form
from app.blueprints.lists import (
    Column,
    DateFilter,
    EnumFilter,
    ListPage,
    NumberFilter,
    PersonCell,
    PersonFilter,
)
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.branches import queries as branches_queries
from app.cases import queries as cases_queries
from app.documents import queries as documents_queries
from app.fulfillment.errors import CancelWindowClosed
from app.fulfillment.shipments import queries as shipments_queries
from app.funding import customer_facts
from app.funding.disputes import queries as disputes_queries
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.pricing.errors import MarketHalted, PriceStale
from app.shop.cancellations import service as cancellations
from app.shop.changes import previews, reductions
from app.shop.changes.previews import RefundPreview
from app.shop.checkout import held_orders, order_release
from app.shop.orders import listed_orders, notes
from app.shop.orders import queries as orders_queries
from app.shop.orders.notes import NoteReader
from app.shop.orders.queries import GoodsOrder
from app.shop.orders.rules import PREFIX, HoldReason, OrderStatus
from app.shop.refunds import approval
from app.shop.refunds import queries as refunds_queries
from app.shop.refunds.by_staff import REFUNDABLE, RefundRequest
from app.shop.refunds.rules import RefundTerms
from app.tax.assessment import Delivery
from app.vault import rules as vault_rules

blp = PageBlueprint("orders", "/admin/orders")


ORDERS = ListPage(
    name="orders",
    title="Orders",
    about="Goods that customers bought.",
    source=lambda _session, _actor: listed_orders.ORDERS,
    columns=(
        Column("number", "Number", lambda order: str(order.number), sort="number"),
        Column("placed", "Placed", lambda order: order.placed_at, sort="placed"),
        Column("customer", "Customer", lambda order: PersonCell(order.user_id)),
        Column("status", "Status", lambda order: order.status),
        Column("total", "Total", lambda order: order.total, is_figure=True),
        Column("units", "Units", lambda order: order.units),
        Column("destination", "Destination", lambda order: order.destination),
        Column("paid", "Paid", lambda order: order.paid_at, is_hidden=True),
        Column("id", "ID", lambda order: order.public_id, is_hidden=True),
    ),
    row_url=lambda order: url_for("orders_pages.show_order", order_id=order.public_id),
    default_sort="-placed",
    filters=(
        NumberFilter("number", "Number", hint="Like 10000001"),
        PersonFilter("customer", "Customer", hint="Email or ID"),
        EnumFilter("status", "Status", OrderStatus),
        EnumFilter("destination", "Destination", Delivery),
        DateFilter("from", "Placed from"),
        DateFilter("to", "Placed to", is_end=True),
    ),
    empty=("No orders yet", "They appear here when customers buy goods."),
    refreshes=True,
)

HELD_ORDERS = ListPage(
    name="held_orders",
    title="Orders on hold",
    about="Orders that a rule or the sanctions list stopped, the oldest first. Goods and money are"
    " kept until they are released or rejected.",
    source=lambda _session, _actor: listed_orders.HELD_ORDERS,
    columns=(
        Column("number", "Number", lambda order: str(order.number)),
        Column("held", "On hold since", lambda order: order.held_at, sort="held"),
        Column("why", "Why", lambda order: order.hold_reason_text),
        Column("customer", "Customer", lambda order: PersonCell(order.user_id)),
        Column("total", "Total", lambda order: order.total, is_figure=True),
        Column("destination", "Destination", lambda order: order.destination),
        Column("placed", "Placed", lambda order: order.placed_at, is_hidden=True),
        Column("id", "ID", lambda order: order.public_id, is_hidden=True),
    ),
    row_url=lambda order: url_for("orders_pages.show_order", order_id=order.public_id),
    default_sort="held",
    filters=(EnumFilter("why", "Why", HoldReason),),
    empty=("No orders on hold", "They appear here when a rule stops an order."),
    no_match="No order on hold matches these filters.",
    refreshes=True,
)


_REQUESTED = "Release requested. Another person has to approve it."
_REFUND_REQUESTED = "Refund requested. Another person has to approve it."
_LISTED = "Order rejected: its recipient is on the sanctions list."

blp.add_list("", ORDERS, permission=Permission.SHOP_ORDERS_READ)
blp.add_list("/held", HELD_ORDERS, permission=Permission.SHOP_ORDERS_REVIEW)


# It writes: viewing the order, with its addresses, is recorded.
@blp.view("GET", "/<order_id>", permission=Permission.SHOP_ORDERS_READ, shows=PREFIX, writes=True)
def show_order(session: Session, actor: Actor, order_id: str) -> Response:
    """Show an order of goods."""
    order = listed_orders.view_order(session, actor, ids.decode(PREFIX, order_id))
    pickup, written = order.pickup_branch_id, notes.list_notes(session, order.id)
    requests = approvals_queries.list_requests_about(session, order.public_id)
    refunds = refunds_queries.list_refunds(session, [order.id])
    is_requested = any(approval.status is ApprovalStatus.PENDING for approval in requests)
    return render_page(
        "admin/orders/order.html",
        order=order,
        approvals=requests,
        forms=_list_forms(actor, order, is_requested=is_requested),
        steps=order.events,
        notes=written,
        disputes=disputes_queries.list_bank_disputes(
            session, [deposit.id for deposit in order.deposits]
        ),
        cases=cases_queries.list_cases_on(session, actor, order.public_id),
        documents=documents_queries.list_documents_about(
            session, [order.public_id, *(refund.public_id for refund in refunds)]
        ),
        places=listed_orders.list_places(session, order.id),
        shipments=shipments_queries.list_shipments_of(session, order.id),
        pickup=branches_queries.get_any_branch(session, pickup) if pickup else None,
        refunds=refunds,
        cancellation=_find_cancellation(session, actor, order),
        cancel_form=CANCEL,
        unit_forms=_list_unit_forms(actor, order),
        customer=customer_facts.describe_customer(session, actor, order.user_id),
        names=people.get_names(
            session,
            [
                order.user_id,
                *(step.actor_id for step in order.events if step.actor_id),
                *(note.actor_id for note in written),
            ],
        ),
    )


def _list_forms(
    actor: Actor, order: GoodsOrder, *, is_requested: bool
) -> list[tuple[Form, str, bool]]:
    """Return the forms about the whole order: each with its URL, and whether it is shown."""
    order_id, permissions = order.public_id, actor.permissions
    is_reviewable = (
        order.status is OrderStatus.ON_HOLD
        and Permission.SHOP_ORDERS_REVIEW in permissions
        and order.user_id != actor.user_id
    )
    return [
        (
            RELEASE,
            url_for("orders_pages.release", order_id=order_id),
            is_reviewable and not is_requested,
        ),
        (REJECT, url_for("orders_pages.reject", order_id=order_id), is_reviewable),
        (
            NOTE,
            url_for("orders_pages.add_note", order_id=order_id),
            Permission.SHOP_ORDERS_NOTE in permissions,
        ),
    ]


def _list_unit_forms(
    actor: Actor, order: GoodsOrder
) -> list[tuple[Form, Form, str, list[tuple[str, str]]]]:
    """Return the forms about units: each that shows what goes back, the one that does it, the end
    of their URLs, and the lines to choose from."""
    allocated = {OrderStatus.ALLOCATED}
    return [
        (PREVIEW_REFUND, REFUND, "refund", _list_lines(actor, order, REFUNDABLE)),
        (PREVIEW_REDUCTION, REDUCTION, "reduction", _list_lines(actor, order, allocated)),
    ]


@blp.form(
    "/<order_id>/release",
    RELEASE,
    shown_on=show_order,
    permission=Permission.SHOP_ORDERS_REVIEW,
    fresh=True,
)
def release(session: Session, actor: Actor, fields: Mapping[str, str], order_id: str) -> Done:
    """Release an order on hold, or request that a second person approves it."""
    identifier = ids.decode(PREFIX, order_id)
    approval_id = order_release.release(session, actor, identifier, reason=fields["reason"])
    if approval_id is not None:
        public_id = ids.encode("apr", approval_id)
        return Done(url_for("approvals_pages.show_approval", approval_id=public_id), _REQUESTED)
    order = orders_queries.get_order(session, identifier)
    return Done(message=_LISTED if order.status is OrderStatus.CANCELLED else RELEASE.success)


@blp.form(
    "/<order_id>/reject",
    REJECT,
    shown_on=show_order,
    permission=Permission.SHOP_ORDERS_REVIEW,
    fresh=True,
)
def reject(session: Session, actor: Actor, fields: Mapping[str, str], order_id: str) -> None:
    """Reject an order on hold, and release what it kept."""
    held_orders.reject(session, actor, ids.decode(PREFIX, order_id), reason=fields["reason"])


def _find_cancellation(session: Session, actor: Actor, order: GoodsOrder) -> RefundTerms | None:
    """Return what the actor would give back by cancelling; None if they cannot cancel it now."""
    if Permission.SHOP_ORDERS_REFUND not in actor.permissions:
        return None
    try:
        return cancellations.quote(session, order.id)
    except (CancelWindowClosed, MarketHalted, PriceStale):
        return None


@blp.form(
    "/<order_id>/cancel",
    CANCEL,
    shown_on=show_order,
    permission=Permission.SHOP_ORDERS_REFUND,
    fresh=True,
)
def cancel_order(session: Session, actor: Actor, fields: Mapping[str, str], order_id: str) -> None:
    """Cancel a paid order for its customer."""
    identifier = ids.decode(PREFIX, order_id)
    cancellations.cancel_for_customer(session, actor, identifier, reason=fields["reason"])


@blp.form("/<order_id>/note", NOTE, shown_on=show_order, permission=Permission.SHOP_ORDERS_NOTE)
def add_note(session: Session, actor: Actor, fields: Mapping[str, str], order_id: str) -> None:
    """Add a note to an order, for staff or for its customer too."""
    reader = NoteReader.with_value(fields["reader"])
    if reader is None:
        raise Invalid("reader", "Choose who reads it.")
    notes.add_note(session, actor, ids.decode(PREFIX, order_id), fields["note"], reader)


def _list_lines(
    actor: Actor, order: GoodsOrder, statuses: Collection[OrderStatus]
) -> list[tuple[str, str]]:
    """Return the lines of which the actor may give units back in these statuses, as choices."""
    is_own = order.user_id == actor.user_id
    if Permission.SHOP_ORDERS_REFUND not in actor.permissions or is_own:
        return []
    if order.status not in statuses:
        return []
    return [
        (str(position), f"{line.quantity - line.refunded_quantity} x {line.name} ({line.sku})")
        for position, line in enumerate(order.lines)
        if line.quantity > line.refunded_quantity
    ]


def _parse_line(fields: Mapping[str, str]) -> int:
    line = fields["line"]
    if not (line.isascii() and line.isdecimal()):
        raise Invalid("line", "Choose the product.")
    return int(line)


def _parse_units_left(fields: Mapping[str, str]) -> int:
    units = fields["units"]
    return 0 if units == "0" else vault_rules.parse_units("units", units)


@contextmanager
def _at_units() -> Iterator[None]:
    """Say what is wrong with the units of an order at the field of the units."""
    try:
        yield
    except Invalid as problem:
        field = "units" if problem.field == "items" else problem.field
        raise Invalid(field, problem.message) from None


def _parse_refund(fields: Mapping[str, str]) -> RefundRequest:
    units = {_parse_line(fields): vault_rules.parse_units("units", fields["units"])}
    return RefundRequest(units, with_shipping=fields["shipping"] == "yes")


def _show_preview(
    order_id: str, preview: RefundPreview, form: Form, act: str, **values: str
) -> Done:
    order_url = url_for("orders_pages.show_order", order_id=order_id)
    page = render_page(
        "admin/orders/refund.html",
        order_url=order_url,
        preview=preview,
        declared=form,
        action=url_for(f"orders_pages.{act}", order_id=order_id),
        values=values,
    )
    return Done(order_url, page=page)


@blp.form(
    "/<order_id>/refund/preview",
    PREVIEW_REFUND,
    shown_on=show_order,
    permission=Permission.SHOP_ORDERS_REFUND,
)
def preview_refund(
    session: Session, _actor: Actor, fields: Mapping[str, str], order_id: str
) -> Done:
    """Show what a refund of units would give back, and to which payments."""
    with _at_units():
        request = _parse_refund(fields)
        preview = previews.preview_refund(session, ids.decode(PREFIX, order_id), request)
    return _show_preview(order_id, preview, REFUND, "refund_order", **fields)


@blp.form(
    "/<order_id>/refund",
    REFUND,
    shown_on=show_order,
    permission=Permission.SHOP_ORDERS_REFUND,
    fresh=True,
)
def refund_order(session: Session, actor: Actor, fields: Mapping[str, str], order_id: str) -> Done:
    """Refund units of a line, or request that a second person approves it."""
    identifier = ids.decode(PREFIX, order_id)
    with _at_units():
        request = _parse_refund(fields)
        approval_id = approval.refund(session, actor, identifier, request, reason=fields["reason"])
    if approval_id is None:
        return Done()
    public_id = ids.encode("apr", approval_id)
    return Done(url_for("approvals_pages.show_approval", approval_id=public_id), _REFUND_REQUESTED)


@blp.form(
    "/<order_id>/reduction/preview",
    PREVIEW_REDUCTION,
    shown_on=show_order,
    permission=Permission.SHOP_ORDERS_REFUND,
)
def preview_reduction(
    session: Session, _actor: Actor, fields: Mapping[str, str], order_id: str
) -> Done:
    """Show what fewer units of a line would give back, and to which payments."""
    with _at_units():
        units = {_parse_line(fields): _parse_units_left(fields)}
        preview = previews.preview_reduction(session, ids.decode(PREFIX, order_id), units)
    return _show_preview(order_id, preview, REDUCTION, "reduce_order", **fields)


@blp.form(
    "/<order_id>/reduction",
    REDUCTION,
    shown_on=show_order,
    permission=Permission.SHOP_ORDERS_REFUND,
    fresh=True,
)
def reduce_order(session: Session, actor: Actor, fields: Mapping[str, str], order_id: str) -> None:
    """Lower the units of a line of a paid order for its customer."""
    identifier = ids.decode(PREFIX, order_id)
    with _at_units():
        units = {_parse_line(fields): _parse_units_left(fields)}
        reductions.reduce_for_customer(session, actor, identifier, units, reason=fields["reason"])
