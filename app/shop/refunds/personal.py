"""The personal data in refunds, for `shop.personal`."""

from uuid import UUID

from app.kit import clock, ids
from app.kit.db import Session
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureEffect,
    ExportSections,
    PersonalDataTable,
)
from app.shop.refunds import queries


def export_sections(session: Session, person_id: UUID) -> ExportSections:
    """Return what was given back to a customer, oldest first."""
    return {
        "goodsRefunds": [
            {
                "id": refund.public_id,
                "orderId": ids.encode("ord", refund.order_id),
                "cause": refund.cause,
                "goods": str(refund.goods),
                "tax": str(refund.tax),
                "shipping": str(refund.shipping),
                "loss": str(refund.loss),
                "fee": str(refund.fee),
                "total": str(refund.total),
                "payments": [
                    {"destination": each.destination, "amount": str(each.amount)}
                    for each in refund.payments
                ],
                "refundedAt": clock.rfc3339(refund.refunded_at),
            }
            for refund in queries.list_refunds_of(session, person_id)
        ]
    }


def _table(description: str, *, by_id: bool = False) -> PersonalDataTable:
    return PersonalDataTable(
        description,
        ErasureEffect.RETAINED,
        RETAINED_BY_LAW,
        export_sections=() if by_id else ("goodsRefunds",),
        not_exported="The refund has its sums." if by_id else "",
    )


TABLES = {
    "shop_refunds": _table("Money of orders of goods that was given back"),
    "shop_refund_payments": _table("To which payments it went back"),
    "shop_refund_parts": _table("Units and tax of a refund, by where they were", by_id=True),
    "shop_market_losses": _table("What metal lost from its promised price", by_id=True),
}
