"""A refund by staff: a large one is requested by one person and approved by another."""

import json
from uuid import UUID

from app.access import Actor, Permission, require
from app.approvals import registry as approvals_registry
from app.approvals import rules as approvals_rules
from app.approvals import service as approvals
from app.approvals.errors import SelfApproval
from app.approvals.registry import (
    ApprovalAction,
    ApprovedRequest,
    ProposedChange,
    TextFields,
)
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.formatting import format_exact_amount, format_time
from app.kit.money import Amount
from app.settings.queries import current
from app.shop.orders.errors import OwnOrder
from app.shop.orders.rules import PREFIX
from app.shop.refunds import by_staff, refundable
from app.shop.refunds.by_staff import RefundRequest, RefundRules
from app.shop.refunds.refundable import RefundableOrder

REFUND = "goods_order.refund"


def refund(
    session: Session, actor: Actor, order_id: UUID, request: RefundRequest, *, reason: str
) -> UUID | None:
    """Refund units of an order. From the amount of a setting on, request it instead, and return the
    request's id.

    Raises `PermissionDenied`, `NotFound`, `OwnOrder`, `OrderNotRefundable`, `ApprovalPending`, and
    `Invalid` for the units and the reason.
    """
    require(actor, Permission.SHOP_ORDERS_REFUND)
    reason = approvals_rules.clean_reason(reason)
    order = refundable.lock_order(session, order_id)
    if order.user_id == actor.user_id:
        raise OwnOrder
    parts = refundable.list_parts(session, order.id)
    terms = by_staff.draw_up(session, order, parts, request)
    if terms.received < current(session, RefundRules).approval_from:
        by_staff.carry_out(session, actor, order, request, reason=reason, at=clock.now())
        return None
    return approvals.request_approval(
        session,
        actor,
        REFUND,
        _to_payload(order, request),
        subject=order.public_id,
        subject_id=order.user_id,
        reason=reason,
    )


def _to_payload(order: RefundableOrder, request: RefundRequest) -> dict[str, str]:
    units = {str(position): count for position, count in sorted(request.units.items())}
    return {
        "order": order.public_id,
        "units": json.dumps(units),
        "shipping": "yes" if request.with_shipping else "no",
    }


def _from_payload(session: Session, payload: TextFields) -> tuple[RefundableOrder, RefundRequest]:
    """Return the order, its row locked, and what is refunded of it."""
    units = {int(position): count for position, count in json.loads(payload["units"]).items()}
    order = refundable.lock_order(session, ids.decode(PREFIX, payload["order"]))
    return order, RefundRequest(units, payload["shipping"] == "yes")


def _write(amount: Amount) -> str:
    return f"{amount} {amount.asset.code}"


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    order, request = _from_payload(session, payload)
    parts = refundable.list_parts(session, order.id)
    terms = by_staff.draw_up(session, order, parts, request)
    skus = {part.line_position: part.sku for part in parts}
    facts = {
        "number": str(order.number),
        "goods": ", ".join(f"{count} x {skus[line]}" for line, count in request.units.items()),
        "price": _write(terms.goods),
        "tax": _write(terms.tax + terms.borne),
        "shipping": _write(terms.shipping + terms.insurance),
        "customer": ids.encode("usr", order.user_id),
    }
    before = Amount(terms.total.asset, order.refunded_units)
    return ProposedChange(
        {"refunded": _write(before)}, {"refunded": _write(before + terms.received), **facts}
    )


def _check(session: Session, actor: Actor, payload: TextFields) -> None:
    """Raise `SelfApproval` for the staff member's own order."""
    order, _ = _from_payload(session, payload)
    if order.user_id == actor.user_id:
        raise SelfApproval


def _execute(session: Session, approved: ApprovedRequest) -> None:
    order, request = _from_payload(session, approved.payload)
    by_staff.carry_out(
        session, approved.checker, order, request, reason=approved.reason, at=clock.now()
    )


def _describe(session: Session, actor: Actor, subject: str) -> TextFields:
    """Return when the order was placed."""
    if Permission.SHOP_ORDERS_READ not in actor.permissions:
        return {}
    order = refundable.get_order(session, ids.decode(PREFIX, subject))
    return {"Placed": format_time(order.placed_at)}


approvals_registry.register(
    ApprovalAction(
        REFUND,
        "Refund an order",
        Permission.SHOP_ORDERS_REFUND,
        _compare,
        _check,
        _execute,
        _describe,
        lambda fields: f"refund {fields['goods']} of order {fields['number']}",
        dict.fromkeys(("refunded", "price", "tax", "shipping"), format_exact_amount),
        follows="The money goes back at once: to the card what it paid, else to the balance.",
    )
)
