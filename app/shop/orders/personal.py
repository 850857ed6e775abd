"""The personal data in orders of goods, for `shop.personal`."""

from typing import Any
from uuid import UUID

from app.kit import clock, ids
from app.kit.db import Session
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureBlocker,
    ErasureEffect,
    ExportSections,
    PersonalDataTable,
)
from app.kit.postal_addresses import to_fields
from app.shop.orders import notes, queries
from app.shop.orders.notes import NoteReader
from app.shop.orders.queries import GoodsOrder

_SECTION = ("goodsOrders",)


def export_sections(session: Session, person_id: UUID) -> ExportSections:
    """Return a customer's orders, oldest first."""
    return {
        "goodsOrders": [
            {**_export(order), "notes": _export_notes(session, order)}
            for order in queries.list_every_order(session, person_id)
        ]
    }


def _export_notes(session: Session, order: GoodsOrder) -> list[dict[str, str]]:
    own = notes.list_notes(session, order.id, reader=NoteReader.CUSTOMER)
    return [{"text": note.text, "at": clock.rfc3339(note.at)} for note in own]


def _export(order: GoodsOrder) -> dict[str, Any]:
    shipping, billing = order.shipping_address, order.billing_address
    return {
        "id": order.public_id,
        "number": str(order.number),
        "status": order.status,
        "destination": order.destination,
        "items": [
            {
                "sku": line.sku,
                "quantity": line.quantity,
                "unitPrice": str(line.unit_price),
                "total": str(line.price),
                "tax": str(line.tax),
            }
            for line in order.lines
        ],
        "tax": str(order.tax),
        "shipping": str(order.shipping),
        "insurance": str(order.insurance),
        "total": str(order.total),
        "payments": [
            {"method": each.method, "asset": each.asset, "amount": str(each.given)}
            for each in order.payments
        ],
        "shippingAddress": to_fields(shipping) if shipping else None,
        "billingAddress": to_fields(billing) if billing else None,
        "placedAt": clock.rfc3339(order.placed_at),
        "paidAt": clock.rfc3339(order.paid_at) if order.paid_at else None,
        "depositId": order.deposit_id and ids.encode("dep", order.deposit_id),
        "cancelledAt": clock.rfc3339(order.cancelled_at) if order.cancelled_at else None,
        "cancelReason": order.cancel_reason,
    }


def erasure_blockers(session: Session, person_id: UUID) -> list[ErasureBlocker]:
    """Return the orders whose goods have not left."""
    return [
        ErasureBlocker(
            f"orders.{order_id}",
            "This order waits for payment or a review, or its goods are with PBCEx.",
        )
        for order_id in queries.list_open_orders(session, person_id)
    ]


def _table(description: str, *, by_id: bool = False) -> PersonalDataTable:
    return PersonalDataTable(
        description,
        ErasureEffect.RETAINED,
        RETAINED_BY_LAW,
        export_sections=_SECTION if not by_id else (),
        not_exported="The order has its status." if by_id else "",
    )


TABLES = {
    "shop_orders": _table(
        "Orders of goods: amounts, times, and where they go; the addresses are sealed"
    ),
    "shop_order_lines": _table("The products of an order, with price and tax"),
    "shop_order_payments": _table("What paid for an order"),
    "shop_order_notes": _table(
        "Notes of staff on an order, sealed; the customer gets those that are for them"
    ),
    "shop_order_events": _table("When an order took a status, and who did it", by_id=True),
}
