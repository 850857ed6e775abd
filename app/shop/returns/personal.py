"""The personal data in returns, for `shop.personal`."""

from uuid import UUID

from app.kit import clock
from app.kit.db import Session
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureBlocker,
    ErasureEffect,
    ExportSections,
    PersonalDataTable,
)
from app.shop.returns import queries


def export_sections(session: Session, person_id: UUID) -> ExportSections:
    """Return what a customer returned, oldest first."""
    return {
        "goodsReturns": [
            {
                "id": returned.public_id,
                "number": str(returned.number),
                "orderId": returned.order_public_id,
                "status": returned.status,
                "reason": returned.reason,
                "wish": returned.wish,
                "way": returned.way,
                "items": [
                    {"sku": part.sku, "quantity": part.units, "serial": part.serial}
                    for part in returned.parts
                ],
                "finding": returned.finding,
                "refundId": returned.refund_public_id,
                "requestedAt": clock.rfc3339(returned.requested_at),
                "receivedAt": clock.rfc3339(returned.received_at) if returned.received_at else None,
                "endedAt": clock.rfc3339(returned.ended_at) if returned.ended_at else None,
            }
            for returned in queries.list_returns_of(session, person_id)
        ]
    }


def erasure_blockers(session: Session, person_id: UUID) -> list[ErasureBlocker]:
    """Return the returns that have not ended."""
    return [
        ErasureBlocker(
            f"returns.{return_id}", "The goods of this return are on their way, or here."
        )
        for return_id in queries.list_open_returns(session, person_id)
    ]


def _table(description: str, not_exported: str = "") -> PersonalDataTable:
    return PersonalDataTable(
        description,
        ErasureEffect.RETAINED,
        RETAINED_BY_LAW,
        export_sections=() if not_exported else ("goodsReturns",),
        not_exported=not_exported,
    )


TABLES = {
    "shop_returns": _table("Goods that a customer returns: why, how, and what became of them"),
    "shop_return_parts": _table("The products and bars in a return"),
    "shop_return_events": _table(
        "When a return took a status, and who did it", "The return has its status."
    ),
    "shop_return_photos": _table(
        "Photos of goods that came back, sealed", "They show goods, and no person."
    ),
}
