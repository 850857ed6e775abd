"""Changes of a return's status: its row, its claims, its history, the audit trail."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.kit import ids
from app.kit.db import Session
from app.shop.orders.models import ShopOrderPart
from app.shop.refunds import refundable
from app.shop.refunds.refundable import RefundableOrder
from app.shop.returns import queries
from app.shop.returns.errors import ReturnMovedOn
from app.shop.returns.models import ShopReturn, ShopReturnEvent, ShopReturnPart
from app.shop.returns.queries import GoodsReturn
from app.shop.returns.rules import OPEN, TRANSITIONS, ReturnStatus


def lock(
    session: Session, return_id: UUID, *, user_id: UUID | None = None
) -> tuple[RefundableOrder, GoodsReturn]:
    """Return an order and a return of it, their rows locked until the transaction ends; with
    `user_id` only of that customer. Raises `NotFound`."""
    order_id = queries.find_order_of(session, return_id)
    order = refundable.lock_order(session, order_id, user_id=user_id)
    return order, queries.get_return(session, return_id, lock=True)


def change(
    session: Session,
    returned: GoodsReturn,
    status: ReturnStatus,
    *,
    at: datetime,
    actor: Actor | None = None,
    evidence: str | None = None,
    **values: object,
) -> None:
    """Give a return, locked before, its next status, with these values of its row, and record it.
    One that ends was released before. Raises `ReturnMovedOn` unless the status may follow."""
    if not TRANSITIONS.allows(returned.status, status):
        raise ReturnMovedOn
    if status not in OPEN:
        values["ended_at"] = at
    session.write(
        sa.update(ShopReturn)
        .where(ShopReturn.id == returned.id)
        .values(status=TRANSITIONS.transition(returned.status, status), **values)
    )
    record_event(
        session, returned, status, before=returned.status, at=at, actor=actor, evidence=evidence
    )


def record_event(
    session: Session,
    returned: GoodsReturn,
    status: ReturnStatus,
    *,
    before: ReturnStatus | None,
    at: datetime,
    actor: Actor | None,
    evidence: str | None = None,
) -> None:
    """Record in the history and the audit trail that a return took a status."""
    session.write(
        sa.insert(ShopReturnEvent).values(
            id=ids.new(),
            return_id=returned.id,
            from_status=before,
            to_status=status,
            actor_id=actor.user_id if actor else None,
            evidence=evidence,
            at=at,
        )
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.GOODS_RETURN_CHANGED,
        subject=returned.public_id,
        on_behalf_of=returned.user_id if actor and actor.user_id != returned.user_id else None,
        before={"status": before} if before else None,
        after={"status": status, "order": returned.order_public_id, "goods": returned.goods},
        reason=evidence,
    )


def claim(session: Session, order_id: UUID, units: Mapping[int, int]) -> None:
    """Claim units of the parts of an order, its row locked, by their position; release them where
    the number is below zero. The database refuses more than are left."""
    for position, count in units.items():
        if count:
            session.write(
                sa.update(ShopOrderPart)
                .where(ShopOrderPart.order_id == order_id, ShopOrderPart.position == position)
                .values(returning_units=ShopOrderPart.returning_units + count)
            )


def release(session: Session, returned: GoodsReturn) -> None:
    """Release what a return claims, its row and that of its order locked, since it ends. Raises
    `ReturnMovedOn` for one that has ended."""
    if returned.status not in OPEN:
        raise ReturnMovedOn
    units = {position: -count for position, count in returned.units.items()}
    claim(session, returned.order_id, units)


def put_parts(session: Session, return_id: UUID, units: Mapping[int, int]) -> None:
    """Store the units of a return by the position of their part, in place of earlier ones."""
    session.write(sa.delete(ShopReturnPart).where(ShopReturnPart.return_id == return_id))
    session.write(
        sa.insert(ShopReturnPart).values(
            [
                {"return_id": return_id, "part_position": position, "units": count}
                for position, count in sorted(units.items())
            ]
        )
    )
