"""Releasing an order on hold: a large one is requested by one person and approved by another."""

from uuid import UUID

from app.access import Actor, Permission
from app.approvals import registry as approvals_registry
from app.approvals import rules as approvals_rules
from app.approvals import service as approvals
from app.approvals.errors import SelfApproval
from app.approvals.registry import (
    ApprovalAction,
    ApprovedRequest,
    ProposedChange,
    TextFields,
    label_of,
)
from app.kit import ids
from app.kit.db import Session
from app.kit.formatting import format_exact_amount, format_time
from app.settings.queries import current
from app.shop.checkout import held_orders
from app.shop.checkout.errors import OrderNotOnHold
from app.shop.checkout.rules import OrderReviewRules
from app.shop.orders import queries as orders_queries
from app.shop.orders import waiting
from app.shop.orders.rules import PREFIX, HoldReason, OrderStatus

RELEASE = "goods_order.release"


def release(session: Session, actor: Actor, order_id: UUID, *, reason: str) -> UUID | None:
    """Sell the goods of an order on hold. From the total of a setting on, request it instead, and
    return the request's id.

    Raises `NotFound`, `OwnOrder`, `OrderNotOnHold`, `ScreeningUndecided`, `ApprovalPending`, and
    `Invalid` for the reason. An order to a listed recipient is rejected.
    """
    reason = approvals_rules.clean_reason(reason)
    order = held_orders.lock_reviewable(session, actor, order_id)
    if order.total < current(session, OrderReviewRules).approval_from:
        held_orders.release(session, actor, order, reason=reason)
        return None
    return approvals.request_approval(
        session,
        actor,
        RELEASE,
        {"order": order.public_id},
        subject=order.public_id,
        subject_id=order.user_id,
        reason=reason,
    )


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    order = waiting.lock_order(session, ids.decode(PREFIX, payload["order"]))
    if order.status is not OrderStatus.ON_HOLD:
        raise OrderNotOnHold
    facts = {
        "number": str(order.number),
        "total": f"{order.total} {order.total.asset.code}",
        "why": ", ".join(order.hold_reasons),
        "customer": ids.encode("usr", order.user_id),
    }
    return ProposedChange({"status": order.status}, {"status": OrderStatus.ALLOCATED, **facts})


def _check(session: Session, actor: Actor, payload: TextFields) -> None:
    """Raise `SelfApproval` for the staff member's own order."""
    order = waiting.lock_order(session, ids.decode(PREFIX, payload["order"]))
    if order.user_id == actor.user_id:
        raise SelfApproval


def _execute(session: Session, approved: ApprovedRequest) -> None:
    order_id = ids.decode(PREFIX, approved.payload["order"])
    order = held_orders.lock_reviewable(session, approved.checker, order_id)
    held_orders.release(session, approved.checker, order, reason=approved.reason)


def _describe(session: Session, actor: Actor, subject: str) -> TextFields:
    """Return since when it waits."""
    if Permission.SHOP_ORDERS_READ not in actor.permissions:
        return {}
    order = orders_queries.get_order(session, ids.decode(PREFIX, subject))
    return {"On hold since": format_time(order.held_at)} if order.held_at else {}


def _format_reasons(text: str) -> str:
    return ", ".join(HoldReason(name).label for name in text.split(", ") if name)


approvals_registry.register(
    ApprovalAction(
        RELEASE,
        "Release an order on hold",
        Permission.SHOP_ORDERS_REVIEW,
        _compare,
        _check,
        _execute,
        _describe,
        lambda fields: f"release {fields['total']}",
        {
            "status": label_of(OrderStatus),
            "total": format_exact_amount,
            "why": _format_reasons,
        },
        follows="The goods are sold to the customer at once, and then prepared.",
    )
)
