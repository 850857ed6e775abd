"""The verbs of cancelling: say what it costs, and do it.

A paid order is a sale that is bought back at the price of the metal now, if that is lower than the
promised one: what the market took is the customer's loss, and what it gave is not theirs.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from app.access import Actor, Permission, require
from app.catalog.rules import USD
from app.fulfillment.errors import CancelWindowClosed
from app.fulfillment.shipments import service as shipments
from app.fulfillment.shipments.errors import AlreadyPicking
from app.kit import clock
from app.kit.db import Session
from app.kit.money import Amount
from app.pricing import queries as pricing_queries
from app.pricing.rules import require_tradable
from app.shop.checkout import waiting_orders
from app.shop.orders import service as orders
from app.shop.orders.rules import CancelReason, OrderStatus
from app.shop.refunds import messages, reassessment, refundable
from app.shop.refunds import queries as refunds_queries
from app.shop.refunds import service as refunds
from app.shop.refunds.refundable import RefundableOrder, SoldPart
from app.shop.refunds.rules import MarketLoss, RefundCause, RefundTerms
from app.shop.refunds.service import NewRefund
from app.tax.assessment import Delivery, sum_amounts

_REASONS = {
    CancelReason.CUSTOMER: "You cancelled it.",
    CancelReason.STAFF: "We cancelled it for you.",
}


def quote(session: Session, order_id: UUID, *, user_id: UUID | None = None) -> RefundTerms:
    """Return what cancelling a paid order now would give back; with `user_id` only of that
    customer. Changes nothing.

    Raises `NotFound`, and what `cancel` raises of a paid order.
    """
    order = refundable.get_order(session, order_id, user_id=user_id)
    return _draw_up(session, order, refundable.list_parts(session, order.id))


def cancel(session: Session, actor: Actor, order_id: UUID) -> None:
    """Cancel the actor's order, whether it waits for its payment or is paid; cancelling it again
    changes nothing.

    Raises `NotFound`; of a paid order `CancelWindowClosed` once its goods are picked or its hours
    are over, and `MarketHalted` and `PriceStale` while the metal cannot be taken back.
    """
    order = refundable.lock_order(session, order_id, user_id=actor.user_id)
    if order.paid_at is None:
        waiting_orders.cancel(session, actor, order_id)
    elif order.status is not OrderStatus.CANCELLED:
        _cancel_paid(session, actor, order, CancelReason.CUSTOMER)


def cancel_for_customer(session: Session, actor: Actor, order_id: UUID, *, reason: str) -> None:
    """Cancel a paid order as staff, on the terms on which its customer may.

    Raises `PermissionDenied`, and what `cancel` raises, also for one that is cancelled already.
    """
    require(actor, Permission.SHOP_ORDERS_REFUND)
    order = refundable.lock_order(session, order_id)
    _cancel_paid(session, actor, order, CancelReason.STAFF, reason=reason)


def _cancel_paid(
    session: Session,
    actor: Actor,
    order: RefundableOrder,
    cancel_reason: CancelReason,
    *,
    reason: str | None = None,
) -> None:
    now = clock.now()
    parts = refundable.list_parts(session, order.id)
    terms = _draw_up(session, order, parts)
    try:
        # The rows of the shipments decide between this and those who pick.
        shipments.cancel(session, actor, order.id, evidence=cancel_reason)
    except AlreadyPicking:
        raise CancelWindowClosed from None
    refund = NewRefund(RefundCause.CANCELLED, terms, now, actor, reason)
    reference = refunds.give_back(session, order, parts, refund)
    orders.mark_paid_cancelled(
        session, order.id, order.status, cancel_reason, actor_id=actor.user_id, at=now,
        evidence=reference,
    )  # fmt: skip
    messages.notify_of_refund(session, order, terms, reference, _REASONS[cancel_reason])


def _draw_up(session: Session, order: RefundableOrder, parts: Sequence[SoldPart]) -> RefundTerms:
    """Return what cancelling gives back now."""
    check_window(order)
    left = Counter[int]()
    for part in parts:
        left[part.line_position] += part.units
    earlier = refunds_queries.list_refunds(session, [order.id])
    return RefundTerms(
        reassessment.return_everything(parts),
        order.shipping - sum_amounts(Amount(USD, each.shipping_units) for each in earlier),
        order.insurance - sum_amounts(Amount(USD, each.insurance_units) for each in earlier),
        losses=find_losses(session, order, parts, left),
        fee=order.cancel_terms.fee,
    )


def check_window(order: RefundableOrder) -> None:
    """Raise `CancelWindowClosed` unless goods of a paid order can be taken back from its
    customer, as far as the order says."""
    if order.status is not OrderStatus.ALLOCATED:
        raise CancelWindowClosed
    # Goods that stay are never picked: without an end, their owner could sell them back for ever.
    window = timedelta(hours=order.cancel_terms.vault_hours)
    if order.destination is Delivery.VAULT and order.placed_at + window <= clock.now():
        raise CancelWindowClosed


def find_losses(
    session: Session, order: RefundableOrder, parts: Sequence[SoldPart], units: Mapping[int, int]
) -> list[MarketLoss]:
    """Return what the metal of so many units lost, by line. Raises `MarketHalted` and
    `PriceStale`."""
    now, rules = clock.now(), pricing_queries.current_rules(session)
    lines = {part.line_position: part for part in parts if units.get(part.line_position)}
    metals = {part.metal for part in lines.values()}
    found = {each.metal: each for each in pricing_queries.market_prices(session, metals)}
    prices = {metal: require_tradable(found.get(metal), now, rules) for metal in metals}
    return [
        MarketLoss(
            position,
            line.ounces_of(units[position]),
            line.spot,
            order.cancel_terms.offset_price(prices[line.metal].bid, prices[line.metal].ask),
        )
        for position, line in lines.items()
    ]
