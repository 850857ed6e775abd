"""The refund of a return: a large one is requested by one person and approved by another."""

from uuid import UUID

from app.access import Actor, Permission
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.errors import SelfApproval
from app.approvals.registry import (
    ApprovalAction,
    ApprovedRequest,
    ProposedChange,
    TextFields,
    label_of,
)
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.formatting import format_exact_amount, format_time
from app.settings.queries import current
from app.shop.refunds import refundable
from app.shop.refunds.by_staff import RefundRules
from app.shop.refunds.refundable import RefundableOrder
from app.shop.returns import outcomes, queries, refund_terms, requesting, status_changes
from app.shop.returns.queries import GoodsReturn
from app.shop.returns.rules import PREFIX, ReturnStatus

REFUND = "goods_return.refund"


def refund(session: Session, actor: Actor, return_id: UUID, *, reason: str) -> UUID | None:
    """Refund a return that was inspected. From the amount of a setting on, request it instead, and
    return the request's id.

    Raises `PermissionDenied`, `NotFound`, `OwnOrder`, `ReturnMovedOn`, `NotAsSold`, `MarketHalted`,
    `PriceStale`, `ApprovalPending`, and `Invalid` for the reason.
    """
    returned, reason = requesting.lock_to_decide(session, actor, return_id, reason)
    order = refundable.get_order(session, returned.order_id)
    parts = refundable.list_parts(session, order.id)
    terms = refund_terms.draw_up(session, order, parts, returned)
    if terms.received < current(session, RefundRules).approval_from:
        outcomes.carry_out_refund(session, actor, order, returned, reason=reason, at=clock.now())
        return None
    return approvals.request_approval(
        session,
        actor,
        REFUND,
        {"return": returned.public_id},
        subject=returned.public_id,
        subject_id=returned.user_id,
        reason=reason,
    )


def _lock(session: Session, payload: TextFields) -> tuple[RefundableOrder, GoodsReturn]:
    return status_changes.lock(session, ids.decode(PREFIX, payload["return"]))


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    order, returned = _lock(session, payload)
    parts = refundable.list_parts(session, order.id)
    terms = refund_terms.draw_up(session, order, parts, returned)
    facts = {
        "number": str(returned.number),
        "goods": returned.goods,
        "price": f"{terms.goods} USD",
        "customer": ids.encode("usr", order.user_id),
    }
    return ProposedChange({"status": returned.status}, {"status": ReturnStatus.REFUNDED, **facts})


def _check(session: Session, actor: Actor, payload: TextFields) -> None:
    """Raise `SelfApproval` for the staff member's own order."""
    order, _ = _lock(session, payload)
    if order.user_id == actor.user_id:
        raise SelfApproval


def _execute(session: Session, approved: ApprovedRequest) -> None:
    order, returned = _lock(session, approved.payload)
    outcomes.carry_out_refund(
        session, approved.checker, order, returned, reason=approved.reason, at=clock.now()
    )


def _describe(session: Session, actor: Actor, subject: str) -> TextFields:
    """Return what was found, and when the goods came."""
    if Permission.SHOP_ORDERS_READ not in actor.permissions:
        return {}
    returned = queries.get_return(session, ids.decode(PREFIX, subject))
    came = format_time(returned.received_at) if returned.received_at else "–"
    return {"Came": came, "Found": returned.finding.label if returned.finding else "–"}


approvals_registry.register(
    ApprovalAction(
        REFUND,
        "Refund a return",
        Permission.SHOP_ORDERS_REFUND,
        _compare,
        _check,
        _execute,
        _describe,
        lambda fields: f"refund {fields['goods']} of return {fields['number']}",
        {"status": label_of(ReturnStatus), "price": format_exact_amount},
        follows="The money goes back at once: to the card what it paid, else to the balance. Where"
        " PBCEx is not at fault, it is the lower of the price and of what the metal is worth then.",
    )
)
