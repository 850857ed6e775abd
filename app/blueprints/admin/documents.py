"""Numbered documents: the list of invoices, and each as PDF."""

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints import file_downloads
from app.blueprints.lists import (
    ChoiceFilter,
    Column,
    DateFilter,
    ListPage,
    NumberFilter,
    PersonCell,
    PersonFilter,
    ReferenceCell,
)
from app.blueprints.page_blueprint import PageBlueprint
from app.branches.entities import queries as entities_queries
from app.documents import queries as documents_queries
from app.documents.rules import PREFIX
from app.kit import ids
from app.kit.db import Session

blp = PageBlueprint("documents", "/admin/documents")

DOCUMENTS = ListPage(
    name="documents",
    title="Invoices",
    about="Invoices of paid orders. Each company numbers its own, without gaps.",
    source=lambda _session, _actor: documents_queries.DOCUMENTS,
    columns=(
        Column("number", "Number", lambda document: document.number, is_code=True),
        Column("issued", "Issued", lambda document: document.issued_at, sort="issued"),
        Column("order", "Order", lambda document: ReferenceCell(document.subject)),
        Column("customer", "Customer", lambda document: PersonCell(document.user_id)),
        Column("total", "Total", lambda document: document.total, is_figure=True),
        Column("numbered", "Numbered", lambda document: document.numbered_at, is_hidden=True),
    ),
    row_url=lambda document: url_for(
        "documents_pages.download_document", document_id=document.public_id
    ),
    default_sort="-issued",
    filters=(
        ChoiceFilter(
            "entity",
            "Company",
            choices=lambda session, _actor: [
                (entity.code, entity.name) for entity in entities_queries.list_entities(session)
            ],
        ),
        NumberFilter("number", "Number", hint="Without the letters in front, like 123"),
        PersonFilter("customer", "Customer", hint="Email or ID"),
        DateFilter("from", "Issued from"),
        DateFilter("to", "Issued to", is_end=True),
    ),
    empty=("No invoices yet", "They appear here seconds after an order is paid."),
)

blp.add_list("", DOCUMENTS, permission=Permission.SHOP_ORDERS_READ)


@blp.view("GET", "/<document_id>.pdf", permission=Permission.SHOP_ORDERS_READ)
def download_document(session: Session, _actor: Actor, document_id: str) -> Response:
    """Download a document as PDF."""
    document = documents_queries.get_document(session, ids.decode(PREFIX, document_id))
    content = documents_queries.get_content(session, document.id)
    from app.documents import invoice_pdf  # noqa: PLC0415 - its library takes 20 MB

    pdf = invoice_pdf.render_pdf(document.title, document.issued_at, content)
    response = file_downloads.respond(pdf, document.file_name, "application/pdf")
    response.headers["Cache-Control"] = "no-store"
    return response
