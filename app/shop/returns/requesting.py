"""What comes first: a return is requested, cancelled, and approved or refused by staff."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals import rules as approvals_rules
from app.fulfillment.shipments import queries as shipments_queries
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.settings.queries import current
from app.shop.orders.errors import OwnOrder
from app.shop.refunds import refundable
from app.shop.refunds.refundable import RefundableOrder
from app.shop.refunds.rules import UnitsLeft, choose_parts
from app.shop.returns import labels, messages, queries, status_changes
from app.shop.returns.errors import ReturnWindowClosed
from app.shop.returns.models import ShopReturn
from app.shop.returns.queries import GoodsReturn
from app.shop.returns.rules import (
    ReturnReason,
    ReturnRules,
    ReturnStatus,
    ReturnWay,
    ReturnWish,
)
from app.tax.assessment import Delivery
from app.vault.locations import queries as locations_queries
from app.vault.locations.rules import LocationKind


@dataclass(frozen=True, slots=True)
class ReturnRequest:
    """What a customer returns: units by the position of their line, why and how, and what they
    want for them."""

    units: Mapping[int, int]
    reason: ReturnReason
    way: ReturnWay = ReturnWay.PARCEL
    wish: ReturnWish = ReturnWish.REFUND


def request(session: Session, actor: Actor, order_id: UUID, wanted: ReturnRequest) -> GoodsReturn:
    """Request a return of units of the actor's order, and return it.

    Raises `NotFound`, `ReturnWindowClosed`, and `Invalid` naming `items` for units that are not
    there, are refunded or being returned, and `way`.
    """
    order = refundable.lock_order(session, order_id, user_id=actor.user_id)
    return _request(session, actor, order, wanted)


def request_for_customer(
    session: Session, actor: Actor, order_id: UUID, wanted: ReturnRequest, *, reason: str
) -> GoodsReturn:
    """Request a return for the customer of an order, as `request` does. Raises `PermissionDenied`
    and `OwnOrder`, too."""
    require(actor, Permission.SHOP_ORDERS_REFUND)
    reason = approvals_rules.clean_reason(reason)
    order = refundable.lock_order(session, order_id)
    if order.user_id == actor.user_id:
        raise OwnOrder
    return _request(session, actor, order, wanted, evidence=reason)


def _request(
    session: Session,
    actor: Actor,
    order: RefundableOrder,
    wanted: ReturnRequest,
    *,
    evidence: str | None = None,
) -> GoodsReturn:
    if wanted.way is ReturnWay.PARCEL and order.destination is not Delivery.SHIP:
        raise Invalid("way", "The goods were collected. Bring them to a branch.")
    rules, now = current(session, ReturnRules), clock.now()
    units = _choose_units(session, order, wanted, since=now - timedelta(days=rules.days))
    return_id = ids.new()
    session.write(
        sa.insert(ShopReturn).values(
            id=return_id,
            order_id=order.id,
            user_id=order.user_id,
            status=ReturnStatus.REQUESTED,
            reason=wanted.reason,
            wish=wanted.wish,
            way=wanted.way,
            bid_percent=None if wanted.reason.is_fault else rules.bid_percent,
            requested_at=now,
        )
    )
    status_changes.put_parts(session, return_id, units)
    status_changes.claim(session, order.id, units)
    returned = queries.get_return(session, return_id)
    status_changes.record_event(
        session, returned, returned.status, before=None, at=now, actor=actor, evidence=evidence
    )
    return queries.get_return(session, return_id)


def _choose_units(
    session: Session, order: RefundableOrder, wanted: ReturnRequest, *, since: datetime
) -> dict[int, int]:
    """Return the units by the position of their part, of those that were delivered since then.
    Raises `ReturnWindowClosed` where units are left, but not of those."""
    parts = refundable.list_parts(session, order.id)
    earlier = [each.id for each in queries.list_returns(session, order.id)]
    delivered = shipments_queries.list_deliveries(session, [order.id, *earlier])
    left = [UnitsLeft(part.position, part.line_position, part.free_units) for part in parts]
    choose_parts(left, wanted.units)
    in_time = {each for each, at in delivered.items() if at >= since}
    returnable = [
        UnitsLeft(part.position, part.line_position, part.free_units)
        for part in parts
        if part.location_id in in_time
    ]
    try:
        return choose_parts(returnable, wanted.units)
    except Invalid:
        raise ReturnWindowClosed from None


def cancel(session: Session, actor: Actor, return_id: UUID) -> GoodsReturn:
    """Cancel the actor's own return before the goods are on their way; cancelling it again changes
    nothing. Return it. Raises `NotFound` and `ReturnMovedOn`."""
    _, returned = status_changes.lock(session, return_id, user_id=actor.user_id)
    if returned.status is not ReturnStatus.CANCELLED:
        _cancel(session, actor, returned)
    return queries.get_return(session, return_id)


def cancel_for_customer(session: Session, actor: Actor, return_id: UUID, *, reason: str) -> None:
    """Cancel a return as staff. Raises `PermissionDenied`, `OwnOrder`, `NotFound`, `ReturnMovedOn`,
    and `Invalid` for the reason."""
    returned, reason = lock_to_decide(session, actor, return_id, reason)
    _cancel(session, actor, returned, evidence=reason)
    messages.notify_of_change(session, returned, "We cancelled your return.")


def _cancel(
    session: Session, actor: Actor, returned: GoodsReturn, *, evidence: str | None = None
) -> None:
    now, status = clock.now(), ReturnStatus.CANCELLED
    status_changes.release(session, returned)
    status_changes.change(session, returned, status, at=now, actor=actor, evidence=evidence)
    labels.stage_cancelling(session, returned)


def approve(session: Session, actor: Actor, return_id: UUID, *, location: str, reason: str) -> None:
    """Approve a return: its goods come to the location with this code, and the customer gets the
    label of a parcel.

    Raises `PermissionDenied`, `OwnOrder`, `NotFound`, `ReturnMovedOn`, `NotInsurable`, and
    `Invalid` naming `location` or `reason`.
    """
    returned, reason = lock_to_decide(session, actor, return_id, reason)
    place = locations_queries.find_location(session, location)
    if place is None or place.kind is LocationKind.DEPOT:
        raise Invalid("location", "Choose a location of ours.")
    if returned.way is ReturnWay.PARCEL:
        labels.check_parcel(session, returned)
    status_changes.change(
        session,
        returned,
        ReturnStatus.APPROVED,
        at=clock.now(),
        actor=actor,
        evidence=reason,
        location_id=place.id,
    )
    labels.stage_buying(session, returned)
    messages.notify_of_approval(session, returned, place)


def refuse(session: Session, actor: Actor, return_id: UUID, *, reason: str) -> None:
    """Refuse a return before its goods come. The customer reads the reason.

    Raises as `approve` does.
    """
    returned, reason = lock_to_decide(session, actor, return_id, reason)
    status, now = ReturnStatus.REFUSED, clock.now()
    status_changes.release(session, returned)
    status_changes.change(session, returned, status, at=now, actor=actor, evidence=reason)
    messages.notify_of_change(session, returned, f"We cannot take the goods back: {reason}")


def lock_to_decide(
    session: Session, actor: Actor, return_id: UUID, reason: str
) -> tuple[GoodsReturn, str]:
    """Return a return that the actor may decide about, locked, and the reason, cleaned. Raises
    `PermissionDenied`, `OwnOrder`, `NotFound`, and `Invalid` for the reason."""
    require(actor, Permission.SHOP_ORDERS_REFUND)
    reason = approvals_rules.clean_reason(reason)
    order, returned = status_changes.lock(session, return_id)
    if order.user_id == actor.user_id:
        raise OwnOrder
    return returned, reason
