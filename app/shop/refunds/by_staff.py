"""Refunds by staff: of some units of an order, without a loss or fee for the customer.

Goods that are still on the shelf come back for sale; goods that were shipped stay with the
customer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.access import Actor
from app.catalog.rules import USD
from app.fulfillment.shipments import service as shipments
from app.fulfillment.shipments.errors import AlreadyPicking
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.settings.rules import setting, settings_group
from app.shop.orders import service as orders
from app.shop.orders import shipping
from app.shop.orders.rules import OrderStatus
from app.shop.refunds import messages, queries, reassessment, refundable, service
from app.shop.refunds.errors import OrderNotRefundable
from app.shop.refunds.refundable import RefundableOrder, SoldPart
from app.shop.refunds.rules import RefundCause, RefundTerms, UnitsLeft, choose_parts
from app.shop.refunds.service import NewRefund
from app.tax.assessment import Delivery, sum_amounts

#: The statuses in which units can be refunded.
REFUNDABLE = frozenset({OrderStatus.ALLOCATED, OrderStatus.SHIPPED, OrderStatus.DELIVERED})
_NOTHING = Amount(USD, 0)


@settings_group("order_refunds", "Refunds of orders")
@dataclass(frozen=True, slots=True)
class RefundRules:
    """What one member of staff may refund."""

    approval_from: Amount = setting(
        "A refund takes two people from",
        Amount(USD, 1_000_00),
        minimum=_NOTHING,
        maximum=Amount(USD, 1_000_000_00),
    )


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Units to refund, by the position of their line, and whether shipping and insurance go back
    too."""

    units: Mapping[int, int]
    with_shipping: bool = False


def quote(session: Session, order_id: UUID, request: RefundRequest) -> RefundTerms:
    """Return what a refund would give back. Changes nothing. Raises what `carry_out` raises."""
    order = refundable.get_order(session, order_id)
    return draw_up(session, order, refundable.list_parts(session, order.id), request)


def draw_up(
    session: Session,
    order: RefundableOrder,
    parts: Sequence[SoldPart],
    request: RefundRequest,
) -> RefundTerms:
    """Return what a refund gives back.

    Raises `OrderNotRefundable`, and `Invalid` naming the item if more units are wanted than are
    left, or nothing.
    """
    if order.status not in REFUNDABLE:
        raise OrderNotRefundable
    left = [UnitsLeft(part.position, part.line_position, part.free_units) for part in parts]
    returned = choose_parts(left, request.units)
    terms = draw_up_parts(session, order, parts, returned, with_shipping=request.with_shipping)
    if not terms.total:
        raise Invalid("items", "This refund would give nothing back. Choose units.")
    return terms


def draw_up_parts(
    session: Session,
    order: RefundableOrder,
    parts: Sequence[SoldPart],
    returned: Mapping[int, int],
    *,
    with_shipping: bool,
) -> RefundTerms:
    """Return what a refund of so many units of each part, by its position, gives back."""
    if all(part.units == returned.get(part.position, 0) for part in parts):
        changed, borne = reassessment.return_everything(parts), _NOTHING
    else:
        changed, borne = reassessment.reassess_parts(session, order, parts, returned)
    shipping_left = insurance_left = _NOTHING
    if with_shipping:
        earlier = queries.list_refunds(session, [order.id])
        shipping_left = order.shipping - sum_amounts(
            Amount(USD, each.shipping_units) for each in earlier
        )
        insurance_left = order.insurance - sum_amounts(
            Amount(USD, each.insurance_units) for each in earlier
        )
    return RefundTerms(changed, shipping_left, insurance_left, borne)


def carry_out(
    session: Session,
    actor: Actor,
    order: RefundableOrder,
    request: RefundRequest,
    *,
    reason: str,
    at: datetime,
) -> PublicId:
    """Refund units of an order, whose row is locked, and return the id of the refund.

    Raises what `draw_up` raises, and `OrderNotRefundable` once its goods are picked.
    """
    parts = refundable.list_parts(session, order.id)
    terms = draw_up(session, order, parts, request)
    goods_stay = order.status is not OrderStatus.ALLOCATED
    is_prepared = not goods_stay and order.destination is not Delivery.VAULT
    if is_prepared:
        try:
            shipments.cancel(session, actor, order.id, evidence=RefundCause.REFUNDED)
        except AlreadyPicking:
            raise OrderNotRefundable from None
    refund = NewRefund(RefundCause.REFUNDED, terms, at, actor, reason, goods_stay)
    reference = service.give_back(session, order, parts, refund)
    returned = sum(part.units for part in terms.parts)
    if returned == sum(part.units for part in parts):
        orders.mark_refunded(
            session, order.id, order.status, actor_id=actor.user_id, at=at, evidence=reference
        )
    elif is_prepared:
        shipping.request_shipments(session, order.id)
    messages.notify_of_refund(session, order, terms, reference, "We refunded a part of it.")
    return reference
