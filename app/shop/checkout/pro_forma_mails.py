"""The emails about an order that waits for a bank transfer, with its pro-forma invoice."""

from collections.abc import Mapping

from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.messages import attachments
from app.messages.ports import EmailAttachment
from app.notifications.order_kinds import GoodsOrderReminder, GoodsOrderWaiting
from app.shop.checkout import invoice_documents
from app.shop.orders import queries as orders_queries
from app.shop.orders.rules import PREFIX


def draw_pro_forma(session: Session, values: Mapping[str, str]) -> list[EmailAttachment]:
    """Return the pro-forma invoice of the order that a message is about; nothing until the account
    to transfer to is known, and once the order no longer waits."""
    order = orders_queries.get_order(session, ids.decode(PREFIX, values["order"]))
    try:
        content = invoice_documents.draw_up_pro_forma(session, order)
    except NotFound:
        return []
    from app.documents import invoice_pdf  # noqa: PLC0415 - its library takes 20 MB

    pdf = invoice_pdf.render_pdf(
        f"Pro-forma invoice of order {order.number}", order.placed_at, content
    )
    return [EmailAttachment(f"pro-forma-{order.number}.pdf", "application/pdf", pdf)]


for _message in (GoodsOrderWaiting, GoodsOrderReminder):
    attachments.register(_message.kind.name, draw_pro_forma)
