"""Purchase orders: the list, and one with what comes next."""

from collections.abc import Mapping
from typing import Any

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints import file_downloads
from app.blueprints.admin import location_field
from app.blueprints.admin.purchase_forms import (
    APPROVE,
    CANCEL,
    CLOSE,
    CONFIRM,
    INVOICE,
    RECEIVE,
    read_costs,
)
from app.blueprints.lists import Column, EnumFilter, Filter, ListPage, NumberFilter, PersonCell
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.fulfillment.restock.invoices import queries as invoices_queries
from app.fulfillment.restock.invoices import service as invoices
from app.fulfillment.restock.purchase_orders import approval
from app.fulfillment.restock.purchase_orders import queries as purchases_queries
from app.fulfillment.restock.purchase_orders import service as purchases
from app.fulfillment.restock.purchase_orders.rules import OWED, PREFIX, PurchaseStatus
from app.fulfillment.restock.receiving import queries as receiving_queries
from app.fulfillment.restock.receiving import service as receiving
from app.fulfillment.restock.receiving.service import ArrivedGoods
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.vault.locations import queries as locations_queries

blp = PageBlueprint("purchases", "/admin/purchases")
_S = PurchaseStatus

PURCHASES = ListPage(
    name="purchases",
    title="Purchase orders",
    about="Goods that are bought from suppliers, from the plan to the last delivery.",
    source=lambda _session, _actor: purchases_queries.PURCHASES,
    columns=(
        Column("number", "Number", lambda row: str(row.number), sort="number"),
        Column("planned", "Planned", lambda row: row.planned_at, sort="planned"),
        Column("supplier", "Supplier", lambda row: row.supplier),
        Column("location", "Location", lambda row: row.location_code, is_code=True),
        Column("status", "Status", lambda row: row.status),
        Column("units", "Units", lambda row: row.units),
        Column("received", "Received", lambda row: row.received_units),
        Column("cost", "Cost", lambda row: row.cost, is_figure=True),
        Column("expected", "Expected", lambda row: row.expected_on),
        Column("by", "Requested by", lambda row: PersonCell(row.requested_by), is_hidden=True),
        Column("id", "ID", lambda row: row.public_id, is_hidden=True),
    ),
    row_url=lambda row: url_for("purchases_pages.show_purchase", order_id=row.public_id),
    default_sort="-planned",
    filters=(
        NumberFilter("number", "Number", hint="Like 70000001"),
        Filter("supplier", "Supplier"),
        EnumFilter("status", "Status", PurchaseStatus),
        location_field.location_filter(),
    ),
    empty=("No purchase orders yet", "They appear here when goods are ordered."),
    refreshes=True,
)
blp.add_list("", PURCHASES, permission=Permission.VAULT_READ)


@blp.view("GET", "/<order_id>", permission=Permission.VAULT_READ, shows=PREFIX)
def show_purchase(session: Session, actor: Actor, order_id: str) -> Response:
    """Show a purchase order: its goods, what arrived, its invoices, and what comes next."""
    order = purchases_queries.get_purchase(session, ids.decode(PREFIX, order_id))
    lines = purchases_queries.list_lines(session, order.id)
    steps = purchases_queries.list_steps(session, order.id)
    receipts = receiving_queries.list_receipts(session, order.id)
    may_order = Permission.PURCHASES_ORDER in actor.permissions
    is_owed, status = order.status in OWED, order.status
    may_receive = Permission.VAULT_RECEIVE in actor.permissions
    return render_page(
        "admin/purchases/purchase.html",
        order=order,
        lines=lines,
        steps=steps,
        receipts=receipts,
        invoices=invoices_queries.list_invoices(session, order.id),
        names=people.get_names(
            session,
            [
                *(step.actor_id for step in steps if step.actor_id),
                *(receipt.received_by for receipt in receipts),
            ],
        ),
        products=[
            (line.sku, f"{line.sku}: {line.missing} to come")
            for line in lines
            if line.missing or status is _S.RECEIVED
        ],
        costs="\n".join(f"{line.sku}, , " for line in lines),
        approve_form=APPROVE if may_order and status in {_S.HELD, _S.PLANNED} else None,
        confirm_form=CONFIRM if may_order and status is _S.PLANNED and not order.provider else None,
        cancel_form=CANCEL if may_order and status in {_S.HELD, _S.PLANNED} else None,
        receive_form=RECEIVE if may_receive and (is_owed or status is _S.RECEIVED) else None,
        close_form=CLOSE if may_order and is_owed else None,
        invoice_form=INVOICE
        if may_order and any(receipt.invoice_id is None for receipt in receipts)
        else None,
    )


@blp.view("GET", "/<order_id>/order.pdf", permission=Permission.VAULT_READ)
def download_order(session: Session, _actor: Actor, order_id: str) -> Response:
    """Download a purchase order, as its supplier gets it."""
    order = purchases_queries.get_purchase(session, ids.decode(PREFIX, order_id))
    lines = purchases_queries.list_lines(session, order.id)
    location = locations_queries.get_location(session, order.location_id)
    from app.fulfillment.restock.purchase_orders import order_pdf  # noqa: PLC0415 - its library takes 20 MB

    pdf = order_pdf.render_pdf(order, lines, location)
    return file_downloads.respond(pdf, f"purchase-order-{order.number}.pdf", "application/pdf")


@blp.form(
    "/<order_id>/approve", APPROVE, shown_on=show_purchase, permission=Permission.PURCHASES_ORDER
)
def request_approval(
    session: Session, actor: Actor, fields: Mapping[str, str], order_id: str
) -> None:
    """Request that an order may cost more, which a second person approves."""
    approval.request_approval(session, actor, ids.decode(PREFIX, order_id), **fields)


@blp.form(
    "/<order_id>/confirm", CONFIRM, shown_on=show_purchase, permission=Permission.PURCHASES_ORDER
)
def confirm_purchase(
    session: Session, actor: Actor, fields: Mapping[str, str], order_id: str
) -> None:
    """Record that the supplier took an order."""
    purchases.confirm(
        session,
        actor,
        ids.decode(PREFIX, order_id),
        confirmation=fields["confirmation"],
        costs=read_costs(fields["lines"]),
    )


@blp.form(
    "/<order_id>/cancel", CANCEL, shown_on=show_purchase, permission=Permission.PURCHASES_ORDER
)
def cancel_purchase(
    session: Session, actor: Actor, fields: Mapping[str, str], order_id: str
) -> None:
    """Cancel an order that no supplier has."""
    purchases.cancel(session, actor, ids.decode(PREFIX, order_id), reason=fields["reason"])


@blp.form(
    "/<order_id>/receive", RECEIVE, shown_on=show_purchase, permission=Permission.VAULT_RECEIVE
)
def receive_goods(session: Session, actor: Actor, fields: Mapping[str, str], order_id: str) -> None:
    """Count what arrived of an order."""
    receiving.receive(session, actor, ids.decode(PREFIX, order_id), ArrivedGoods(**fields))


@blp.form("/<order_id>/close", CLOSE, shown_on=show_purchase, permission=Permission.PURCHASES_ORDER)
def close_purchase(
    session: Session, actor: Actor, fields: Mapping[str, str], order_id: str
) -> None:
    """Close an order of which the supplier will not send the rest."""
    purchases.close_short(session, actor, ids.decode(PREFIX, order_id), reason=fields["reason"])


@blp.form(
    "/<order_id>/invoice", INVOICE, shown_on=show_purchase, permission=Permission.PURCHASES_ORDER
)
def record_invoice(
    session: Session, actor: Actor, fields: Mapping[str, Any], order_id: str
) -> None:
    """Record the supplier's invoice for what arrived."""
    invoices.record_invoice(session, actor, ids.decode(PREFIX, order_id), **fields)
