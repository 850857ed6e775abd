"""The verbs of refunds: give goods and money of a paid order back, in one entry.

The order's row is locked first, then its deposit, then stock and the ledger. What a card paid goes
to the card as far as that is possible, and all else to the balance; metal that paid was sold, so
that its dollars go back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.products import queries as products_queries
from app.catalog.products.queries import ProductSummary
from app.catalog.rules import USD
from app.funding.card_refunds import service as card_refunds
from app.funding.receivables import service as receivables
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.ledger import service as ledger
from app.ledger.service import NewPosting
from app.shop.orders.models import ShopOrder, ShopOrderPart
from app.shop.orders.rules import OrderPaymentMethod
from app.shop.refunds import credit_notes, queries, refundable
from app.shop.refunds.models import ShopMarketLoss, ShopRefund, ShopRefundPart, ShopRefundPayment
from app.shop.refunds.postings import post_allowance, post_money
from app.shop.refunds.refundable import RefundableOrder, SoldPart
from app.shop.refunds.rules import (
    PREFIX,
    RefundCause,
    RefundDestination,
    RefundTerms,
    share_among_payments,
)
from app.vault.locations import queries as locations_queries
from app.vault.locations.queries import LocationSummary
from app.vault.lots.service import Goods
from app.vault.stock.take_backs import ReturnedGoods, take_back

ENTRY_CAUSE = "goods_taken_back"
_NOTHING = Amount(USD, 0)


@dataclass(frozen=True, slots=True)
class NewRefund:
    """A refund to make. `reason` is what staff wrote. Where `goods_stay`, the customer has the
    goods and keeps them: their sale earned less. `shelf` is where goods are that were delivered and
    came back. `exchanges` are the references of earlier entries that exchanged goods."""

    cause: RefundCause
    terms: RefundTerms
    at: datetime
    actor: Actor
    reason: str | None = None
    goods_stay: bool = False
    shelf: LocationSummary | None = None
    exchanges: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PaidBack:
    """What goes back of a payment of an order, and where."""

    position: int
    method: OrderPaymentMethod
    amount: Amount
    destination: RefundDestination


def give_back(
    session: Session, order: RefundableOrder, parts: Sequence[SoldPart], refund: NewRefund
) -> PublicId:
    """Put the goods of a refund back for sale, unless they stay, give its money back, and return
    its id. The order's row is locked, goods that come back were not picked or are back, and the
    caller sets the order's status.

    Raises `InsufficientStock` and `SerialMismatch`.
    """
    refund_id = ids.new()
    reference, terms = ids.encode(PREFIX, refund_id), refund.terms
    paid_back = share_out(session, order, terms.received)
    locations = locations_queries.locations_by_id(session, {part.location_id for part in parts})
    branches = {location.id: location.branch_id for location in locations.values()}
    if refund.goods_stay:
        goods = post_allowance(terms, parts, branches)
    else:
        goods = _take_back(session, order, parts, refund, reference, locations=locations)
    ledger.post(
        session,
        cause=ENTRY_CAUSE,
        reference=reference,
        posted_at=refund.at,
        postings=[*goods, *post_money(order.user_id, terms, parts, branches)],
    )
    _insert(session, order, refund_id, refund, paid_back)
    credit_notes.request_credit_notes(
        session, order, reference, terms, (parts, branches), at=refund.at
    )
    for each in paid_back:
        if each.destination is RefundDestination.CARD:
            assert order.deposit_id is not None  # of what a deposit paid
            card_refunds.request(
                session, order.deposit_id, order.user_id, each.amount, because_of=reference
            )
    audit.record(
        session,
        actor=refund.actor,
        action=AuditAction.GOODS_ORDER_REFUNDED,
        subject=order.public_id,
        on_behalf_of=order.user_id if refund.actor.user_id != order.user_id else None,
        after={"refund": reference, "cause": refund.cause, "total": str(terms.total)},
        reason=refund.reason,
    )
    return reference


def share_out(session: Session, order: RefundableOrder, amount: Amount) -> list[PaidBack]:
    """Return what goes back of each payment, and where: to the card, as far as its payment can be
    refunded and the customer owes nothing. The order's row is locked, and its deposit's is then."""
    payments = refundable.list_payments_left(session, order.id)
    shares = share_among_payments(amount, [payment.left for payment in payments])
    paid_back = []
    for payment, share in zip(payments, shares, strict=True):
        to_card = _NOTHING
        if payment.method is OrderPaymentMethod.CARD and share:
            assert order.deposit_id is not None  # a deposit is what pays by card
            to_card = min(share, card_refunds.lock_refundable(session, order.deposit_id))
            if receivables.amount_owed(session, order.user_id):
                to_card = _NOTHING
        paid_back += [
            PaidBack(payment.position, payment.method, part, destination)
            for part, destination in (
                (to_card, RefundDestination.CARD),
                (share - to_card, RefundDestination.BALANCE),
            )
            if part
        ]
    return paid_back


def _take_back(
    session: Session,
    order: RefundableOrder,
    parts: Sequence[SoldPart],
    refund: NewRefund,
    reference: PublicId,
    *,
    locations: Mapping[UUID, LocationSummary],
) -> list[NewPosting]:
    """Put the goods of a refund back for sale, and return the postings."""
    earlier = [each.public_id for each in queries.list_refunds(session, [order.id])]
    return take_back(
        session,
        _choose_goods(session, parts, refund, locations),
        owner_id=order.user_id,
        references=[order.public_id, *earlier, *refund.exchanges],
        reference=reference,
        at=refund.at,
    )


def _choose_goods(
    session: Session,
    parts: Sequence[SoldPart],
    refund: NewRefund,
    locations: Mapping[UUID, LocationSummary],
) -> list[ReturnedGoods]:
    """Return the units that come back as goods of the vault."""
    products: dict[str, ProductSummary] = {
        each.sku: each
        for each in products_queries.list_products(session, {part.sku for part in parts})
    }
    by_position = {part.position: part for part in parts}
    returned = []
    for each in refund.terms.parts:
        if not each.units:
            continue
        part = by_position[each.position]
        lot_ids = (part.lot_id,) if part.lot_id else ()
        goods = Goods(products[part.sku], locations[part.location_id], each.units, lot_ids)
        returned.append(
            ReturnedGoods(goods, each.price, part.spot, part.returned_units, refund.shelf)
        )
    return returned


def _insert(
    session: Session,
    order: RefundableOrder,
    refund_id: UUID,
    refund: NewRefund,
    paid_back: Sequence[PaidBack],
) -> None:
    terms = refund.terms
    columns = {
        "id": refund_id,
        "order_id": order.id,
        "user_id": order.user_id,
        "cause": refund.cause,
        "goods_units": terms.goods.units,
        "tax_units": terms.tax.units,
        "shipping_units": terms.shipping.units,
        "insurance_units": terms.insurance.units,
        "borne_units": terms.borne.units,
        "loss_units": terms.loss.units,
        "fee_units": terms.fee.units,
        "total_units": terms.total.units,
        "actor_id": refund.actor.user_id,
        "reason": refund.reason,
        "refunded_at": refund.at,
    }
    parts = [
        {
            "refund_id": refund_id,
            "part_position": part.position,
            "units": part.units,
            "price_units": part.price.units,
            "tax_units": part.tax.units,
        }
        for part in terms.parts
    ]
    session.insert((ShopRefund, [columns]), (ShopRefundPart, parts))
    if terms.losses:
        session.insert((ShopMarketLoss, _loss_columns(refund_id, terms)))
    if paid_back:
        session.insert((ShopRefundPayment, _payment_columns(refund_id, paid_back)))
    for part in terms.parts:
        session.write(
            sa.update(ShopOrderPart)
            .where(ShopOrderPart.order_id == order.id, ShopOrderPart.position == part.position)
            .values(returned_units=ShopOrderPart.returned_units + part.units)
        )
    session.write(
        sa.update(ShopOrder)
        .where(ShopOrder.id == order.id)
        .values(refunded_units=ShopOrder.refunded_units + terms.received.units)
    )


def _loss_columns(refund_id: UUID, terms: RefundTerms) -> list[dict[str, object]]:
    return [
        {
            "refund_id": refund_id,
            "line_position": loss.line_position,
            "ounces_units": loss.ounces.units,
            "locked": loss.locked,
            "offset_price": loss.offset_price,
            "loss_units": loss.amount.units,
        }
        for loss in terms.losses
    ]


def _payment_columns(refund_id: UUID, paid_back: Sequence[PaidBack]) -> list[dict[str, object]]:
    return [
        {
            "refund_id": refund_id,
            "payment_position": each.position,
            "units": each.amount.units,
            "destination": each.destination,
        }
        for each in paid_back
    ]
