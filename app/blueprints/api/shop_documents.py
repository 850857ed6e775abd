"""The invoices of orders of goods."""

from app.access import Actor, Permission
from app.blueprints.api.schemas import shop_documents as schemas_documents
from app.blueprints.api_blueprint import ApiBlueprint
from app.blueprints.api_operation import FileReply
from app.blueprints.rate_limits import RateLimit
from app.documents import queries as documents_queries
from app.documents.rules import PREFIX
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.shop.orders import queries as orders_queries
from app.shop.orders import rules as orders_rules

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
    """List the invoices of an order: one of each company that sold goods of it.

    They get their numbers within seconds after the payment, and appear with them.
    """
    identifier = ids.decode(orders_rules.PREFIX, order_id)
    order = orders_queries.get_order(session, identifier, user_id=actor.user_id)
    return {"data": documents_queries.list_documents_about(session, order.public_id)}


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
    """Download an invoice as PDF. It is the same file each time."""
    identifier = ids.decode(PREFIX, document_id)
    document = documents_queries.get_document(session, identifier, user_id=actor.user_id)
    content = documents_queries.get_content(session, document.id)
    from app.documents import invoice_pdf  # noqa: PLC0415 - its library takes 50 MB

    return FileReply(invoice_pdf.render_pdf(document, content), document.file_name, _PDF)
