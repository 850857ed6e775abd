"""Receipts of the counter: on paper of 80 mm, as PDF, and by email."""

from collections.abc import Mapping
from uuid import UUID

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints.file_downloads import respond
from app.blueprints.forms import Done, Form, FormSchema
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.counter.receipts import queries as receipts_queries
from app.counter.receipts import service as receipts
from app.kit import ids
from app.kit.db import Session

blp = PageBlueprint("receipts", "/teller/receipts")

_WORK = Permission.DRAWERS_WORK
PRINT = Form(
    "print-copy",
    title="Print a copy",
    schema=FormSchema,
    button="Print a copy",
    failure="No copy was printed",
    is_secondary=True,
)
EMAIL = Form(
    "email-copy",
    title="Email a copy",
    schema=FormSchema,
    button="Email a copy to the customer",
    success="The copy is on its way to the customer's email address.",
    failure="No copy was sent",
    is_secondary=True,
)


@blp.view("GET", "/<receipt_id>", permission=Permission.DRAWERS_READ, shows=receipts_queries.PREFIX)
def show_receipt(session: Session, actor: Actor, receipt_id: str) -> Response:
    """Show a receipt as it is on paper."""
    return render_page(
        "teller/receipt.html",
        receipt=receipts_queries.get_receipt(session, actor, _decode(receipt_id)),
        prints_now=request.args.get("print") == "now",
        may_issue=_WORK in actor.permissions,
        print_form=PRINT,
        email_form=EMAIL,
    )


@blp.view("GET", "/<receipt_id>/receipt.pdf", permission=Permission.DRAWERS_READ)
def download_receipt(session: Session, actor: Actor, receipt_id: str) -> Response:
    """Download a receipt as PDF."""
    from app.counter.receipts import receipt_pdf  # noqa: PLC0415 - its library takes 20 MB

    receipt = receipts_queries.get_receipt(session, actor, _decode(receipt_id))
    return respond(
        receipt_pdf.render_pdf(receipt), f"receipt-{receipt.name}.pdf", "application/pdf"
    )


@blp.form("/<receipt_id>/copies", PRINT, shown_on=show_receipt, permission=_WORK)
def print_copy(session: Session, actor: Actor, _fields: Mapping[str, str], receipt_id: str) -> Done:
    """Print a copy of a receipt, which says so."""
    receipts.issue_copy(session, actor, _decode(receipt_id))
    return Done(url_for("receipts_pages.show_receipt", receipt_id=receipt_id, print="now"))


@blp.form("/<receipt_id>/email", EMAIL, shown_on=show_receipt, permission=_WORK)
def email_copy(session: Session, actor: Actor, _fields: Mapping[str, str], receipt_id: str) -> None:
    """Email a copy of a receipt to the customer."""
    receipts.email_copy(session, actor, _decode(receipt_id))


def _decode(receipt_id: str) -> UUID:
    return ids.decode(receipts_queries.PREFIX, receipt_id)
