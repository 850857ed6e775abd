"""The invoices of orders of goods."""

from datetime import datetime

from app.access import Actor, Permission
from app.blueprints.api.schemas import shop_documents as schemas_documents
from app.blueprints.api_blueprint import ApiBlueprint
from app.blueprints.api_operation import FileReply
from app.blueprints.rate_limits import RateLimit
from app.documents import queries as documents_queries
from app.documents.rules import PREFIX, DocumentContent
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.shop.checkout import invoice_documents
from app.shop.orders import queries as orders_queries
from app.shop.orders import rules as orders_rules
from app.shop.refunds import queries as refunds_queries

blp = ApiBlueprint("shop_documents", "/api/shop", "Invoices of goods")

_PDF = "application/pdf"


@blp.operation(
    "GET",
    "/orders/<order_id>/documents",
    operation_id="shopOrderDocuments",
    permission=Permission.GOODS_READ,
    response_schema=schemas_documents.SalesDocumentsSchema,
    refusals=(NotFound,),
)
def list_documents(session: Session, actor: Actor, order_id: str) -> object:
    """List the invoices and credit notes of an order.

    One of each company that sold goods of it, for the sale and for each refund.
    They get their numbers within seconds after the payment or refund, and appear with them.
    """
    identifier = ids.decode(orders_rules.PREFIX, order_id)
    order = orders_queries.get_order(session, identifier, user_id=actor.user_id)
    refunds = refunds_queries.list_refunds(session, [order.id])
    subjects = [order.public_id, *(refund.public_id for refund in refunds)]
    return {"data": documents_queries.list_documents_about(session, subjects)}


@blp.operation(
    "GET",
    "/orders/<order_id>/pro-forma",
    operation_id="shopOrderProForma",
    permission=Permission.GOODS_READ,
    file_media_types=(_PDF,),
    rate_limit=RateLimit.STATEMENT,
    refusals=(NotFound,),
)
def download_pro_forma(session: Session, actor: Actor, order_id: str) -> object:
    """Download the pro-forma invoice of an order, as PDF.

    There is one while it waits for a bank transfer. It says where the money is to be sent, and by
    when.
    """
    identifier = ids.decode(orders_rules.PREFIX, order_id)
    order = orders_queries.get_order(session, identifier, user_id=actor.user_id)
    content = invoice_documents.draw_up_pro_forma(session, order)
    title = f"Pro-forma invoice of order {order.number}"
    return FileReply(
        _render(title, order.placed_at, content), f"pro-forma-{order.number}.pdf", _PDF
    )


@blp.operation(
    "GET",
    "/documents/<document_id>",
    operation_id="shopDocument",
    permission=Permission.GOODS_READ,
    file_media_types=(_PDF,),
    rate_limit=RateLimit.STATEMENT,
    refusals=(NotFound,),
)
def download_document(session: Session, actor: Actor, document_id: str) -> object:
    """Download an invoice or credit note as PDF. It is the same file each time."""
    identifier = ids.decode(PREFIX, document_id)
    document = documents_queries.get_document(session, identifier, user_id=actor.user_id)
    content = documents_queries.get_content(session, document.id)
    pdf = _render(document.title, document.issued_at, content)
    return FileReply(pdf, document.file_name, _PDF)


def _render(title: str, issued_at: datetime, content: DocumentContent) -> bytes:
    from app.documents import invoice_pdf  # noqa: PLC0415 - its library takes 20 MB

    return invoice_pdf.render_pdf(title, issued_at, content)
