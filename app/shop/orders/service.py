"""The verbs of orders of goods: each records what an act of checkout did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from app.catalog.tax_classes import TaxClass
from app.kit import ids
from app.kit.db import Session
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress
from app.shop.orders import queries as orders_queries
from app.shop.orders import sealed_addresses
from app.shop.orders.models import (
    ShopOrder,
    ShopOrderEvent,
    ShopOrderLine,
    ShopOrderPart,
    ShopOrderPayment,
)
from app.shop.orders.queries import GoodsOrder, OrderEvent, OrderLine, PaidPart
from app.shop.orders.rules import (
    TRANSITIONS,
    CancelReason,
    HoldReason,
    OrderedUnits,
    OrderPayment,
    OrderStatus,
)
from app.shop.orders.waiting import LockedOrder
from app.tax.assessment import Delivery, TaxDestination


@dataclass(frozen=True, slots=True)
class NewOrderPart:
    """Units of a line at one location, or one bar, with their share of its price and tax."""

    location_id: UUID
    units: int
    price: Amount
    tax: Amount
    hold_id: UUID
    lot_id: UUID | None
    taxed_at: TaxDestination


@dataclass(frozen=True, slots=True)
class NewOrderLine:
    """Units of a product at the price that was promised."""

    sku: str
    #: The product's.
    name: str
    quantity: int
    unit_price: Amount
    price: Amount
    spot: Decimal
    tax_class: TaxClass
    tax: Amount
    tax_reason: str
    parts: Sequence[NewOrderPart]


@dataclass(frozen=True, slots=True)
class LaterPayment:
    """The deposit that pays for a part of an order, and until when it has to come."""

    deposit_id: UUID
    due_at: datetime


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to record."""

    id: UUID
    user_id: UUID
    lock_id: UUID
    destination: Delivery
    pickup_branch_id: UUID | None
    shipping_address: PostalAddress | None
    billing_address: PostalAddress | None
    goods: Amount
    tax: Amount
    shipping: Amount
    insurance: Amount
    total: Amount
    placed_at: datetime
    lines: Sequence[NewOrderLine]
    payments: Sequence[OrderPayment]
    #: Why staff look at it before its goods are sold.
    hold_reasons: Sequence[HoldReason] = ()
    #: None if all is paid at once.
    later: LaterPayment | None = None
    #: Of an order that keeps its goods: the holds that keep its payments available, by position.
    money_hold_ids: Mapping[int, UUID] = field(default_factory=dict)

    @property
    def status(self) -> OrderStatus:
        """The status that it begins with."""
        if self.later is not None:
            return OrderStatus.PENDING_PAYMENT
        return OrderStatus.ON_HOLD if self.hold_reasons else OrderStatus.ALLOCATED

    @property
    def units(self) -> list[OrderedUnits]:
        """Its goods, by where they are."""
        return [
            OrderedUnits(
                line.sku,
                part.location_id,
                part.lot_id,
                part.units,
                line.spot,
                part.price,
                part.tax,
                part.hold_id,
            )
            for line in self.lines
            for part in line.parts
        ]


def record_order(session: Session, order: NewOrder) -> GoodsOrder:
    """Record an order whose goods are paid and belong to the customer, or one that waits for its
    payment or for staff; return it.

    For the first, the caller posts the entry with the order's public id as reference, in the same
    transaction; for the others, it has reserved goods and money.
    """
    event = _event(order.id, None, order.status, actor_id=order.user_id, at=order.placed_at)
    session.insert(
        (ShopOrder, [_order_columns(order)]),
        (ShopOrderLine, _line_columns(order)),
        (ShopOrderPart, _part_columns(order)),
        (ShopOrderPayment, _payment_columns(order)),
        (ShopOrderEvent, [event]),
    )
    recorded = orders_queries.read_header(session, order.id)
    orders_queries.add_deposits(session, [recorded])
    recorded.lines.extend(
        OrderLine(
            order.id,
            line.sku,
            line.name,
            line.quantity,
            line.unit_price.units,
            line.price.units,
            line.tax.units,
            line.tax_reason,
        )
        for line in order.lines
    )
    recorded.payments.extend(
        PaidPart(
            order.id,
            each.method,
            each.given.asset.code,
            each.given.units,
            each.dollars.units,
            each.bid,
        )
        for each in order.payments
    )
    recorded.events.append(OrderEvent(order.id, order.status, order.user_id, None, order.placed_at))
    return recorded


def mark_paid(
    session: Session,
    order: LockedOrder,
    *,
    actor_id: UUID | None = None,
    at: datetime,
    evidence: str,
) -> None:
    """Record that an order which kept its goods, locked before, is paid. The caller posts the entry
    as for `record_order`."""
    status = TRANSITIONS.transition(order.status, OrderStatus.ALLOCATED)
    _update(session, order.id, status=status, paid_at=at)
    event = _event(order.id, order.status, status, actor_id=actor_id, at=at, evidence=evidence)
    session.insert((ShopOrderEvent, [event]))


def mark_held(
    session: Session,
    order: LockedOrder,
    money_hold_ids: Mapping[int, UUID],
    *,
    at: datetime,
    evidence: str,
) -> None:
    """Record that a waiting order, locked before, has its money and is on hold for review.
    `money_hold_ids` keep the payments that none has kept yet, by their positions."""
    status = TRANSITIONS.transition(order.status, OrderStatus.ON_HOLD)
    # From now on it is staff who are reminded.
    _update(session, order.id, status=status, held_at=at, reminded_at=None)
    for position, hold_id in money_hold_ids.items():
        session.write(
            sa.update(ShopOrderPayment)
            .where(ShopOrderPayment.order_id == order.id, ShopOrderPayment.position == position)
            .values(hold_id=hold_id)
        )
    event = _event(order.id, order.status, status, at=at, evidence=evidence)
    session.insert((ShopOrderEvent, [event]))


def mark_cancelled(
    session: Session,
    order: LockedOrder,
    reason: CancelReason,
    *,
    actor_id: UUID | None,
    at: datetime,
) -> None:
    """Record that an order, locked before, has ended. The caller releases what it held."""
    status = TRANSITIONS.transition(order.status, OrderStatus.CANCELLED)
    _update(session, order.id, status=status, cancelled_at=at, cancel_reason=reason)
    event = _event(order.id, order.status, status, actor_id=actor_id, at=at, evidence=reason)
    session.insert((ShopOrderEvent, [event]))


def mark_followed(
    session: Session, order_id: UUID, before: OrderStatus, after: OrderStatus, *, at: datetime
) -> None:
    """Record the status of an order, locked before, that its shipments have together."""
    _update(session, order_id, status=TRANSITIONS.transition(before, after))
    session.insert((ShopOrderEvent, [_event(order_id, before, after, at=at)]))


def mark_partially_shipped(session: Session, order_id: UUID, *, is_partial: bool) -> None:
    """Record whether some shipments of an order, locked before, have left and others have not."""
    _update(session, order_id, partially_shipped=is_partial)


def mark_paid_cancelled(
    session: Session,
    order_id: UUID,
    status: OrderStatus,
    reason: CancelReason,
    *,
    actor_id: UUID,
    at: datetime,
    evidence: str,
) -> None:
    """Record that a paid order, locked before, is cancelled. The caller gives back what was
    paid."""
    after = TRANSITIONS.transition(status, OrderStatus.CANCELLED)
    _update(session, order_id, status=after, cancelled_at=at, cancel_reason=reason)
    event = _event(order_id, status, after, actor_id=actor_id, at=at, evidence=evidence)
    session.insert((ShopOrderEvent, [event]))


def mark_reminded(session: Session, order_id: UUID, *, at: datetime) -> None:
    """Record that the customer of a waiting order, locked before, is reminded of its payment."""
    _update(session, order_id, reminded_at=at)


def mark_refunded(
    session: Session,
    order_id: UUID,
    status: OrderStatus,
    *,
    actor_id: UUID,
    at: datetime,
    evidence: str,
    after: OrderStatus = OrderStatus.REFUNDED,
) -> None:
    """Record that all goods of a paid order, locked before, were refunded: `RETURNED` where the
    last of them came back."""
    after = TRANSITIONS.transition(status, after)
    _update(session, order_id, status=after)
    event = _event(order_id, status, after, actor_id=actor_id, at=at, evidence=evidence)
    session.insert((ShopOrderEvent, [event]))


def _update(session: Session, order_id: UUID, **values: object) -> None:
    session.write(sa.update(ShopOrder).where(ShopOrder.id == order_id).values(values))


def _event(
    order_id: UUID,
    before: OrderStatus | None,
    after: OrderStatus,
    *,
    actor_id: UUID | None = None,
    at: datetime,
    evidence: str | None = None,
) -> dict[str, object]:
    return {
        "id": ids.new(),
        "order_id": order_id,
        "from_status": before,
        "to_status": after,
        "actor_id": actor_id,
        "evidence": evidence,
        "at": at,
    }


def _order_columns(order: NewOrder) -> dict[str, object]:
    later, status = order.later, order.status
    return {
        "id": order.id,
        "user_id": order.user_id,
        "lock_id": order.lock_id,
        "status": status,
        "destination": order.destination,
        "pickup_branch_id": order.pickup_branch_id,
        "shipping_sealed": sealed_addresses.seal_address(
            order.id, "shipping_sealed", order.shipping_address
        ),
        "billing_sealed": sealed_addresses.seal_address(
            order.id, "billing_sealed", order.billing_address
        ),
        "goods_units": order.goods.units,
        "tax_units": order.tax.units,
        "shipping_units": order.shipping.units,
        "insurance_units": order.insurance.units,
        "total_units": order.total.units,
        "placed_at": order.placed_at,
        "paid_at": order.placed_at if status is OrderStatus.ALLOCATED else None,
        "hold_reasons": list(order.hold_reasons),
        "held_at": order.placed_at if status is OrderStatus.ON_HOLD else None,
        "deposit_id": later and later.deposit_id,
        "payment_due_at": later and later.due_at,
    }


def _line_columns(order: NewOrder) -> list[dict[str, object]]:
    return [
        {
            "order_id": order.id,
            "position": position,
            "sku": line.sku,
            "quantity": line.quantity,
            "unit_price_units": line.unit_price.units,
            "price_units": line.price.units,
            "spot": line.spot,
            "tax_class": line.tax_class,
            "tax_units": line.tax.units,
            "tax_reason": line.tax_reason,
        }
        for position, line in enumerate(order.lines)
    ]


def _part_columns(order: NewOrder) -> list[dict[str, object]]:
    parts = [(number, part) for number, line in enumerate(order.lines) for part in line.parts]
    return [
        {
            "order_id": order.id,
            "position": position,
            "line_position": number,
            "location_id": part.location_id,
            "units": part.units,
            "price_units": part.price.units,
            "tax_units": part.tax.units,
            "hold_id": part.hold_id,
            "lot_id": part.lot_id,
            "tax_country": part.taxed_at.country,
            "tax_state": part.taxed_at.state,
            "tax_postal_code": part.taxed_at.postal_code,
        }
        for position, (number, part) in enumerate(parts)
    ]


def _payment_columns(order: NewOrder) -> list[dict[str, object]]:
    return [
        {
            "order_id": order.id,
            "position": position,
            "method": payment.method,
            "asset": payment.given.asset.code,
            "units": payment.given.units,
            "usd_units": payment.dollars.units,
            "bid": payment.bid,
            "spread_units": payment.spread.units,
            "rounding_units": payment.rounding.units,
            "hold_id": order.money_hold_ids.get(position),
        }
        for position, payment in enumerate(order.payments)
    ]
