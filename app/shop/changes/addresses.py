"""Another address for a paid order, where tax and shipping cost the same."""

from collections.abc import Sequence
from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.products import queries as products_queries
from app.fulfillment.restrictions import service as restrictions
from app.fulfillment.shipments import service as shipments
from app.fulfillment.shipments.errors import AlreadyPicking
from app.identity.sign_in import recent_proof
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.postal_addresses import PostalAddress
from app.notifications import service as notifications
from app.notifications.order_kinds import GoodsOrderReaddressed
from app.screening.errors import RecipientBlocked
from app.screening.recipients import screen_recipient
from app.screening.rules import Verdict
from app.settings.queries import current
from app.shop.changes.errors import OrderNotChangeable
from app.shop.checkout.rules import OrderReviewRules
from app.shop.orders import queries as orders_queries
from app.shop.orders import readdressing, shipping
from app.shop.orders.queries import GoodsOrder
from app.shop.orders.rules import OrderStatus
from app.shop.refunds import reassessment, refundable
from app.shop.refunds.refundable import RefundableOrder, SoldPart
from app.tax.assessment import Delivery, TaxDestination

_FIELD = "shippingAddress"
_COSTS_OTHERWISE = (
    "Sales tax or shipping may cost something else there. Cancel the order, and place a new one."
)


def change_address(session: Session, actor: Actor, order_id: UUID, address: PostalAddress) -> None:
    """Have the actor's paid order shipped to another address, and notify them.

    Raises `ReauthenticationRequired`, `NotFound`, `OrderNotChangeable` once its goods are picked,
    `RegionRestricted`, `TaxUnknown`, `RecipientBlocked`, which keeps the screening, and `Invalid`
    for an address where something would cost otherwise, or that staff would have to review.
    """
    recent_proof.require_recent_proof(actor)
    order = refundable.lock_order(session, order_id, user_id=actor.user_id)
    if order.status is not OrderStatus.ALLOCATED or order.destination is not Delivery.SHIP:
        raise OrderNotChangeable
    parts = refundable.list_parts(session, order.id)
    before = orders_queries.get_order(session, order.id)
    skus = {part.sku for part in parts}
    restrictions.check_destination(products_queries.list_products(session, skus), address)
    _check_costs(session, order, parts, before, address)
    _check_invoice_address(session, before, address)
    verdict = screen_recipient(session, order.user_id, address, about=order.public_id)
    if verdict is Verdict.BLOCKED:
        raise RecipientBlocked().keeping_records()
    try:
        # The rows of the shipments decide between this and those who pick.
        shipments.cancel(session, actor, order.id, evidence="another address")
    except AlreadyPicking:
        raise OrderNotChangeable from None
    readdressing.change_shipping_address(session, order.id, address)
    shipping.request_shipments(session, order.id)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.GOODS_ORDER_READDRESSED,
        subject=order.public_id,
    )
    message = GoodsOrderReaddressed(order.public_id, order.number, address.in_one_line, clock.now())
    notifications.notify(session, message, to=order.user_id, event=ids.encode("oda", ids.new()))


def _check_costs(
    session: Session,
    order: RefundableOrder,
    parts: Sequence[SoldPart],
    before: GoodsOrder,
    address: PostalAddress,
) -> None:
    """Raise `Invalid` unless tax and shipping of what is left cost the same at an address."""
    assert before.shipping_address is not None  # shipped_order_has_an_address
    taxes = reassessment.assess_left(
        session, order, parts, TaxDestination.at_address(Delivery.SHIP, address)
    )
    has_moved = address.country != before.shipping_address.country
    if has_moved or any(part.tax != taxes[part.position] for part in parts):
        raise Invalid(_FIELD, _COSTS_OTHERWISE)


def _check_invoice_address(session: Session, order: GoodsOrder, address: PostalAddress) -> None:
    """Raise `Invalid` for an address with which the order would have been put on hold."""
    billing, rules = order.billing_address, current(session, OrderReviewRules)
    if billing is None or order.total < rules.addresses_differ_from:
        return
    if (billing.country, billing.zip_code) != (address.country, address.zip_code):
        raise Invalid(_FIELD, "The invoice goes to another place. Cancel the order instead.")
