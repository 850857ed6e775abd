"""Have an order shipped to another address."""

from uuid import UUID

import sqlalchemy as sa

from app.kit.db import Session
from app.kit.postal_addresses import PostalAddress
from app.shop.orders import sealed_addresses
from app.shop.orders.models import ShopOrder, ShopOrderPart
from app.tax.assessment import Delivery, TaxDestination


def change_shipping_address(session: Session, order_id: UUID, address: PostalAddress) -> None:
    """Record that a shipped order, locked before, goes to another address, where its goods are
    taxed. The caller has checked that the tax is the same there, and requests its shipments."""
    sealed = sealed_addresses.seal_address(order_id, "shipping_sealed", address)
    session.write(
        sa.update(ShopOrder).where(ShopOrder.id == order_id).values(shipping_sealed=sealed)
    )
    place = TaxDestination.at_address(Delivery.SHIP, address)
    session.write(
        sa.update(ShopOrderPart)
        .where(ShopOrderPart.order_id == order_id)
        .values(tax_country=place.country, tax_state=place.state, tax_postal_code=place.postal_code)
    )
