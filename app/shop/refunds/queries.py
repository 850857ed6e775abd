"""Named reads of refunds."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.catalog.rules import USD
from app.funding.card_refunds import queries as card_refunds_queries
from app.funding.card_refunds.queries import CardRefund
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.shop.orders.models import ShopOrderPayment
from app.shop.orders.rules import OrderPaymentMethod
from app.shop.refunds.models import ShopRefund, ShopRefundPayment
from app.shop.refunds.rules import PREFIX, RefundCause, RefundDestination


@dataclass(frozen=True, slots=True)
class RefundPayment:
    """What went back of a payment of an order."""

    refund_id: UUID
    method: OrderPaymentMethod
    units: int
    destination: RefundDestination

    @property
    def amount(self) -> Amount:
        """What went back."""
        return Amount(USD, self.units)


@dataclass(frozen=True, slots=True)
class RefundOfOrder:
    """A refund of an order, with where the money went."""

    id: UUID
    order_id: UUID
    user_id: UUID
    cause: RefundCause
    goods_units: int
    tax_units: int
    shipping_units: int
    insurance_units: int
    borne_units: int
    loss_units: int
    fee_units: int
    total_units: int
    actor_id: UUID | None
    reason: str | None
    refunded_at: datetime
    payments: list[RefundPayment] = field(default_factory=list)
    cards: list[CardRefund] = field(default_factory=list)

    @property
    def public_id(self) -> PublicId:
        """The id as the API and the pages show it: the reference of its entry."""
        return ids.encode(PREFIX, self.id)

    @property
    def goods(self) -> Amount:
        """The price of the units, before tax."""
        return Amount(USD, self.goods_units)

    @property
    def tax(self) -> Amount:
        """The tax that was given back, without what PBCEx bore of what became due."""
        return Amount(USD, self.tax_units + self.borne_units)

    @property
    def shipping(self) -> Amount:
        """The price of shipping and its insurance."""
        return Amount(USD, self.shipping_units + self.insurance_units)

    @property
    def loss(self) -> Amount:
        """What the metal lost."""
        return Amount(USD, self.loss_units)

    @property
    def fee(self) -> Amount:
        """The fee of a cancellation."""
        return Amount(USD, self.fee_units)

    @property
    def total(self) -> Amount:
        """What the customer received; below zero, what they owed."""
        return Amount(USD, self.total_units)


_REFUNDS = sa.select(
    ShopRefund.id,
    ShopRefund.order_id,
    ShopRefund.user_id,
    ShopRefund.cause,
    ShopRefund.goods_units,
    ShopRefund.tax_units,
    ShopRefund.shipping_units,
    ShopRefund.insurance_units,
    ShopRefund.borne_units,
    ShopRefund.loss_units,
    ShopRefund.fee_units,
    ShopRefund.total_units,
    ShopRefund.actor_id,
    ShopRefund.reason,
    ShopRefund.refunded_at,
)


def list_refunds(session: Session, order_ids: Sequence[UUID]) -> list[RefundOfOrder]:
    """Return the refunds of orders, oldest first."""
    found = _REFUNDS.where(ShopRefund.order_id.in_(order_ids))
    return _with_payments(session, session.select(RefundOfOrder, found.order_by(ShopRefund.id)))


def list_refunds_of(session: Session, user_id: UUID) -> list[RefundOfOrder]:
    """Return the refunds of a customer, oldest first."""
    found = _REFUNDS.where(ShopRefund.user_id == user_id)
    return _with_payments(session, session.select(RefundOfOrder, found.order_by(ShopRefund.id)))


def _with_payments(session: Session, refunds: list[RefundOfOrder]) -> list[RefundOfOrder]:
    if not refunds:
        return refunds
    payments: defaultdict[UUID, list[RefundPayment]] = defaultdict(list)
    for payment in session.select(
        RefundPayment,
        sa.select(
            ShopRefundPayment.refund_id,
            ShopOrderPayment.method,
            ShopRefundPayment.units,
            ShopRefundPayment.destination,
        )
        .join(ShopRefund, ShopRefund.id == ShopRefundPayment.refund_id)
        .join(
            ShopOrderPayment,
            sa.and_(
                ShopOrderPayment.order_id == ShopRefund.order_id,
                ShopOrderPayment.position == ShopRefundPayment.payment_position,
            ),
        )
        .where(ShopRefundPayment.refund_id.in_([refund.id for refund in refunds]))
        .order_by(ShopRefundPayment.payment_position, ShopRefundPayment.destination),
    ):
        payments[payment.refund_id].append(payment)
    cards = card_refunds_queries.list_refunds_because_of(
        session, [refund.public_id for refund in refunds]
    )
    for refund in refunds:
        refund.payments.extend(payments[refund.id])
        refund.cards.extend(card for card in cards if card.because_of == refund.public_id)
    return refunds
