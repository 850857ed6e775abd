"""What of an order can still be given back."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from app.catalog.products.models import Product
from app.catalog.rules import SYNTHETIC, USD, Metal
from app.catalog.tax_classes import TaxClass
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.kit.statements import AnySelect
from app.shop.locks.models import PriceLockLine, PriceLockRow
from app.shop.locks.rules import CancelTerms
from app.shop.orders import rules as orders_rules
from app.shop.orders.models import ShopOrder, ShopOrderLine, ShopOrderPart, ShopOrderPayment
from app.shop.orders.rules import OrderPaymentMethod, OrderStatus
from app.shop.refunds.models import ShopRefund, ShopRefundPart, ShopRefundPayment
from app.tax.assessment import Delivery, TaxDestination
from app.tax.states import UsState


@dataclass(frozen=True, slots=True)
class RefundableOrder:
    """An order whose row this transaction has locked, with the terms on which it can be cancelled
    and what was given back of it."""

    id: UUID
    number: int
    user_id: UUID
    status: OrderStatus
    destination: Delivery
    deposit_id: UUID | None
    placed_at: datetime
    paid_at: datetime | None
    shipping_units: int
    insurance_units: int
    refunded_units: int
    cancel_fee_units: int
    cancel_offset_percent: int
    cancel_vault_hours: int

    @property
    def public_id(self) -> PublicId:
        """The id as the API shows it: the reference of the entry of its sale."""
        return ids.encode(orders_rules.PREFIX, self.id)

    @property
    def shipping(self) -> Amount:
        """The price of shipping."""
        return Amount(USD, self.shipping_units)

    @property
    def insurance(self) -> Amount:
        """The price of insurance on the way."""
        return Amount(USD, self.insurance_units)

    @property
    def cancel_terms(self) -> CancelTerms:
        """What cancelling it costs."""
        return CancelTerms(
            Amount(USD, self.cancel_fee_units), self.cancel_offset_percent, self.cancel_vault_hours
        )


_ORDER = sa.select(
    ShopOrder.id,
    ShopOrder.number,
    ShopOrder.user_id,
    ShopOrder.status,
    ShopOrder.destination,
    ShopOrder.deposit_id,
    ShopOrder.placed_at,
    ShopOrder.paid_at,
    ShopOrder.shipping_units,
    ShopOrder.insurance_units,
    ShopOrder.refunded_units,
    PriceLockRow.cancel_fee_units,
    PriceLockRow.cancel_offset_percent,
    PriceLockRow.cancel_vault_hours,
).join(PriceLockRow, PriceLockRow.id == ShopOrder.lock_id)


@dataclass(frozen=True, slots=True)
class SoldPart:
    """Units of an order at one location, or one bar, and what of them was given back."""

    position: int
    line_position: int
    sku: str
    metal: Metal
    fineness: Decimal
    tax_class: TaxClass
    spot: Decimal
    #: The accounted ounces (10^-8) of one unit, and its price before tax.
    unit_ounces: int
    unit_price_units: int
    location_id: UUID
    lot_id: UUID | None
    sold_units: int
    #: The tax that it was sold with, less what was given back.
    tax_units: int
    returned_units: int
    #: Units that a return claims, which has not ended.
    returning_units: int
    tax_country: str
    tax_state: str | None
    tax_postal_code: str

    @property
    def units(self) -> int:
        """The units that were not given back."""
        return self.sold_units - self.returned_units

    @property
    def free_units(self) -> int:
        """The units of them that no return claims."""
        return self.units - self.returning_units

    @property
    def tax(self) -> Amount:
        """The tax of them."""
        return Amount(USD, self.tax_units)

    def price_of(self, units: int) -> Amount:
        """Return the price of so many of its units, before tax."""
        return Amount(USD, self.unit_price_units * units)

    def ounces_of(self, units: int) -> Amount:
        """Return the accounted ounces of so many of its units."""
        return Amount(SYNTHETIC[self.metal], self.unit_ounces * units)

    def taxed_at(self, delivery: Delivery) -> TaxDestination:
        """Return the place whose tax it is."""
        state = UsState.with_value(self.tax_state or "")
        return TaxDestination(delivery, self.tax_country, state, self.tax_postal_code)


_GIVEN_BACK = (
    sa.select(
        ShopRefundPart.part_position,
        sa.func.sum(ShopRefundPart.tax_units).label("tax_units"),
    )
    .join(ShopRefund, ShopRefund.id == ShopRefundPart.refund_id)
    .where(ShopRefund.order_id == sa.bindparam("order_id", type_=sa.Uuid()))
    .group_by(ShopRefundPart.part_position)
    .subquery("given_back")
)


def _whole(column: sa.ColumnElement[Decimal]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.coalesce(column, 0), sa.BigInteger)


_PARTS = (
    sa.select(
        ShopOrderPart.position,
        ShopOrderPart.line_position,
        ShopOrderLine.sku,
        Product.metal,
        Product.fineness,
        ShopOrderLine.tax_class,
        ShopOrderLine.spot,
        PriceLockLine.ounces_units.label("unit_ounces"),
        ShopOrderLine.unit_price_units,
        ShopOrderPart.location_id,
        ShopOrderPart.lot_id,
        ShopOrderPart.units.label("sold_units"),
        (ShopOrderPart.tax_units - _whole(_GIVEN_BACK.c.tax_units)).label("tax_units"),
        ShopOrderPart.returned_units,
        ShopOrderPart.returning_units,
        ShopOrderPart.tax_country,
        ShopOrderPart.tax_state,
        ShopOrderPart.tax_postal_code,
    )
    .join(ShopOrder, ShopOrder.id == ShopOrderPart.order_id)
    .join(
        ShopOrderLine,
        sa.and_(
            ShopOrderLine.order_id == ShopOrderPart.order_id,
            ShopOrderLine.position == ShopOrderPart.line_position,
        ),
    )
    # The lines of an order are those of its lock.
    .join(
        PriceLockLine,
        sa.and_(
            PriceLockLine.lock_id == ShopOrder.lock_id,
            PriceLockLine.position == ShopOrderLine.position,
        ),
    )
    .join(Product, Product.sku == ShopOrderLine.sku)
    .outerjoin(_GIVEN_BACK, _GIVEN_BACK.c.part_position == ShopOrderPart.position)
    .where(ShopOrderPart.order_id == sa.bindparam("order_id", type_=sa.Uuid()))
    .order_by(ShopOrderPart.position)
)


@dataclass(frozen=True, slots=True)
class PaymentLeft:
    """A payment of an order, and what of it was not given back, in cents."""

    position: int
    method: OrderPaymentMethod
    left_units: int

    @property
    def left(self) -> Amount:
        """What was not given back."""
        return Amount(USD, self.left_units)


_PAID_BACK = (
    sa.select(
        ShopRefundPayment.payment_position, sa.func.sum(ShopRefundPayment.units).label("units")
    )
    .join(ShopRefund, ShopRefund.id == ShopRefundPayment.refund_id)
    .where(ShopRefund.order_id == sa.bindparam("order_id", type_=sa.Uuid()))
    .group_by(ShopRefundPayment.payment_position)
    .subquery("paid_back")
)
_PAYMENTS = (
    sa.select(
        ShopOrderPayment.position,
        ShopOrderPayment.method,
        (ShopOrderPayment.usd_units - _whole(_PAID_BACK.c.units)).label("left_units"),
    )
    .outerjoin(_PAID_BACK, _PAID_BACK.c.payment_position == ShopOrderPayment.position)
    .where(ShopOrderPayment.order_id == sa.bindparam("order_id", type_=sa.Uuid()))
    .order_by(ShopOrderPayment.position)
)


def lock_order(session: Session, order_id: UUID, *, user_id: UUID | None = None) -> RefundableOrder:
    """Return an order, its row locked until the transaction ends; with `user_id` only one of that
    customer. Raises `NotFound`."""
    return session.get(RefundableOrder, _find(order_id, user_id).with_for_update(of=ShopOrder))


def get_order(session: Session, order_id: UUID, *, user_id: UUID | None = None) -> RefundableOrder:
    """Return the same without a lock, to show what a refund would be."""
    return session.get(RefundableOrder, _find(order_id, user_id))


def _find(order_id: UUID, user_id: UUID | None) -> AnySelect:
    found = _ORDER.where(ShopOrder.id == order_id)
    return found if user_id is None else found.where(ShopOrder.user_id == user_id)


def list_parts(session: Session, order_id: UUID) -> list[SoldPart]:
    """Return the goods of an order, by where they were when they were sold."""
    return session.select(SoldPart, _PARTS, order_id=order_id)


def list_payments_left(session: Session, order_id: UUID) -> list[PaymentLeft]:
    """Return the payments of an order with what was not given back of each."""
    return session.select(PaymentLeft, _PAYMENTS, order_id=order_id)
