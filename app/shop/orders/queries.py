"""Named reads of orders of goods."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from app.catalog.products.models import Product
from app.catalog.rules import TRADABLE, USD
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits.queries import Deposit
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.list_query import fetch_newest
from app.kit.money import Amount
from app.kit.pagination import Page
from app.kit.postal_addresses import PostalAddress
from app.kit.statements import any_of, compile_select
from app.shop.orders import rules, sealed_addresses
from app.shop.orders.models import (
    ShopOrder,
    ShopOrderEvent,
    ShopOrderLine,
    ShopOrderPart,
    ShopOrderPayment,
)
from app.shop.orders.payment_states import OrderPaymentState, find_progress
from app.shop.orders.rules import (
    OPEN,
    CancelReason,
    HoldReason,
    OrderPaymentMethod,
    OrderStatus,
)
from app.tax.assessment import Delivery


@dataclass(frozen=True, slots=True)
class OrderLine:
    """Units of a product in an order."""

    order_id: UUID
    sku: str
    name: str
    quantity: int
    unit_price_units: int
    price_units: int
    tax_units: int
    tax_reason: str
    #: Units of it whose price was given back.
    refunded_quantity: int = 0

    @property
    def unit_price(self) -> Amount:
        """What one unit cost, before tax."""
        return Amount(USD, self.unit_price_units)

    @property
    def price(self) -> Amount:
        """What all units cost, before tax."""
        return Amount(USD, self.price_units)

    @property
    def tax(self) -> Amount:
        """The sales tax of all units."""
        return Amount(USD, self.tax_units)


@dataclass(frozen=True, slots=True)
class PaidPart:
    """What paid for a part of an order."""

    order_id: UUID
    method: OrderPaymentMethod
    asset: str
    units: int
    usd_units: int
    bid: Decimal | None

    @property
    def given(self) -> Amount:
        """What was taken."""
        return Amount(TRADABLE[self.asset], self.units)

    @property
    def dollars(self) -> Amount:
        """What it paid."""
        return Amount(USD, self.usd_units)


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """A status that an order took."""

    order_id: UUID
    status: OrderStatus
    #: The customer or member of staff who caused it; None for the system.
    actor_id: UUID | None
    evidence: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class GoodsOrder:
    """An order with its lines, payments and history."""

    id: UUID
    number: int
    user_id: UUID
    lock_id: UUID
    status: OrderStatus
    #: Whether some of its shipments have left and others have not.
    partially_shipped: bool
    destination: Delivery
    pickup_branch_id: UUID | None
    shipping_sealed: bytes | None
    billing_sealed: bytes | None
    goods_units: int
    tax_units: int
    shipping_units: int
    insurance_units: int
    total_units: int
    placed_at: datetime
    paid_at: datetime | None
    deposit_id: UUID | None
    payment_due_at: datetime | None
    hold_reasons: tuple[HoldReason, ...]
    held_at: datetime | None
    refunded_units: int
    cancelled_at: datetime | None
    cancel_reason: CancelReason | None
    deposits: list[Deposit] = field(default_factory=list)
    lines: list[OrderLine] = field(default_factory=list)
    payments: list[PaidPart] = field(default_factory=list)
    events: list[OrderEvent] = field(default_factory=list)

    @property
    def public_id(self) -> PublicId:
        """The id as the API and the pages show it: the reference of its entry in the ledger."""
        return ids.encode(rules.PREFIX, self.id)

    @property
    def goods(self) -> Amount:
        """The price of all lines, before tax."""
        return Amount(USD, self.goods_units)

    @property
    def tax(self) -> Amount:
        """The sales tax."""
        return Amount(USD, self.tax_units)

    @property
    def shipping(self) -> Amount:
        """The price of shipping."""
        return Amount(USD, self.shipping_units)

    @property
    def insurance(self) -> Amount:
        """The price of insurance on the way."""
        return Amount(USD, self.insurance_units)

    @property
    def total(self) -> Amount:
        """What the customer pays."""
        return Amount(USD, self.total_units)

    @property
    def refunded(self) -> Amount:
        """What was given back of what was paid."""
        return Amount(USD, self.refunded_units)

    @property
    def is_partially_refunded(self) -> bool:
        """Whether money of it was given back, and the order goes on."""
        ended = {OrderStatus.CANCELLED, OrderStatus.REFUNDED}
        return bool(self.refunded_units) and self.status not in ended

    @property
    def payment(self) -> OrderPaymentState:
        """How far its payment is."""
        deposit = next(iter(self.deposits), None)
        is_paid = self.paid_at is not None
        progress = find_progress(self.status, deposit, is_paid=is_paid)
        return OrderPaymentState(progress, deposit, self.payment_due_at)

    @property
    def shipping_address(self) -> PostalAddress | None:
        """Where it is shipped to."""
        return sealed_addresses.open_address(self.id, "shipping_sealed", self.shipping_sealed)

    @property
    def billing_address(self) -> PostalAddress | None:
        """The address of the invoice, where it is another one."""
        return sealed_addresses.open_address(self.id, "billing_sealed", self.billing_sealed)


_ORDERS = sa.select(
    ShopOrder.id,
    ShopOrder.number,
    ShopOrder.user_id,
    ShopOrder.lock_id,
    ShopOrder.status,
    ShopOrder.partially_shipped,
    ShopOrder.destination,
    ShopOrder.pickup_branch_id,
    ShopOrder.shipping_sealed,
    ShopOrder.billing_sealed,
    ShopOrder.goods_units,
    ShopOrder.tax_units,
    ShopOrder.shipping_units,
    ShopOrder.insurance_units,
    ShopOrder.total_units,
    ShopOrder.placed_at,
    ShopOrder.paid_at,
    ShopOrder.deposit_id,
    ShopOrder.payment_due_at,
    ShopOrder.hold_reasons,
    ShopOrder.held_at,
    ShopOrder.refunded_units,
    ShopOrder.cancelled_at,
    ShopOrder.cancel_reason,
)
_LINES = sa.select(
    ShopOrderLine.order_id,
    ShopOrderLine.sku,
    Product.name,
    ShopOrderLine.quantity,
    ShopOrderLine.unit_price_units,
    ShopOrderLine.price_units,
    ShopOrderLine.tax_units,
    ShopOrderLine.tax_reason,
    sa.select(sa.cast(sa.func.sum(ShopOrderPart.returned_units), sa.BigInteger))
    .where(
        ShopOrderPart.order_id == ShopOrderLine.order_id,
        ShopOrderPart.line_position == ShopOrderLine.position,
    )
    .scalar_subquery()
    .label("refunded_quantity"),
).join(Product, Product.sku == ShopOrderLine.sku)
_PAYMENTS = sa.select(
    ShopOrderPayment.order_id,
    ShopOrderPayment.method,
    ShopOrderPayment.asset,
    ShopOrderPayment.units,
    ShopOrderPayment.usd_units,
    ShopOrderPayment.bid,
)
_EVENTS = sa.select(
    ShopOrderEvent.order_id,
    ShopOrderEvent.to_status.label("status"),
    ShopOrderEvent.actor_id,
    ShopOrderEvent.evidence,
    ShopOrderEvent.at,
)


_owner_id = sa.bindparam("owner_id", type_=sa.Uuid)
_OF_OWNER = compile_select(
    _ORDERS.where(
        ShopOrder.id == sa.bindparam("order_id", type_=sa.Uuid),
        sa.or_(_owner_id.is_(None), ShopOrder.user_id == _owner_id),
    )
)
_ORDER_IDS = any_of("order_ids", sa.Uuid)
_LINES_OF_ORDERS = compile_select(
    _LINES.where(ShopOrderLine.order_id == _ORDER_IDS).order_by(ShopOrderLine.position)
)
_PAYMENTS_OF_ORDERS = compile_select(
    _PAYMENTS.where(ShopOrderPayment.order_id == _ORDER_IDS).order_by(ShopOrderPayment.position)
)
_EVENTS_OF_ORDERS = compile_select(
    _EVENTS.where(ShopOrderEvent.order_id == _ORDER_IDS).order_by(ShopOrderEvent.id)
)


def list_orders(
    session: Session, user_id: UUID, *, limit: int, before: UUID | None
) -> Page[GoodsOrder]:
    """Return a page of a customer's orders, newest first."""
    owned = _ORDERS.where(ShopOrder.user_id == user_id)
    page = fetch_newest(session, GoodsOrder, owned, ShopOrder.id, limit=limit, before=before)
    _add_parts(session, page.data)
    return page


def list_every_order(session: Session, user_id: UUID) -> list[GoodsOrder]:
    """Return all orders of a customer, oldest first."""
    owned = _ORDERS.where(ShopOrder.user_id == user_id)
    orders = session.select(GoodsOrder, owned.order_by(ShopOrder.id))
    _add_parts(session, orders)
    return orders


def get_order(session: Session, order_id: UUID, *, user_id: UUID | None = None) -> GoodsOrder:
    """Return an order; with `user_id` only if that customer owns it. Raises `NotFound`."""
    order = read_header(session, order_id, user_id=user_id)
    _add_parts(session, [order])
    return order


def read_header(session: Session, order_id: UUID, *, user_id: UUID | None = None) -> GoodsOrder:
    """Return an order as `get_order` does, without its parts."""
    return session.get(GoodsOrder, _OF_OWNER, order_id=order_id, owner_id=user_id)


def list_open_orders(session: Session, user_id: UUID) -> list[PublicId]:
    """Return the ids of a customer's orders whose goods have not left."""
    owned = sa.select(ShopOrder.id.label("order_id")).where(
        ShopOrder.user_id == user_id, ShopOrder.status.in_(OPEN)
    )
    return session.select(
        lambda order_id: ids.encode(rules.PREFIX, order_id), owned.order_by(ShopOrder.id)
    )


def list_events(session: Session, order_id: UUID) -> list[OrderEvent]:
    """Return the statuses that an order took, oldest first."""
    own = _EVENTS.where(ShopOrderEvent.order_id == order_id)
    return session.select(OrderEvent, own.order_by(ShopOrderEvent.id))


def _add_parts(session: Session, orders: Sequence[GoodsOrder]) -> None:
    """Read lines, payments, deposits and events of all orders."""
    if not orders:
        return
    lines, payments, events = session.select_together(
        (OrderLine, _LINES_OF_ORDERS),
        (PaidPart, _PAYMENTS_OF_ORDERS),
        (OrderEvent, _EVENTS_OF_ORDERS),
        order_ids=[order.id for order in orders],
    )
    by_id = {order.id: order for order in orders}
    add_deposits(session, orders)
    for line in lines:
        by_id[line.order_id].lines.append(line)
    for payment in payments:
        by_id[payment.order_id].payments.append(payment)
    for event in events:
        by_id[event.order_id].events.append(event)


def add_deposits(session: Session, orders: Sequence[GoodsOrder]) -> None:
    """Read the deposits that pay for orders, into these."""
    deposit_ids = [order.deposit_id for order in orders if order.deposit_id]
    deposits = deposit_queries.list_deposits(session, deposit_ids) if deposit_ids else {}
    for order in orders:
        if order.deposit_id:
            order.deposits.append(deposits[order.deposit_id])
