"""What carts hold on a person."""

from uuid import UUID

import sqlalchemy as sa

from app.kit.db import Session
from app.kit.personal import ErasureEffect, ExportSections, PersonalDataTable, export_records
from app.shop.cart.models import CartItemRow, CartRow

TABLES = {
    "carts": PersonalDataTable(
        "When the person's cart was last changed; a visitor's names no person",
        ErasureEffect.DELETED,
        "It is a wish, and no sale. Without a change it is deleted after 30 days.",
        export_sections=("cart",),
    ),
    "cart_items": PersonalDataTable(
        "What is in the cart",
        ErasureEffect.DELETED,
        "With the cart.",
        export_sections=("cart",),
    ),
}


def export_sections(session: Session, person_id: UUID) -> ExportSections:
    """Return what the person's cart holds."""
    items = (
        sa.select(CartItemRow.sku, CartItemRow.quantity, CartItemRow.added_at, CartRow.expires_at)
        .join(CartRow, CartRow.id == CartItemRow.cart_id)
        .where(CartRow.user_id == person_id)
        .order_by(CartItemRow.added_at, CartItemRow.sku)
    )
    rows = session.select(lambda **item: item.values(), items)
    return {"cart": export_records(rows, "sku quantity addedAt expiresAt")}


def erase(session: Session, person_id: UUID) -> None:
    """Delete the person's cart."""
    session.write(sa.delete(CartRow).where(CartRow.user_id == person_id))
