"""Reads of orders that keep goods: they wait for their payment, or for staff."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from app.catalog.products.models import Product
from app.catalog.rules import SYNTHETIC, TRADABLE, USD, Metal, PaymentMethod
from app.funding.models import DepositRow
from app.funding.states import OPEN_DEPOSITS
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress
from app.shop.locks.models import PriceLockLine
from app.shop.orders import sealed_addresses
from app.shop.orders.models import ShopOrder, ShopOrderLine, ShopOrderPart, ShopOrderPayment
from app.shop.orders.rules import (
    KEEPING,
    PREFIX,
    HoldReason,
    OrderedUnits,
    OrderPayment,
    OrderPaymentMethod,
    OrderStatus,
)
from app.tax.assessment import Delivery

_IS_WAITING = ShopOrder.status == OrderStatus.PENDING_PAYMENT
_IS_HELD = ShopOrder.status == OrderStatus.ON_HOLD
_IDS = sa.select(ShopOrder.id.label("order_id"))
_BATCH = 200


@dataclass(frozen=True, slots=True)
class LockedOrder:
    """An order whose row this transaction has locked.

    `deposit_id` pays for a part, until `payment_due_at`; both are None if all was paid at once.
    """

    id: UUID
    number: int
    user_id: UUID
    status: OrderStatus
    tax_units: int
    shipping_units: int
    insurance_units: int
    total_units: int
    shipping_sealed: bytes | None
    destination: Delivery
    deposit_id: UUID | None
    payment_due_at: datetime | None
    hold_reasons: tuple[HoldReason, ...]

    @property
    def public_id(self) -> PublicId:
        """The id as the API shows it."""
        return ids.encode(PREFIX, self.id)

    @property
    def total(self) -> Amount:
        """What the customer pays."""
        return Amount(USD, self.total_units)

    @property
    def shipping_address(self) -> PostalAddress | None:
        """Where it is shipped to."""
        return sealed_addresses.open_address(self.id, "shipping_sealed", self.shipping_sealed)


@dataclass(frozen=True, slots=True)
class KeptPayment:
    """A payment of a waiting order, and the hold that keeps it available; None for the part that a
    deposit pays."""

    payment: OrderPayment
    hold_id: UUID | None


def lock_order(session: Session, order_id: UUID, *, user_id: UUID | None = None) -> LockedOrder:
    """Return an order, its row locked until the transaction ends; with `user_id` only one of that
    customer. Raises `NotFound`."""
    select = sa.select(
        ShopOrder.id,
        ShopOrder.number,
        ShopOrder.user_id,
        ShopOrder.status,
        ShopOrder.tax_units,
        ShopOrder.shipping_units,
        ShopOrder.insurance_units,
        ShopOrder.total_units,
        ShopOrder.shipping_sealed,
        ShopOrder.destination,
        ShopOrder.deposit_id,
        ShopOrder.payment_due_at,
        ShopOrder.hold_reasons,
    ).where(ShopOrder.id == order_id)
    if user_id is not None:
        select = select.where(ShopOrder.user_id == user_id)
    return session.get(LockedOrder, select.with_for_update())


def list_waiting_of(session: Session, user_id: UUID) -> list[UUID]:
    """Return the ids of a customer's orders that wait for their payment, oldest first."""
    select = _IDS.where(_IS_WAITING, ShopOrder.user_id == user_id)
    return session.select(lambda order_id: order_id, select.order_by(ShopOrder.id))


def list_due(session: Session, now: datetime) -> list[UUID]:
    """Return the ids of waiting orders whose deposit has ended or is too late, oldest first."""
    has_ended = DepositRow.status.not_in(sorted(OPEN_DEPOSITS))
    select = (
        _IDS.join(DepositRow, DepositRow.id == ShopOrder.deposit_id)
        .where(_IS_WAITING, sa.or_(has_ended, ShopOrder.payment_due_at <= now))
        .order_by(ShopOrder.id)
        .limit(_BATCH)
    )
    return session.select(lambda order_id: order_id, select)


def lock_unreminded(session: Session, now: datetime, before: timedelta) -> list[UUID]:
    """Return the ids of orders that wait for a bank transfer until so long from now at most, and
    whose customers were not reminded of it, their rows locked. Rows that others have locked are
    left for the next time."""
    select = (
        _IDS.join(DepositRow, DepositRow.id == ShopOrder.deposit_id)
        .where(
            _IS_WAITING,
            DepositRow.method == PaymentMethod.BANK,
            DepositRow.status.in_(sorted(OPEN_DEPOSITS)),
            ShopOrder.reminded_at.is_(None),
            ShopOrder.payment_due_at > now,
            ShopOrder.payment_due_at <= now + before,
        )
        .order_by(ShopOrder.id)
        .limit(_BATCH)
        .with_for_update(of=ShopOrder, skip_locked=True)
    )
    return session.select(lambda order_id: order_id, select)


def lock_unreviewed(session: Session, before: datetime) -> list[UUID]:
    """Return the ids of orders that are on hold since before an instant and of which staff were not
    reminded, their rows locked. Rows that others have locked are left for the next time."""
    select = (
        _IDS.where(_IS_HELD, ShopOrder.held_at <= before, ShopOrder.reminded_at.is_(None))
        .order_by(ShopOrder.id)
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    return session.select(lambda order_id: order_id, select)


def list_overdue_reviews(session: Session, before: datetime) -> list[UUID]:
    """Return the ids of orders that are on hold since before an instant, without those that wait
    for a decision about the sanctions list."""
    is_screened = ShopOrder.hold_reasons.contains([HoldReason.SCREENING])
    select = _IDS.where(_IS_HELD, ShopOrder.held_at <= before, sa.not_(is_screened))
    return session.select(lambda order_id: order_id, select.order_by(ShopOrder.id).limit(_BATCH))


def list_units(session: Session, order_id: UUID) -> list[OrderedUnits]:
    """Return the goods of an order, by where they are, without those that were returned."""
    part, line = ShopOrderPart, ShopOrderLine
    units = (part.units - part.returned_units).label("units")
    is_of_line = sa.and_(line.order_id == part.order_id, line.position == part.line_position)
    select = (
        sa.select(
            line.sku,
            part.location_id,
            part.lot_id,
            units,
            line.spot,
            # What is left of the price of the part: all units of a line have one price.
            (part.price_units - line.unit_price_units * part.returned_units).label("price_units"),
            part.tax_units,
            part.hold_id,
        )
        .join(line, is_of_line)
        .where(part.order_id == order_id, units > 0)
        .order_by(part.position)
    )
    return session.select(_units, select)


def _units(
    *,
    sku: str,
    location_id: UUID,
    lot_id: UUID | None,
    units: int,
    spot: Decimal,
    price_units: int,
    tax_units: int,
    hold_id: UUID,
) -> OrderedUnits:
    price, tax = Amount(USD, price_units), Amount(USD, tax_units)
    return OrderedUnits(sku, location_id, lot_id, units, spot, price, tax, hold_id)


def list_payments(session: Session, order_id: UUID) -> list[KeptPayment]:
    """Return what pays for an order, in the order of the request."""
    table = ShopOrderPayment
    select = sa.select(
        table.method,
        table.asset,
        table.units,
        table.usd_units,
        table.bid,
        table.spread_units,
        table.rounding_units,
        table.hold_id,
    ).where(table.order_id == order_id)
    return session.select(_payment, select.order_by(table.position))


def _payment(
    *,
    method: OrderPaymentMethod,
    asset: str,
    units: int,
    usd_units: int,
    bid: Decimal | None,
    spread_units: int,
    rounding_units: int,
    hold_id: UUID | None,
) -> KeptPayment:
    payment = OrderPayment(
        method,
        Amount(TRADABLE[asset], units),
        Amount(USD, usd_units),
        bid,
        Amount(USD, spread_units),
        Amount(USD, rounding_units),
    )
    return KeptPayment(payment, hold_id)


def waiting_units(session: Session) -> dict[str, int]:
    """Return, by the asset of the metal, the ounces (10^-8) that orders which keep goods would add
    to what we owe once they are sold."""
    ounces = sa.func.sum(PriceLockLine.ounces_units * PriceLockLine.quantity)
    found = (
        sa.select(Product.metal, sa.cast(ounces, sa.BigInteger).label("units"))
        .select_from(ShopOrder)
        .join(PriceLockLine, PriceLockLine.lock_id == ShopOrder.lock_id)
        .join(Product, Product.sku == PriceLockLine.sku)
        .where(ShopOrder.status.in_(sorted(KEEPING)))
        .group_by(Product.metal)
    )
    return dict(session.select(lambda metal, units: (SYNTHETIC[Metal(metal)].code, units), found))
