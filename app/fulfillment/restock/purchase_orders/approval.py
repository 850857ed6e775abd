"""That an order may cost more than is ordered without a second person: two people agree on it."""

from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
from app.catalog.rules import USD
from app.fulfillment.restock.errors import PurchaseMovedOn
from app.fulfillment.restock.purchase_orders import queries
from app.fulfillment.restock.purchase_orders import service as purchases
from app.fulfillment.restock.purchase_orders.models import PurchaseOrder
from app.fulfillment.restock.purchase_orders.queries import PurchaseRow
from app.fulfillment.restock.purchase_orders.rules import PREFIX, PurchaseStatus
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_exact_amount, format_time
from app.kit.money import Amount, InvalidAmount

APPROVE = "purchase_order.approve"
_S = PurchaseStatus


def request_approval(
    session: Session, actor: Actor, order_id: UUID, *, up_to: str, reason: str
) -> UUID:
    """Request that an order may cost up to a sum in US dollars, and return the request's id.

    Raises `PermissionDenied`, `NotFound`, `PurchaseMovedOn`, `ApprovalPending`, and `Invalid` for
    the sum and the reason.
    """
    require(actor, Permission.PURCHASES_ORDER)
    order_text = ids.encode(PREFIX, order_id)
    payload = {"order": order_text, "up_to": str(parse_sum(up_to))}
    return approvals.request_approval(
        session, actor, APPROVE, payload, subject=order_text, reason=reason
    )


def parse_sum(text: str) -> Amount:
    """Return a sum of US dollars. Raises `Invalid` naming `up_to`."""
    try:
        return Amount.parse(USD, text)
    except InvalidAmount as error:
        raise Invalid("up_to", "Enter the sum in US dollars, like 75000.00.") from error


def _lock(session: Session, payload: TextFields) -> PurchaseRow:
    order = queries.lock_purchase(session, ids.decode(PREFIX, payload["order"]))
    if order.status not in {_S.HELD, _S.PLANNED}:
        raise PurchaseMovedOn
    return order


def _write(amount: Amount) -> str:
    return f"{amount} {amount.asset.code}"


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    order = _lock(session, payload)
    goods = ", ".join(
        f"{line.units} x {line.sku}" for line in queries.list_lines(session, order.id)
    )
    return ProposedChange(
        {"may_cost": _write(purchases.largest_cost(session, order))},
        {
            "may_cost": _write(parse_sum(payload["up_to"])),
            "number": str(order.number),
            "goods": goods,
            "supplier": order.supplier,
            "location": order.location_code,
            "estimate": _write(order.estimate),
        },
    )


def _check_nothing(_session: Session, _actor: Actor, _payload: TextFields) -> None:
    """Require nothing but the permission, and two people."""


def _execute(session: Session, approved: ApprovedRequest) -> None:
    order, up_to = _lock(session, approved.payload), parse_sum(approved.payload["up_to"])
    values = {"approved_usd": up_to.units, "due_at": clock.now() if order.provider else None}
    if order.status is _S.HELD:
        evidence = f"May cost {_write(up_to)}"
        purchases.change(session, approved.checker, order, _S.PLANNED, evidence=evidence, **values)
    else:
        session.write(sa.update(PurchaseOrder).where(PurchaseOrder.id == order.id).values(**values))


def _describe(session: Session, actor: Actor, subject: str) -> TextFields:
    """Return when the order was planned."""
    if Permission.VAULT_READ not in actor.permissions:
        return {}
    order = queries.get_purchase(session, ids.decode(PREFIX, subject))
    return {"Planned": format_time(order.planned_at)}


approvals_registry.register(
    ApprovalAction(
        APPROVE,
        "Place a large purchase order",
        Permission.PURCHASES_ORDER,
        _compare,
        _check_nothing,
        _execute,
        _describe,
        lambda fields: f"order {fields['goods']} from {fields['supplier']}",
        dict.fromkeys(("may_cost", "estimate"), format_exact_amount),
        follows="The order is placed with a wholesaler at once; from another supplier, a person"
        " orders.",
    )
)
