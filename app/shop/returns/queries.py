"""Named reads of returns."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from app.access import Permission
from app.cases import queue_sources
from app.cases.queue_sources import QueueSource
from app.catalog.products.models import Product
from app.catalog.rules import USD
from app.kit import ids
from app.kit.counts import Count
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.kit.statements import AnySelect
from app.shop.orders import rules as orders_rules
from app.shop.orders.models import ShopOrder, ShopOrderLine, ShopOrderPart
from app.shop.refunds import rules as refunds_rules
from app.shop.returns.models import ShopReturn, ShopReturnEvent, ShopReturnPart
from app.shop.returns.rules import (
    EXPECTED,
    OPEN,
    PREFIX,
    Finding,
    ReturnReason,
    ReturnStatus,
    ReturnWay,
    ReturnWish,
)
from app.vault.bars.models import Bar
from app.vault.bars.rules import NamedBar
from app.vault.locations.models import Location

#: How many returns wait for a decision of staff, or for their inspection.
WAITING = Count(
    (
        "SELECT count(*) FROM shop_returns WHERE status IN ('requested', 'received', 'inspected')",
        None,
    )
)


@dataclass(frozen=True, slots=True)
class ReturnedPart:
    """Units of a part of an order in a return. `location_id` is where they were sold from."""

    return_id: UUID
    position: int
    line_position: int
    sku: str
    name: str
    units: int
    unit_price_units: int
    location_id: UUID
    lot_id: UUID | None
    refiner: str | None
    serial: str | None
    #: Where a bar is, or was when it left.
    bar_location_id: UUID | None

    @property
    def line(self) -> int:
        """The place of its line in the order, from 1."""
        return self.line_position + 1

    @property
    def price(self) -> Amount:
        """What the units cost, before tax."""
        return Amount(USD, self.unit_price_units * self.units)

    @property
    def bar(self) -> NamedBar | None:
        """The bar as staff name it; None for units without a serial."""
        return NamedBar(self.serial, self.refiner) if self.serial else None


@dataclass(frozen=True, slots=True)
class ReturnEvent:
    """A status that a return took."""

    return_id: UUID
    status: ReturnStatus
    #: The customer or member of staff who caused it; None for the system.
    actor_id: UUID | None
    evidence: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class StoredReturn:
    """A return as it is stored."""

    id: UUID
    number: int
    order_id: UUID
    order_number: int
    user_id: UUID
    status: ReturnStatus
    reason: ReturnReason
    wish: ReturnWish
    way: ReturnWay
    bid_percent: Decimal | None
    location_id: UUID | None
    location_code: str | None
    finding: Finding | None
    refund_id: UUID | None
    requested_at: datetime
    received_at: datetime | None
    ended_at: datetime | None

    @property
    def public_id(self) -> PublicId:
        """The id as others see it: what the references of its entries begin with."""
        return ids.encode(PREFIX, self.id)

    @property
    def order_public_id(self) -> PublicId:
        """The public id of its order."""
        return ids.encode(orders_rules.PREFIX, self.order_id)

    @property
    def refund_public_id(self) -> PublicId | None:
        """The public id of its refund; None without one."""
        return ids.encode(refunds_rules.PREFIX, self.refund_id) if self.refund_id else None


@dataclass(frozen=True, slots=True)
class GoodsReturn(StoredReturn):
    """A return with its goods and its history."""

    parts: list[ReturnedPart] = field(default_factory=list)
    events: list[ReturnEvent] = field(default_factory=list)

    @property
    def units(self) -> dict[int, int]:
        """Its units, by the position of their part."""
        return {part.position: part.units for part in self.parts}

    @property
    def price(self) -> Amount:
        """What its goods cost, before tax."""
        return sum((part.price for part in self.parts), Amount(USD, 0))

    @property
    def goods(self) -> str:
        """Its goods in words, such as `2 x AU-EAGLE-1OZ`."""
        return ", ".join(f"{part.units} x {part.sku}" for part in self.parts)


_RETURNS = (
    sa.select(
        ShopReturn.id,
        ShopReturn.number,
        ShopReturn.order_id,
        ShopOrder.number.label("order_number"),
        ShopReturn.user_id,
        ShopReturn.status,
        ShopReturn.reason,
        ShopReturn.wish,
        ShopReturn.way,
        ShopReturn.bid_percent,
        ShopReturn.location_id,
        Location.code.label("location_code"),
        ShopReturn.finding,
        ShopReturn.refund_id,
        ShopReturn.requested_at,
        ShopReturn.received_at,
        ShopReturn.ended_at,
    )
    .join(ShopOrder, ShopOrder.id == ShopReturn.order_id)
    .outerjoin(Location, Location.id == ShopReturn.location_id)
)
RETURNS = ListSource(
    StoredReturn,
    _RETURNS,
    key=ShopReturn.id,
    sorts={"requested": ShopReturn.id, "number": ShopReturn.number},
    filters={
        "number": lambda number: ShopReturn.number == number,
        "order": lambda number: ShopOrder.number == number,
        "customer": lambda user_id: ShopReturn.user_id == user_id,
        "status": lambda status: ShopReturn.status == status,
        "reason": lambda reason: ShopReturn.reason == reason,
    },
)
_PARTS = (
    sa.select(
        ShopReturnPart.return_id,
        ShopReturnPart.part_position.label("position"),
        ShopOrderPart.line_position,
        ShopOrderLine.sku,
        Product.name,
        ShopReturnPart.units,
        ShopOrderLine.unit_price_units,
        ShopOrderPart.location_id,
        ShopOrderPart.lot_id,
        Bar.refiner,
        Bar.serial,
        Bar.location_id.label("bar_location_id"),
    )
    .join(ShopReturn, ShopReturn.id == ShopReturnPart.return_id)
    .join(
        ShopOrderPart,
        sa.and_(
            ShopOrderPart.order_id == ShopReturn.order_id,
            ShopOrderPart.position == ShopReturnPart.part_position,
        ),
    )
    .join(
        ShopOrderLine,
        sa.and_(
            ShopOrderLine.order_id == ShopOrderPart.order_id,
            ShopOrderLine.position == ShopOrderPart.line_position,
        ),
    )
    .join(Product, Product.sku == ShopOrderLine.sku)
    .outerjoin(Bar, Bar.lot_id == ShopOrderPart.lot_id)
    .order_by(ShopReturnPart.return_id, ShopReturnPart.part_position)
)
_EVENTS = sa.select(
    ShopReturnEvent.return_id,
    ShopReturnEvent.to_status.label("status"),
    ShopReturnEvent.actor_id,
    ShopReturnEvent.evidence,
    ShopReturnEvent.at,
).order_by(ShopReturnEvent.id)


def get_return(
    session: Session,
    return_id: UUID,
    *,
    user_id: UUID | None = None,
    lock: bool = False,
) -> GoodsReturn:
    """Return a return, with `user_id` only of that customer; with `lock` its row is locked until
    the transaction ends, after that of its order. Raises `NotFound`."""
    found = _RETURNS.where(ShopReturn.id == return_id)
    if user_id is not None:
        found = found.where(ShopReturn.user_id == user_id)
    stored = session.get(StoredReturn, found.with_for_update(of=ShopReturn) if lock else found)
    [complete] = _complete(session, [stored])
    return complete


def find_order_of(session: Session, return_id: UUID) -> UUID:
    """Return the id of the order of a return. Raises `NotFound`."""
    found = sa.select(ShopReturn.order_id).where(ShopReturn.id == return_id)
    order_id: UUID = session.get(lambda order_id: order_id, found)
    return order_id


def list_returns(session: Session, order_id: UUID) -> list[GoodsReturn]:
    """Return the returns of an order, oldest first."""
    return _list(session, _RETURNS.where(ShopReturn.order_id == order_id))


def list_returns_of(session: Session, user_id: UUID) -> list[GoodsReturn]:
    """Return the returns of a customer, oldest first."""
    return _list(session, _RETURNS.where(ShopReturn.user_id == user_id))


def list_open_returns(session: Session, user_id: UUID) -> list[PublicId]:
    """Return the ids of a customer's returns that have not ended."""
    found = sa.select(ShopReturn.id.label("return_id")).where(
        ShopReturn.user_id == user_id, ShopReturn.status.in_(OPEN)
    )
    return session.select(
        lambda return_id: ids.encode(PREFIX, return_id), found.order_by(ShopReturn.id)
    )


def is_expected(session: Session, parcel_id: UUID) -> bool:
    """Return whether a parcel is that of a return whose goods may arrive."""
    found = sa.select(ShopReturn.id.label("return_id")).where(
        ShopReturn.id == parcel_id, ShopReturn.status.in_(EXPECTED)
    )
    return session.find(lambda return_id: return_id, found) is not None


def _list(session: Session, found: AnySelect) -> list[GoodsReturn]:
    return _complete(session, session.select(StoredReturn, found.order_by(ShopReturn.id)))


def _complete(session: Session, rows: Sequence[StoredReturn]) -> list[GoodsReturn]:
    if not rows:
        return []
    return_ids = [row.id for row in rows]
    parts: defaultdict[UUID, list[ReturnedPart]] = defaultdict(list)
    for part in session.select(
        ReturnedPart, _PARTS.where(ShopReturnPart.return_id.in_(return_ids))
    ):
        parts[part.return_id].append(part)
    events: defaultdict[UUID, list[ReturnEvent]] = defaultdict(list)
    for event in session.select(
        ReturnEvent, _EVENTS.where(ShopReturnEvent.return_id.in_(return_ids))
    ):
        events[event.return_id].append(event)
    return [
        GoodsReturn(
            **{column.name: getattr(row, column.name) for column in fields(row)},
            parts=parts[row.id],
            events=events[row.id],
        )
        for row in rows
    ]


queue_sources.register(
    QueueSource(
        "goods_return",
        "Return",
        Permission.SHOP_ORDERS_REFUND,
        PREFIX,
        lambda _actor: sa.select(
            ShopReturn.id.label("subject_id"),
            ShopReturn.user_id,
            ShopReturn.requested_at.label("since"),
        ).where(ShopReturn.status.in_([ReturnStatus.REQUESTED, ReturnStatus.INSPECTED])),
    )
)
