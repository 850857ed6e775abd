"""Orders on hold: they are released (order_release.py) or rejected, and a sanctions decision does
so too.

The recipient is screened again at the release, because the order may have waited for days. All that
end an order lock its row, so only the first of a release, a rejection and a cancellation does.
"""

from uuid import UUID

from app.access import Actor
from app.approvals import rules as approvals_rules
from app.cases import service as cases
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.formatting import format_amount
from app.screening.decisions.consequences import DecisionEffect, register_effect
from app.screening.recipients import screen_recipient
from app.screening.rules import Verdict
from app.shop.checkout import kept_orders
from app.shop.checkout.errors import OrderNotOnHold, ScreeningUndecided
from app.shop.orders import queries as orders_queries
from app.shop.orders import waiting
from app.shop.orders.errors import OwnOrder
from app.shop.orders.rules import PREFIX, CancelReason, HoldReason, OrderStatus
from app.shop.orders.waiting import LockedOrder


def release(session: Session, actor: Actor, order: LockedOrder, *, reason: str) -> None:
    """Sell the goods of an order that `lock_reviewable` returned; reject one to a listed recipient.

    Raises `ScreeningUndecided`.
    """
    verdict = _screen(session, order)
    if verdict is Verdict.BLOCKED:
        _reject_listed(session, order)
    elif verdict is Verdict.CLEAR:
        _sell(session, order, actor=actor, evidence=reason)
    else:
        raise ScreeningUndecided


def reject(session: Session, actor: Actor, order_id: UUID, *, reason: str) -> None:
    """Cancel an order on hold, and release what it kept. Its customer is notified, without the
    reason.

    Raises `NotFound`, `OwnOrder`, `OrderNotOnHold`, and `Invalid` for the reason.
    """
    reason = approvals_rules.clean_reason(reason)
    order = lock_reviewable(session, actor, order_id)
    kept_orders.end(
        session, order, CancelReason.REJECTED, actor=actor, at=clock.now(), words=reason
    )


def lock_reviewable(session: Session, actor: Actor, order_id: UUID) -> LockedOrder:
    """Lock an order on hold and return it.

    Raises `NotFound`, `OwnOrder` for that of a member of staff, and `OrderNotOnHold`.
    """
    order = waiting.lock_order(session, order_id)
    if order.user_id == actor.user_id:
        raise OwnOrder
    if order.status is not OrderStatus.ON_HOLD:
        raise OrderNotOnHold
    return order


def handle_screening_decision(session: Session, about: str, case_id: UUID | None) -> None:
    """Screen the recipient of the order on hold that a sanctions decision is about, if it is one:
    a listed one is rejected, and one that is clear and has no other reason is released.

    The history of the case says what became of it.
    """
    order_id = ids.try_decode(PREFIX, about)
    if order_id is None:
        return
    try:
        order = waiting.lock_order(session, order_id)
    except NotFound:  # screened for an order that was refused
        return
    if order.status is not OrderStatus.ON_HOLD:
        return
    verdict = _screen(session, order)
    if verdict is Verdict.BLOCKED:
        _reject_listed(session, order)
    elif verdict is Verdict.CLEAR and order.hold_reasons == (HoldReason.SCREENING,):
        _sell(session, order, actor=None, evidence=f"screening: {verdict}")
    after = waiting.lock_order(session, order_id)
    if case_id is not None and after.status is not order.status:
        change = f"{order.status.label} → {after.status.label}"
        text = f"Order of {format_amount(order.total)}, {change}: {order.public_id}"
        cases.record_consequence(session, case_id, text)


def _screen(session: Session, order: LockedOrder) -> Verdict | None:
    return screen_recipient(session, order.user_id, order.shipping_address, about=order.public_id)


def _sell(session: Session, order: LockedOrder, *, actor: Actor | None, evidence: str) -> None:
    now = clock.now()
    problem = kept_orders.sell(session, order, actor=actor, evidence=evidence, at=now)
    if problem is not None:
        kept_orders.end(session, order, problem, actor=None, at=now)


def _reject_listed(session: Session, order: LockedOrder) -> None:
    words = f"screening: {Verdict.BLOCKED}"
    kept_orders.end(session, order, CancelReason.REJECTED, actor=None, at=clock.now(), words=words)


def _describe_effect(session: Session, order_id: UUID) -> DecisionEffect:
    order = orders_queries.get_order(session, order_id)
    if order.status is not OrderStatus.ON_HOLD:
        return DecisionEffect()
    name = f"the order of {format_amount(order.total)}"
    return DecisionEffect(
        f"Rejects {name}, and the customer can use what paid for it again: {order.public_id}",
        f"Lets {name} continue, unless another hit or a review holds it: {order.public_id}",
    )


register_effect(PREFIX, _describe_effect)
