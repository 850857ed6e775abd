"""Fewer units of a paid order: those that go are cancelled on the terms of the order."""

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

from app.access import Actor, Permission, require
from app.approvals import rules as approvals_rules
from app.fulfillment.errors import CancelWindowClosed
from app.fulfillment.shipments import service as shipments
from app.fulfillment.shipments.errors import AlreadyPicking
from app.kit import clock
from app.kit.db import Session
from app.kit.errors import Invalid
from app.shop.cancellations import service as cancellations
from app.shop.changes.errors import OrderNotChangeable
from app.shop.orders import shipping
from app.shop.orders.errors import OwnOrder
from app.shop.refunds import messages, reassessment, refundable
from app.shop.refunds import service as refunds
from app.shop.refunds.refundable import RefundableOrder, SoldPart
from app.shop.refunds.rules import RefundCause, RefundTerms, UnitsLeft, choose_parts
from app.shop.refunds.service import NewRefund


def quote(
    session: Session, order_id: UUID, quantities: Mapping[int, int], *, user_id: UUID | None = None
) -> RefundTerms:
    """Return what lowering lines to these units now would give back. Changes nothing. Raises what
    `reduce` raises."""
    order = refundable.get_order(session, order_id, user_id=user_id)
    return _draw_up(session, order, refundable.list_parts(session, order.id), quantities)


def reduce(session: Session, actor: Actor, order_id: UUID, quantities: Mapping[int, int]) -> None:
    """Lower lines of the actor's paid order to these units, by the position of the line; none
    removes it. Each time, the fee and what the metal of the units lost stay with PBCEx.

    Raises `NotFound`; `OrderNotChangeable` once its goods are picked; `MarketHalted` and
    `PriceStale` while the metal cannot be taken back; and `Invalid` for units that are not fewer,
    for all of them, and if nothing would go back.
    """
    order = refundable.lock_order(session, order_id, user_id=actor.user_id)
    _reduce(session, actor, order, quantities, reason=None)


def reduce_for_customer(
    session: Session, actor: Actor, order_id: UUID, quantities: Mapping[int, int], *, reason: str
) -> None:
    """Lower lines of a paid order as staff, on the terms on which its customer may.

    Raises `PermissionDenied`, `OwnOrder`, `Invalid` for the reason, and what `reduce` raises.
    """
    require(actor, Permission.SHOP_ORDERS_REFUND)
    reason = approvals_rules.clean_reason(reason)
    order = refundable.lock_order(session, order_id)
    if order.user_id == actor.user_id:
        raise OwnOrder
    _reduce(session, actor, order, quantities, reason=reason)


def _reduce(
    session: Session,
    actor: Actor,
    order: RefundableOrder,
    quantities: Mapping[int, int],
    *,
    reason: str | None,
) -> None:
    parts = refundable.list_parts(session, order.id)
    terms = _draw_up(session, order, parts, quantities)
    try:
        # The rows of the shipments decide between this and those who pick.
        shipments.cancel(session, actor, order.id, evidence=RefundCause.REDUCED)
    except AlreadyPicking:
        raise OrderNotChangeable from None
    refund = NewRefund(RefundCause.REDUCED, terms, clock.now(), actor, reason)
    reference = refunds.give_back(session, order, parts, refund)
    shipping.request_shipments(session, order.id)
    messages.notify_of_refund(session, order, terms, reference, "It has fewer units now.")


def _draw_up(
    session: Session,
    order: RefundableOrder,
    parts: Sequence[SoldPart],
    quantities: Mapping[int, int],
) -> RefundTerms:
    """Return what lowering lines to these units gives back now."""
    try:
        cancellations.check_window(order)
    except CancelWindowClosed:
        raise OrderNotChangeable from None
    left = Counter[int]()
    for part in parts:
        left[part.line_position] += part.units
    fewer = {}
    for line, units in quantities.items():
        if line not in left:
            raise Invalid("items", f"The order has no line {line + 1}.")
        if not 0 <= units < left[line]:
            raise Invalid(
                "items",
                f"Line {line + 1} has {left[line]} units, and can only have fewer. Place a new"
                " order for more.",
            )
        fewer[line] = left[line] - units
    if not fewer:
        raise Invalid("items", "Say which lines are to have fewer units.")
    if fewer == {line: units for line, units in left.items() if units}:
        raise Invalid("items", "Nothing of the order would be left. Cancel it instead.")
    chosen = choose_parts(
        [UnitsLeft(part.position, part.line_position, part.units) for part in parts], fewer
    )
    changed, borne = reassessment.reassess_parts(session, order, parts, chosen)
    losses = cancellations.find_losses(session, order, parts, fewer)
    terms = RefundTerms(changed, borne=borne, losses=losses, fee=order.cancel_terms.fee)
    if terms.total.units <= 0:
        raise Invalid("items", "The fee and the loss of the metal are more than these units cost.")
    return terms
