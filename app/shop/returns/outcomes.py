"""What becomes of goods that came back and were inspected: a refund, other units, or neither.

Goods that PBCEx takes are put into quarantine: they are for sale once an assay has passed them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.catalog.products import queries as products_queries
from app.catalog.products.queries import ProductSummary
from app.catalog.rules import USD
from app.fulfillment.shipments import requesting as shipment_requests
from app.fulfillment.shipments.rules import (
    NewShipment,
    ShipmentSubject,
    ShippedUnits,
    SubjectType,
)
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.ledger import chart
from app.ledger import service as ledger
from app.shop.orders import queries as orders_queries
from app.shop.orders import service as orders
from app.shop.orders.models import ShopOrderPart
from app.shop.orders.rules import OrderStatus
from app.shop.refunds import messages as refund_messages
from app.shop.refunds import queries as refunds_queries
from app.shop.refunds import refundable
from app.shop.refunds import rules as refunds_rules
from app.shop.refunds import service as refunds
from app.shop.refunds.refundable import RefundableOrder, SoldPart
from app.shop.refunds.rules import RefundCause
from app.shop.refunds.service import NewRefund
from app.shop.returns import messages, queries, refund_terms, requesting, status_changes
from app.shop.returns.errors import ReturnMovedOn
from app.shop.returns.queries import GoodsReturn
from app.shop.returns.rules import ReturnStatus
from app.vault.assays import service as assays
from app.vault.bars import queries as bars_queries
from app.vault.bars.queries import FreeBar
from app.vault.locations import queries as locations_queries
from app.vault.locations.queries import LocationSummary
from app.vault.lots.errors import InsufficientStock
from app.vault.lots.service import Goods
from app.vault.movements.rules import MovementCause
from app.vault.stock import service as stock
from app.vault.stock import take_backs
from app.vault.stock.service import SoldGoods
from app.vault.stock.take_backs import ReturnedGoods


@dataclass(frozen=True, slots=True)
class _CameBack:
    """Units of a part of an order that came back, as goods of the vault where they were sold."""

    part: SoldPart
    goods: Goods


def carry_out_refund(
    session: Session,
    actor: Actor,
    order: RefundableOrder,
    returned: GoodsReturn,
    *,
    reason: str,
    at: datetime,
) -> PublicId:
    """Refund a return, its row and that of its order locked; return the id of the refund. Its goods
    are put into quarantine. Raises what `refund_terms.draw_up` raises.
    """
    parts = refundable.list_parts(session, order.id)
    terms = refund_terms.draw_up(session, order, parts, returned)
    goods, shelf = _list_goods(session, parts, returned)
    status_changes.release(session, returned)
    refund = NewRefund(
        RefundCause.RETURNED,
        terms,
        at,
        actor,
        reason,
        shelf=shelf,
        exchanges=_references_of_exchanges(session, order.id),
    )
    reference = refunds.give_back(session, order, parts, refund)
    _put_into_quarantine(session, actor, returned, goods, shelf, reference=reference, at=at)
    if sum(part.units for part in parts) == sum(returned.units.values()):
        orders.mark_refunded(
            session,
            order.id,
            order.status,
            actor_id=actor.user_id,
            at=at,
            evidence=returned.public_id,
            after=OrderStatus.RETURNED,
        )
    status_changes.change(
        session,
        returned,
        ReturnStatus.REFUNDED,
        at=at,
        actor=actor,
        evidence=reason,
        refund_id=ids.decode(refunds_rules.PREFIX, reference),
    )
    news = f"This is for the goods of your return {returned.number}."
    refund_messages.notify_of_refund(session, order, terms, reference, news)
    return reference


def exchange(session: Session, actor: Actor, return_id: UUID, *, reason: str) -> None:
    """Give the customer other units of the same products for the goods of a return, at no charge.
    They come from where the goods were sold, and go where the order went.

    Raises `PermissionDenied`, `OwnOrder`, `NotFound`, `ReturnMovedOn`, `NotAsSold`, `Invalid` for
    the reason, and `InsufficientStock` without so many units for sale.
    """
    returned, reason = requesting.lock_to_decide(session, actor, return_id, reason)
    refund_terms.require_keepable(returned)
    now = clock.now()
    parts = refundable.list_parts(session, returned.order_id)
    goods, shelf = _list_goods(session, parts, returned)
    others = _choose_others(session, goods)
    status_changes.release(session, returned)
    _take_back(session, returned, goods, shelf, at=now)
    reference = f"{returned.public_id}:returned"
    _put_into_quarantine(session, actor, returned, goods, shelf, reference=reference, at=now)
    _hand_out(session, returned, goods, others, at=now)
    _request_shipments(session, returned, goods, others)
    status_changes.change(
        session, returned, ReturnStatus.EXCHANGED, at=now, actor=actor, evidence=reason
    )
    news = "You get other units for the goods that you returned. We tell you when they leave."
    messages.notify_of_change(session, returned, news)


def send_back(session: Session, actor: Actor, return_id: UUID, *, reason: str) -> None:
    """Send the goods of a return back to their customer, who reads the reason.

    Raises `PermissionDenied`, `OwnOrder`, `NotFound`, `ReturnMovedOn`, and `Invalid` for the
    reason.
    """
    returned, reason = requesting.lock_to_decide(session, actor, return_id, reason)
    if returned.status is not ReturnStatus.INSPECTED:
        raise ReturnMovedOn
    parts = refundable.list_parts(session, returned.order_id)
    goods, shelf = _list_goods(session, parts, returned)
    lines = [
        ShippedUnits(each.part.sku, each.goods.units, each.part.price_of(each.goods.units),
                     each.part.lot_id)
        for each in goods
    ]  # fmt: skip
    _request_shipment(session, returned, shelf.id, lines)
    status_changes.release(session, returned)
    status_changes.change(
        session, returned, ReturnStatus.SENT_BACK, at=clock.now(), actor=actor, evidence=reason
    )
    messages.notify_of_change(session, returned, f"You get the goods back: {reason}")


def _list_goods(
    session: Session, parts: list[SoldPart], returned: GoodsReturn
) -> tuple[list[_CameBack], LocationSummary]:
    """Return the goods of a return as they were sold, and the location where they are now."""
    assert returned.location_id is not None  # approved_return_has_a_location
    units = returned.units
    own = [part for part in parts if part.position in units]
    locations = locations_queries.locations_by_id(
        session, {returned.location_id, *(part.location_id for part in own)}
    )
    products: dict[str, ProductSummary] = {
        each.sku: each
        for each in products_queries.list_products(session, {part.sku for part in own})
    }
    goods = [
        _CameBack(
            part,
            Goods(
                products[part.sku],
                locations[part.location_id],
                units[part.position],
                (part.lot_id,) if part.lot_id else (),
            ),
        )
        for part in own
    ]
    return goods, locations[returned.location_id]


def _references_of_exchanges(session: Session, order_id: UUID) -> list[str]:
    """Return the references of the entries by which units of an order were exchanged."""
    return [
        f"{each.public_id}:{act}"
        for each in queries.list_returns(session, order_id)
        if each.status is ReturnStatus.EXCHANGED
        for act in ("returned", "exchanged")
    ]


def _put_into_quarantine(
    session: Session,
    actor: Actor,
    returned: GoodsReturn,
    goods: list[_CameBack],
    shelf: LocationSummary,
    *,
    reference: str,
    at: datetime,
) -> None:
    """Put goods that PBCEx took back into quarantine, where they are."""
    for each in goods:
        there = Goods(each.goods.product, shelf, each.goods.units, each.goods.lot_ids)
        if each.goods.location.id != shelf.id:
            moved = f"{reference}:{each.part.position}"
            take_backs.relocate(session, each.goods, shelf, reference=moved, at=at)
        why = f"Return {returned.number}: {returned.reason.label.lower()}"
        assays.quarantine(session, actor, there, reason=why)


def _take_back(
    session: Session,
    returned: GoodsReturn,
    goods: list[_CameBack],
    shelf: LocationSummary,
    *,
    at: datetime,
) -> None:
    """Post that goods to be exchanged are ours again. Their price is due to the position, until
    other units are handed out for it."""
    earlier = refunds_queries.list_refunds(session, [returned.order_id])
    reference = f"{returned.public_id}:returned"
    postings = take_backs.take_back(
        session,
        [
            ReturnedGoods(
                each.goods,
                each.part.price_of(each.goods.units),
                each.part.spot,
                each.part.returned_units,
                shelf,
            )
            for each in goods
        ],
        owner_id=returned.user_id,
        references=[
            returned.order_public_id,
            *(each.public_id for each in earlier),
            *_references_of_exchanges(session, returned.order_id),
        ],
        reference=reference,
        at=at,
    )
    ledger.post(
        session,
        cause=MovementCause.GOODS_EXCHANGED,
        reference=reference,
        posted_at=at,
        postings=[*postings, ledger.credit(chart.position(USD), returned.price)],
    )


def _choose_others(session: Session, goods: list[_CameBack]) -> Mapping[int, Goods]:
    """Return what is handed out instead, by the position of the part: of products with serials,
    free bars of the same weight. Raises `InsufficientStock` without enough of them."""
    free = bars_queries.list_free_bars(
        session,
        {each.part.sku for each in goods if each.part.lot_id},
        {each.part.location_id for each in goods},
    )
    others: dict[int, Goods] = {}
    for each in goods:
        own = each.goods
        if each.part.lot_id is None:
            others[each.part.position] = own
            continue
        came = bars_queries.get_bar(session, each.part.lot_id)
        wanted = (own.product.sku, own.location.id, came.gross_units, came.fine_units)
        bar = next((bar for bar in free if _traits(bar) == wanted), None)
        if bar is None:
            raise InsufficientStock
        free.remove(bar)
        others[each.part.position] = Goods(own.product, own.location, 1, (bar.lot_id,))
    return others


def _traits(bar: FreeBar) -> tuple[str, UUID, int, int]:
    return (bar.sku, bar.location_id, bar.gross_units, bar.fine_units)


def _hand_out(
    session: Session,
    returned: GoodsReturn,
    goods: list[_CameBack],
    others: Mapping[int, Goods],
    *,
    at: datetime,
) -> None:
    """Post that other units are the customer's, for the price of those that came back."""
    reference = f"{returned.public_id}:exchanged"
    sold = [
        SoldGoods(others[each.part.position], each.part.price_of(each.goods.units), each.part.spot)
        for each in goods
    ]
    postings = stock.sell(session, sold, owner_id=returned.user_id, reference=reference, at=at)
    postings.append(ledger.debit(chart.position(USD), returned.price))
    stock.post(
        session,
        cause=MovementCause.GOODS_EXCHANGED,
        reference=reference,
        posted_at=at,
        postings=postings,
    )
    for each in goods:
        if each.part.lot_id is not None:
            [lot_id] = others[each.part.position].lot_ids
            session.write(
                sa.update(ShopOrderPart)
                .where(
                    ShopOrderPart.order_id == returned.order_id,
                    ShopOrderPart.position == each.part.position,
                )
                .values(lot_id=lot_id)
            )


def _request_shipments(
    session: Session, returned: GoodsReturn, goods: list[_CameBack], others: Mapping[int, Goods]
) -> None:
    by_location: dict[UUID, list[ShippedUnits]] = {}
    for each in goods:
        other = others[each.part.position]
        lot_id = other.lot_ids[0] if other.lot_ids else None
        value = each.part.price_of(other.units)
        line = ShippedUnits(each.part.sku, other.units, value, lot_id)
        by_location.setdefault(other.location.id, []).append(line)
    for location_id, lines in sorted(by_location.items()):
        _request_shipment(session, returned, location_id, lines)


def _request_shipment(
    session: Session, returned: GoodsReturn, location_id: UUID, lines: list[ShippedUnits]
) -> None:
    """Request a shipment to where the order of a return went."""
    order = orders_queries.get_order(session, returned.order_id)
    subject = ShipmentSubject(SubjectType.RETURN, returned.id, str(returned.number))
    shipment_requests.request(
        session,
        NewShipment(
            subject,
            returned.user_id,
            location_id,
            lines,
            order.shipping_address,
            order.pickup_branch_id,
        ),
    )
