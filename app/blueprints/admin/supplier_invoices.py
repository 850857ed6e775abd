"""Invoices of suppliers: the list, and one with what comes next."""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.forms import Form, FormSchema, reason_field, text_field
from app.blueprints.lists import Column, EnumFilter, Filter, ListPage, ReferenceCell
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.fulfillment.restock.invoices import queries as invoices_queries
from app.fulfillment.restock.invoices import service as invoices
from app.fulfillment.restock.invoices.rules import PREFIX, InvoiceStatus
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.vault import rules as vault_rules

blp = PageBlueprint("invoices", "/admin/supplier-invoices")
_S = InvoiceStatus


class DecidedInvoiceSchema(FormSchema):
    """Why an invoice is accepted or rejected."""

    reason = reason_field()


class SupplierPaymentSchema(FormSchema):
    """The bank transfer that pays an invoice."""

    bank_reference = text_field(
        "Number of the bank transfer",
        "Enter the number.",
        check=lambda text: vault_rules.clean_text("bank_reference", text),
    )
    reason = reason_field()


ACCEPT = Form(
    "accept",
    title="Request to accept the difference",
    about="A second person must approve it. The difference becomes a variance of the price.",
    schema=DecidedInvoiceSchema,
    button="Request acceptance",
    success="Acceptance requested. Another person has to approve it.",
    failure="The acceptance was not requested",
)
REJECT = Form(
    "reject",
    title="Reject the invoice",
    about="The supplier sends another one for the same goods.",
    schema=DecidedInvoiceSchema,
    button="Reject invoice",
    success="Invoice rejected.",
    failure="The invoice was not rejected",
    is_dangerous=True,
    confirm="Reject this invoice?",
)
PAY = Form(
    "pay",
    title="Request its payment",
    about="By a bank transfer. A second person must approve it.",
    schema=SupplierPaymentSchema,
    button="Request payment",
    success="Payment requested. Another person has to approve it.",
    failure="The payment was not requested",
)
INVOICES = ListPage(
    name="invoices",
    title="Suppliers' invoices",
    about="What suppliers ask for the goods that arrived, and when it is due.",
    source=lambda _session, _actor: invoices_queries.INVOICES,
    columns=(
        Column("number", "Number", lambda row: row.number, is_code=True),
        Column("supplier", "Supplier", lambda row: row.supplier),
        Column(
            "order",
            "Order",
            lambda row: ReferenceCell(row.order_public_id, str(row.order_number)),
        ),
        Column("status", "Status", lambda row: row.status),
        Column("amount", "Sum", lambda row: row.amount, is_figure=True),
        Column("variance", "Difference", lambda row: row.variance, is_figure=True),
        Column("due", "Due", lambda row: row.due_on, sort="due"),
        Column("recorded", "Recorded", lambda row: row.recorded_at, sort="recorded"),
        Column("id", "ID", lambda row: row.public_id, is_hidden=True),
    ),
    row_url=lambda row: url_for("invoices_pages.show_invoice", invoice_id=row.public_id),
    default_sort="-recorded",
    filters=(
        Filter("number", "Number"),
        Filter("supplier", "Supplier"),
        EnumFilter("status", "Status", InvoiceStatus),
    ),
    empty=("No invoices yet", "Record one on the page of its purchase order."),
)
blp.add_list("", INVOICES, permission=Permission.VAULT_READ)


@blp.view("GET", "/<invoice_id>", permission=Permission.VAULT_READ, shows=PREFIX)
def show_invoice(session: Session, actor: Actor, invoice_id: str) -> Response:
    """Show an invoice, compared with what arrived, and what comes next."""
    invoice = invoices_queries.get_invoice(session, ids.decode(PREFIX, invoice_id))
    may_pay = Permission.SUPPLIERS_PAY in actor.permissions
    differs = invoice.status is _S.DIFFERS
    return render_page(
        "admin/supplier_invoices/invoice.html",
        invoice=invoice,
        names=people.get_names(session, [invoice.recorded_by]),
        accept_form=ACCEPT if may_pay and differs else None,
        reject_form=REJECT if differs and Permission.PURCHASES_ORDER in actor.permissions else None,
        pay_form=PAY if may_pay and invoice.status is _S.ACCEPTED else None,
    )


@blp.form(
    "/<invoice_id>/accept", ACCEPT, shown_on=show_invoice, permission=Permission.SUPPLIERS_PAY
)
def accept_invoice(
    session: Session, actor: Actor, fields: Mapping[str, str], invoice_id: str
) -> None:
    """Request that an invoice is accepted as it is."""
    invoices.request_acceptance(session, actor, ids.decode(PREFIX, invoice_id), **fields)


@blp.form(
    "/<invoice_id>/reject", REJECT, shown_on=show_invoice, permission=Permission.PURCHASES_ORDER
)
def reject_invoice(
    session: Session, actor: Actor, fields: Mapping[str, str], invoice_id: str
) -> None:
    """Reject an invoice that differs."""
    invoices.reject_invoice(session, actor, ids.decode(PREFIX, invoice_id), **fields)


@blp.form("/<invoice_id>/pay", PAY, shown_on=show_invoice, permission=Permission.SUPPLIERS_PAY)
def pay_invoice(session: Session, actor: Actor, fields: Mapping[str, str], invoice_id: str) -> None:
    """Request that an invoice is paid."""
    invoices.request_payment(session, actor, ids.decode(PREFIX, invoice_id), **fields)
